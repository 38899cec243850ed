"""Which radiopharmaceutical a header names, by code or text and never by the nuclide alone (STANDARDS D.6)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from psmacore.errors import UsageError
from psmacore.model.administration import PetAcquisition
from psmacore.model.codes import Code
from psmacore.suv.convert import derive
from psmacore.suv.overrides import parse_override
from psmacore.suv.tracer import TRACERS, UNKNOWN, identify_tracer, is_fdg, is_psma, recognise_tracer

Build = Callable[..., PetAcquisition]

PSMA_11, DCFPYL, PSMA_1007 = ("C118961", "NCIt"), ("C116352", "NCIt"), ("126758", "DCM")
PSMA_617, FDG = ("126759", "DCM"), ("35321007", "SCT")


def identified(build: Build, **changes: object) -> Code:
    return identify_tracer(build(**({"tracer": None, "tracer_text": ""} | changes)).administration)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (Code("C118961", "NCIt", "PSMA-11 Ga^68^"), PSMA_11),
        (Code("C116352", "NCIt", "Piflufolastat F^18^"), DCFPYL),
        (Code("126758", "DCM", "PSMA-1007 F^18^"), PSMA_1007),
        (Code("126759", "DCM", "PSMA-617 Ga^68^"), PSMA_617),
        (Code("35321007", "SCT", "Fluorodeoxyglucose F^18^"), FDG),
        (Code("C-B1031", "SRT", "Fluorodeoxyglucose F^18^"), FDG),
        (Code("C-B1031", "SNM3", ""), FDG),
        (Code("Y-X1743", "99SDM", "FDG -- fluorodeoxyglucose"), FDG),
        (Code("LOCAL1", "99SITE", "68Ga-PSMA-11"), PSMA_11),
    ],
)
def test_codes_new_old_and_local_are_known(an_acquisition: Build, code: Code, expected: tuple[str, str]) -> None:
    found = identified(an_acquisition, tracer=code)
    assert (found.value, found.scheme) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("68Ga-PSMA-11", PSMA_11),
        ("Ga-68 PSMA11", PSMA_11),
        ("[68Ga]Ga-PSMA-HBED-CC", PSMA_11),
        ("Illuccix", PSMA_11),
        ("LOCAMETZ", PSMA_11),
        ("gallium Ga 68 gozetotide", PSMA_11),
        ("18F-DCFPyL", DCFPYL),
        ("PYLARIFY", DCFPYL),
        ("piflufolastat F 18", DCFPYL),
        ("18F-PSMA-1007", PSMA_1007),
        ("PSMA1007", PSMA_1007),
        ("F18 PSMA 1007", PSMA_1007),
        ("68Ga-PSMA-617", PSMA_617),
        ("Gallium-68 PSMA-617", PSMA_617),
        ("FDG", FDG),
        ("F-18 FDG", FDG),
        ("Fluorodeoxyglucose", FDG),
        ("FDG -- fluorodeoxyglucose", FDG),
        ("2-fluoro-2-deoxy-D-glucose fludeoxyglucose", FDG),
    ],
)
def test_names_as_people_write_them_are_known(an_acquisition: Build, text: str, expected: tuple[str, str]) -> None:
    found = identified(an_acquisition, tracer_text=text)
    assert (found.value, found.scheme) == expected
    assert is_fdg(found) is (expected == FDG)
    assert is_psma(found) is (expected != FDG)


@pytest.mark.parametrize(
    "text", ["Posluma", "[18F]flotufolastat", "rhPSMA-7.3", "177Lu-PSMA-617", "Lutetium-177 PSMA-617", "Pluvicto"]
)
def test_ligands_without_a_standard_code_are_psma_under_a_private_one(an_acquisition: Build, text: str) -> None:
    found = identified(an_acquisition, tracer_text=text)
    assert found.scheme.startswith("99")
    assert is_psma(found)


@pytest.mark.parametrize("text", ["68Ga-PSMA", "PSMA", "F18 PSMA"])
def test_psma_without_the_ligand_is_psma_with_a_warning(an_acquisition: Build, text: str) -> None:
    finding = recognise_tracer(an_acquisition(tracer=None, tracer_text=text).administration)
    assert is_psma(finding.code)
    assert "which ligand" in finding.warnings[0]


@pytest.mark.parametrize(
    "text", ["", "Solution", "Germanium", "FDGal", "FDG and PSMA-1007", "DOTATATE", "F-18", "Choline"]
)
def test_the_nuclide_alone_is_never_taken_for_a_tracer(an_acquisition: Build, text: str) -> None:
    finding = recognise_tracer(an_acquisition(tracer=None, tracer_text=text).administration)
    assert finding.code == UNKNOWN
    assert not is_psma(finding.code)
    assert not is_fdg(finding.code)
    assert finding.warnings


def test_without_an_administration_the_tracer_is_unknown() -> None:
    assert identify_tracer(None) == UNKNOWN


def test_code_and_text_of_different_tracers_are_not_decided_between(an_acquisition: Build) -> None:
    """A protocol that keeps FDG's code for a PSMA scan is common."""
    derivation = derive(
        an_acquisition(tracer=Code("C-B1031", "SRT", "Fluorodeoxyglucose"), tracer_text="PSMA-1007")
    ).derivation
    assert any("(0054,0304)" in warning and "(0018,0031)" in warning for warning in derivation.warnings)
    assert identified(an_acquisition, tracer=Code("C-B1031", "SRT", ""), tracer_text="PSMA-1007") == UNKNOWN


