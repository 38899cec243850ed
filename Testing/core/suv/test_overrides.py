"""A reader's values in place of the header's: parsed, applied, recorded (STANDARDS D.1, last row)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from psmacore.errors import DicomInputError, UsageError
from psmacore.model.administration import PetAcquisition
from psmacore.model.suv import Override
from psmacore.suv.convert import Conversion, derive
from psmacore.suv.overrides import KNOWN_KEYS, entries_of, parse_override

Build = Callable[..., PetAcquisition]


def derived(acquisition: PetAcquisition, *entries: str) -> Conversion:
    return derive(acquisition, [parse_override(entry, reader="reader 1") for entry in entries])


def change(acquisition: PetAcquisition, *entries: str) -> float:
    """By what the SUV changes with the entries."""
    return float(derived(acquisition, *entries).suvbw_per_value[0] / derive(acquisition).suvbw_per_value[0])


def test_override_keeps_key_value_reader_and_reason() -> None:
    override = parse_override(" Weight_kg = 81.5 ", reader="reader 1", reason="scales read wrongly")
    assert override == Override("weight_kg", "81.5", None, "reader 1", "scales read wrongly")


def test_unknown_key_names_the_known_ones() -> None:
    with pytest.raises(UsageError) as error:
        parse_override("weight=80")
    assert all(key in str(error.value) for key in KNOWN_KEYS)


@pytest.mark.parametrize(
    "entry",
    [
        "weight_kg",
        "weight_kg=",
        "weight_kg=heavy",
        "weight_kg=80000",
        "height_m=180",
        "sex=male",
        "injected_activity_bq=-1",
        "injected_activity_mbq=nan",
        "residual_activity_mbq=-0.1",
        "extravasated_fraction=1",
        "extravasated_fraction=30",
        "injected_at=09:00",
        "injected_at=2026-03-02",
        "half_life_s=0",
        "decay_correction=MAYBE",
        "tracer=",
    ],
)
def test_values_that_do_not_fit_their_key_are_refused(entry: str) -> None:
    with pytest.raises(UsageError, match=r"override|KEY=VALUE"):
        parse_override(entry)


@pytest.mark.parametrize(
    "entry", ["2026-03-02T08:30:00", "2026-03-02 08:30", "20260302083000", "202603020830", "20260302083000.000"]
)
def test_times_are_read_as_people_and_dicom_write_them(entry: str) -> None:
    assert entries_of([parse_override(f"injected_at={entry}")]).injected_at == datetime(2026, 3, 2, 8, 30)


@pytest.mark.parametrize(
    "entries",
    [
        ("weight_kg=80", "weight_kg=81"),
        ("injected_activity_bq=2e8", "injected_activity_mbq=200"),
        ("extravasated_fraction=0.1", "extravasated_activity_mbq=10"),
        ("residual_at=2026-03-02T09:05:00",),
    ],
)
def test_entries_that_exclude_each_other_are_refused(entries: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        entries_of([parse_override(entry) for entry in entries])


# on activity concentration ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("missing", "entry"),
    [
        ({"weight": None}, "weight_kg=80"),
        ({"dose": None}, "injected_activity_mbq=200"),
        ({"dose": 5.4}, "injected_activity_bq=200e6"),
        ({"start_datetime": None}, "injected_at=2026-03-02T09:00:00"),
        ({"half_life_s": None, "nuclide": None}, "half_life_s=6586.2"),
        ({"half_life_s": 4057.7}, "half_life_s=6586.2"),
        ({"acquired_at": None, "series_at": None}, "reference_at=2026-03-02T10:00:00"),
        ({"decay_correction": ""}, "decay_correction=START"),
    ],
)
def test_what_the_header_lacks_can_be_entered(an_acquisition: Build, missing: dict[str, None], entry: str) -> None:
    refused = an_acquisition(**missing)
    with pytest.raises(DicomInputError):
        derive(refused)
    assert derived(refused, entry).suvbw_per_value[0] == pytest.approx(
        derive(an_acquisition()).suvbw_per_value[0], rel=1e-9
    )


def test_a_missing_administration_can_be_entered_as_a_whole(an_acquisition: Build) -> None:
    conversion = derived(
        an_acquisition(administration=None),
        "injected_activity_mbq=200",
        "half_life_s=6586.2",
        "injected_at=2026-03-02T09:00:00",
    )
    assert conversion.suvbw_per_value == pytest.approx(derive(an_acquisition()).suvbw_per_value)


def test_height_and_sex_entered_give_the_other_types(an_acquisition: Build) -> None:
    entered = derived(an_acquisition(size=None, sex=""), "height_m=1.8", "sex=m").derivation
    assert entered.factors == derive(an_acquisition()).derivation.factors
    assert (entered.height_m, entered.sex) == (1.8, "M")


def test_residual_activity_at_injection_is_taken_off(an_acquisition: Build) -> None:
    assert change(an_acquisition(), "residual_activity_mbq=20") == pytest.approx(200 / 180, rel=1e-9)


def test_residual_measured_later_is_decayed_back_to_the_injection(an_acquisition: Build) -> None:
    acquisition = an_acquisition(half_life_s=3600.0, nuclide=None)
    later = change(acquisition, "residual_activity_mbq=10", "residual_at=2026-03-02T10:00:00")
    assert later == pytest.approx(200 / 180, rel=1e-9)


def test_extravasated_share_or_activity_is_taken_off(an_acquisition: Build) -> None:
    assert change(an_acquisition(), "extravasated_fraction=0.2") == pytest.approx(1 / 0.8, rel=1e-9)
    assert change(an_acquisition(), "extravasated_activity_mbq=40") == pytest.approx(1 / 0.8, rel=1e-9)
    both = change(an_acquisition(), "residual_activity_mbq=20", "extravasated_fraction=0.1")
    assert both == pytest.approx(200 / (180 * 0.9), rel=1e-9)


def test_nothing_left_of_the_activity_is_refused(an_acquisition: Build) -> None:
    with pytest.raises(DicomInputError, match="leave nothing"):
        derived(an_acquisition(), "residual_activity_mbq=200")


def test_net_activity_and_every_entry_are_recorded_with_the_old_values(an_acquisition: Build) -> None:
    derivation = derived(
        an_acquisition(),
        "weight_kg=81",
        "residual_activity_mbq=20",
        "injected_at=2026-03-02T08:50:00",
        "injected_activity_mbq=210",
        "sex=F",
    ).derivation
    assert derivation.injected_activity_bq == pytest.approx(190e6)
    assert {(one.key, one.old_value) for one in derivation.overrides} == {
        ("weight_kg", "80.0"),
        ("residual_activity_mbq", None),
        ("injected_at", "2026-03-02 09:00:00"),
        ("injected_activity_mbq", "200000000.0"),
        ("sex", "M"),
    }
    assert {one.reader for one in derivation.overrides} == {"reader 1"}
    assert sum("reader" in step for step in derivation.steps) >= 5


def test_injection_entered_after_the_scan_is_refused(an_acquisition: Build) -> None:
    for units in ("BQML", "GML"):
        with pytest.raises(DicomInputError, match="after the scan"):
            derived(an_acquisition(units=units), "injected_at=2026-03-02T10:01:00")


def test_time_with_a_zone_needs_a_header_with_one(an_acquisition: Build) -> None:
    with pytest.raises(UsageError, match="time zone"):
        derived(an_acquisition(), "injected_at=2026-03-02T09:00:00+01:00")
    scan_at = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    aware = an_acquisition(series_at=scan_at, acquired_at=scan_at, start_datetime=None)
    entered = derived(aware, "injected_at=2026-03-02T10:00:00+01:00").derivation
    assert entered.uptake_min == pytest.approx(60.0)
    local = derived(aware, "injected_at=2026-03-02T09:00:00").derivation
    assert local.injected_at == datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_decay_correction_entered_is_told(an_acquisition: Build) -> None:
    entered = derived(an_acquisition(), "decay_correction=admin").derivation
    assert entered.decay_correction == "ADMIN"
    assert any("(0054,1102) ADMIN, entered by the reader" in step for step in entered.steps)
    assert not any("entered" in step for step in derive(an_acquisition()).derivation.steps)


def test_half_life_entered_against_the_nuclide_warns(an_acquisition: Build) -> None:
    derivation = derived(an_acquisition(), "half_life_s=4057.7").derivation
    assert any("F-18" in warning for warning in derivation.warnings)


# on values that the scanner computed -------------------------------------------------------------------


@pytest.mark.parametrize("units", ["GML", "CNTS"])
def test_entries_rescale_an_suv_that_the_scanner_computed(an_acquisition: Build, units: str) -> None:
    stored = an_acquisition(units=units, philips_suv_factor=0.01, decay_correction="START")
    assert change(stored, "weight_kg=88") == pytest.approx(1.1, rel=1e-9)
    assert change(stored, "injected_activity_mbq=160") == pytest.approx(1.25, rel=1e-9)
    assert change(stored, "residual_activity_mbq=40") == pytest.approx(1.25, rel=1e-9)
    earlier = change(stored, "injected_at=2026-03-02T08:30:00")
    assert earlier == pytest.approx(2 ** (1800 / 6586.2), rel=1e-9)


def test_admin_images_are_taken_to_the_injection_entered(an_acquisition: Build) -> None:
    """They were corrected to the wrong moment; START images of the same scan give the same SUV."""
    entry = "injected_at=2026-03-02T08:30:00"
    admin = change(an_acquisition(decay_correction="ADMIN"), entry)
    assert admin == pytest.approx(change(an_acquisition(), entry), rel=1e-9)


def test_both_philips_factors_let_entries_go_over_the_activity(an_acquisition: Build) -> None:
    stored = an_acquisition(units="CNTS", philips_suv_factor=0.01, philips_activity_factor=3.0)
    bqml = an_acquisition()
    assert derived(stored, "weight_kg=88").suvbw_per_value == pytest.approx(
        3.0 * derived(bqml, "weight_kg=88").suvbw_per_value, rel=1e-9
    )


def test_lean_body_mass_of_the_scanner_is_undone_with_the_scanners_weight(an_acquisition: Build) -> None:
    stored = an_acquisition(units="GML", suv_type="LBM")
    assert change(stored, "weight_kg=88") == pytest.approx(1.1, rel=1e-9)
    assert change(stored, "height_m=1.7") == pytest.approx(1.0, rel=1e-9)


def test_height_entered_makes_a_lean_body_mass_series_usable(an_acquisition: Build) -> None:
    entered = derived(an_acquisition(units="GML", suv_type="LBM", size=None), "height_m=1.8")
    assert entered.suvbw_per_value == pytest.approx(derive(an_acquisition(units="GML", suv_type="LBM")).suvbw_per_value)


def test_weight_entered_where_the_scanners_is_unknown_leaves_stored_suv_alone(an_acquisition: Build) -> None:
    entered = derived(an_acquisition(units="GML", weight=None), "weight_kg=88")
    assert entered.suvbw_per_value == pytest.approx([1.0] * 3)
    assert entered.derivation.weight_kg == 88.0
    assert any("does not tell the weight" in warning for warning in entered.derivation.warnings)


def test_activity_entered_where_the_scanners_is_unknown_leaves_stored_suv_alone(an_acquisition: Build) -> None:
    entered = derived(an_acquisition(units="GML", dose=None), "injected_activity_mbq=150")
    assert entered.suvbw_per_value == pytest.approx([1.0] * 3)
    assert entered.derivation.injected_activity_bq == 150e6
    assert any("does not tell the activity" in warning for warning in entered.derivation.warnings)


def test_injection_entered_where_the_scanners_is_unknown_gives_the_uptake_time_only(an_acquisition: Build) -> None:
    entered = derived(an_acquisition(decay_correction="ADMIN", start_datetime=None), "injected_at=2026-03-02T08:30:00")
    assert entered.suvbw_per_value == pytest.approx([80_000 / 200e6] * 3)
    assert entered.derivation.uptake_min == pytest.approx(90.0)
    assert any("does not tell the injection time" in warning for warning in entered.derivation.warnings)


def test_residual_time_without_an_injection_time_is_refused(an_acquisition: Build) -> None:
    acquisition = an_acquisition(decay_correction="ADMIN", start_datetime=None)
    with pytest.raises(DicomInputError, match="residual_at"):
        derived(acquisition, "residual_activity_mbq=10", "residual_at=2026-03-02T09:05:00")


def test_residual_on_a_stored_suv_needs_the_dose(an_acquisition: Build) -> None:
    with pytest.raises(DicomInputError, match=r"\(0018,1074\)"):
        derived(an_acquisition(units="GML", dose=None), "residual_activity_mbq=20")


@pytest.mark.parametrize("entry", ["reference_at=2026-03-02T09:59:00", "half_life_s=6500"])
@pytest.mark.parametrize("changes", [{"units": "GML"}, {"decay_correction": "ADMIN"}])
def test_entries_that_cannot_enter_say_so(an_acquisition: Build, changes: dict[str, str], entry: str) -> None:
    assert not any("do not enter" in warning for warning in derive(an_acquisition(**changes)).derivation.warnings)
    entered = derived(an_acquisition(**changes), entry)
    assert any("do not enter" in warning for warning in entered.derivation.warnings)
