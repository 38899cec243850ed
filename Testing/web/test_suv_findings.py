"""What OHIF shows wrongly as SUV, told before the reader sees it."""

import pydicom
import pytest

from Testing.web.synthetic import simulated_study
from web_bridge.pages.suv_findings import Effect, suv_findings
from web_bridge.store.parse import parse_file

STUDY = simulated_study()


def a_pet() -> pydicom.Dataset:
    return pydicom.Dataset.from_json(STUDY.pet[0].to_json_dict())


def findings_of(pet: pydicom.Dataset):
    return suv_findings(pet.to_json_dict())


def administration(pet: pydicom.Dataset) -> pydicom.Dataset:
    return pet.RadiopharmaceuticalInformationSequence[0]


def test_series_that_ohif_scales_rightly_has_no_finding():
    assert findings_of(a_pet()) == ()


def test_other_modalities_have_no_finding():
    assert suv_findings(STUDY.ct[0].to_json_dict()) == ()


def test_admin_is_wrong_by_the_decay_since_injection():
    """Ga-68, one hour: 2 ** (3600 / 4057.7) = 1.85."""
    pet = a_pet()
    pet.DecayCorrection = "ADMIN"
    [finding] = findings_of(pet)
    assert finding.effect is Effect.WRONG
    assert "(0054,1102) Decay Correction is ADMIN" in finding.reason
    assert "1.85 times too high" in finding.reason


def test_admin_is_wrong_by_an_unknown_factor_where_the_header_has_no_times():
    pet = a_pet()
    pet.DecayCorrection = "ADMIN"
    del pet.SeriesTime
    [finding] = findings_of(pet)
    assert "times too high" not in finding.reason


def test_gml_is_not_shown_though_it_is_suv_already():
    pet = a_pet()
    pet.Units, pet.DecayCorrection = "GML", "ADMIN"
    [finding] = findings_of(pet)
    assert finding.effect is Effect.ABSENT
    assert "SUV already" in finding.right


@pytest.mark.parametrize(
    ("keyword", "words"),
    [("PatientWeight", "(0010,1030) Patient's Weight is missing"), ("Units", "(0054,1001) Units is absent")],
)
def test_missing_attribute_is_named(keyword, words):
    pet = a_pet()
    delattr(pet, keyword)
    [finding] = findings_of(pet)
    assert finding.effect is Effect.ABSENT
    assert words in finding.reason


@pytest.mark.parametrize("keyword", ["RadionuclideTotalDose", "RadionuclideHalfLife"])
def test_missing_part_of_the_administration_is_named(keyword):
    pet = a_pet()
    delattr(administration(pet), keyword)
    assert [finding.effect for finding in findings_of(pet)] == [Effect.ABSENT]


def test_dose_in_mbq_is_told():
    pet = a_pet()
    administration(pet).RadionuclideTotalDose = "150"
    [finding] = findings_of(pet)
    assert finding.effect is Effect.WRONG
    assert "is 150" in finding.reason


def test_weight_in_grams_is_told():
    pet = a_pet()
    pet.PatientWeight = "80000"
    [finding] = findings_of(pet)
    assert finding.effect is Effect.WRONG


@pytest.mark.parametrize(("corrections", "missing"), [(["DECY"], "ATTN"), (["ATTN"], "DECY"), ([], "ATTN and DECY")])
def test_missing_corrections_are_named(corrections, missing):
    pet = a_pet()
    pet.CorrectedImage = corrections
    [finding] = findings_of(pet)
    assert f"lacks {missing}" in finding.reason


def test_counts_are_right_only_with_philips_factors():
    pet = a_pet()
    pet.Units = "CNTS"
    assert "without Philips' private factors" in findings_of(pet)[0].reason
    block = pet.private_block(0x7053, "Philips PET Private Group", create=True)
    block.add_new(0x00, "DS", "0.00012")
    assert findings_of(pet) == ()


def test_real_series_are_judged(shared_data):
    bqml = next((shared_data / "sts001-pet-ge-bqml" / "image").rglob("*.dcm"))
    gml = next((shared_data / "sts001-crop-gml-ct" / "PET").rglob("*.dcm"))
    assert suv_findings(parse_file(bqml).metadata) == ()
    assert [finding.effect for finding in suv_findings(parse_file(gml).metadata)][:1] == [Effect.ABSENT]