def test_the_more_specific_of_code_and_text_counts(an_acquisition: Build) -> None:
    assert identified(an_acquisition, tracer=Code("X", "99SITE", "PSMA"), tracer_text="DCFPyL").value == "C116352"
    assert identified(an_acquisition, tracer=Code("C118961", "NCIt", ""), tracer_text="Ga PSMA").value == "C118961"


def test_the_derivation_tells_what_the_tracer_rests_on(an_acquisition: Build) -> None:
    by_code = recognise_tracer(an_acquisition(tracer_text="").administration).basis
    by_text = recognise_tracer(an_acquisition(tracer=None).administration).basis
    assert "[18F]DCFPyL from Radiopharmaceutical Code Sequence (0054,0304)" in by_code
    assert "[18F]DCFPyL from Radiopharmaceutical (0018,0031)" in by_text


def test_a_tracer_with_another_nuclide_warns(an_acquisition: Build) -> None:
    finding = recognise_tracer(an_acquisition(tracer=None, tracer_text="68Ga-PSMA-11").administration)
    assert finding.code.value == "C118961"
    assert "Ga-68" in finding.warnings[0]
    assert "F-18" in finding.warnings[0]


def test_the_readers_tracer_goes_first(an_acquisition: Build) -> None:
    acquisition = an_acquisition(tracer=None, tracer_text="Solution")
    override = parse_override("tracer=PSMA-1007")
    assert identify_tracer(acquisition.administration, [override]).value == "126758"
    recorded = derive(acquisition, [override]).derivation.overrides[0]
    assert (recorded.key, recorded.old_value) == ("tracer", "Solution")


@pytest.mark.parametrize("name", [tracer.name for tracer in TRACERS])
def test_every_tracer_can_be_entered_by_its_name(name: str) -> None:
    found = identify_tracer(None, [parse_override(f"tracer={name}")])
    assert found == next(tracer.code for tracer in TRACERS if tracer.name == name)


def test_a_tracer_that_is_not_known_cannot_be_entered() -> None:
    with pytest.raises(UsageError, match="68ga-psma-11"):
        identify_tracer(None, [parse_override("tracer=choline")])


def test_codes_fit_into_dicom() -> None:
    """SH holds 16 characters, LO 64 (PS3.5 6.2)."""
    for tracer in TRACERS:
        assert len(tracer.code.value) <= 16
        assert len(tracer.code.scheme) <= 16
        assert len(tracer.code.meaning) <= 64
