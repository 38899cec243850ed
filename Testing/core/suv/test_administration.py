"""Dose, weight, height, nuclide and injection time as vendors and people write them (STANDARDS D.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from types import MappingProxyType

import pytest

from psmacore.errors import DicomInputError
from psmacore.model.administration import PetAcquisition
from psmacore.model.codes import Code
from psmacore.suv.administration import parse_dicom_time
from psmacore.suv.convert import derive
from psmacore.suv.nuclide import identify_nuclide
from psmacore.suv.rules import DerivationRules

Build = Callable[..., PetAcquisition]

GA68 = {"nuclide": Code("35337001", "SCT", "^68^Gallium"), "half_life_s": 4057.7}
CU64 = {"nuclide": Code("3932008", "SCT", "^64^Copper"), "half_life_s": 45720.0}
JUST_AFTER_MIDNIGHT = {
    "series_at": datetime(2026, 3, 2, 0, 20),
    "acquired_at": datetime(2026, 3, 2, 0, 20),
    "start_datetime": None,
    "start_time": "231500",
}


def replace_start_time(acquisition: PetAcquisition, start_time: str) -> PetAcquisition:
    assert acquisition.administration is not None
    return replace(acquisition, administration=replace(acquisition.administration, start_time=start_time))


# dose ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dose", [20.0, 200.0, 2000.0])
def test_dose_between_20_and_2000_is_megabecquerel(an_acquisition: Build, dose: float) -> None:
    derivation = derive(an_acquisition(dose=dose)).derivation
    assert derivation.injected_activity_bq == pytest.approx(dose * 1e6)
    assert any("(0018,1074)" in warning and "MBq" in warning for warning in derivation.warnings)


@pytest.mark.parametrize("dose", [5.2, 19.9, 2001.0, 99_999.0, 0.0, -1.0, None, float("nan")])
def test_dose_that_is_neither_becquerel_nor_megabecquerel_is_refused(an_acquisition: Build, dose: float) -> None:
    with pytest.raises(DicomInputError, match=r"\(0018,1074\) Radionuclide Total Dose") as refusal:
        derive(an_acquisition(dose=dose))
    assert ("absent" if dose is None else repr(dose)) in str(refusal.value)


def test_dose_in_becquerel_is_used_as_it_is(an_acquisition: Build) -> None:
    derivation = derive(an_acquisition(dose=1e5)).derivation
    assert derivation.injected_activity_bq == 1e5
    assert derivation.warnings == ()


def test_missing_administration_sequence_is_refused(an_acquisition: Build) -> None:
    with pytest.raises(DicomInputError, match=r"\(0054,0016\).*absent"):
        derive(an_acquisition(administration=None))


# weight and height ---------------------------------------------------------------------------------


@pytest.mark.parametrize("weight", [None, 0.0, -70.0, 700.0, 0.08, float("inf")])
def test_missing_or_impossible_weight_is_refused(an_acquisition: Build, weight: float | None) -> None:
    with pytest.raises(DicomInputError, match=r"\(0010,1030\) Patient's Weight") as refusal:
        derive(an_acquisition(weight=weight))
    assert ("absent" if weight is None else repr(weight)) in str(refusal.value)


def test_weight_above_1000_is_in_grams(an_acquisition: Build) -> None:
    in_grams, in_kg = derive(an_acquisition(weight=80_000.0)), derive(an_acquisition(weight=80.0))
    assert in_grams.derivation.weight_kg == pytest.approx(80.0)
    assert in_grams.suvbw_per_value == pytest.approx(in_kg.suvbw_per_value)
    assert any("(0010,1030)" in warning for warning in in_grams.derivation.warnings)


def test_weight_and_size_that_are_swapped_are_refused(an_acquisition: Build) -> None:
    with pytest.raises(DicomInputError, match=r"\(0010,1030\).*Size is 80"):
        derive(an_acquisition(weight=1.8, size=80.0))


def test_height_above_3_is_in_centimetres(an_acquisition: Build) -> None:
    in_cm, in_m = derive(an_acquisition(size=180.0)).derivation, derive(an_acquisition(size=1.80)).derivation
    assert in_cm.height_m == pytest.approx(1.80)
    assert in_cm.factors.lbm_janma == pytest.approx(in_m.factors.lbm_janma)
    assert any("(0010,1020)" in warning for warning in in_cm.warnings)


@pytest.mark.parametrize("size", [None, 0.0, 80.0, 0.1, 1800.0, 72.0])
def test_height_that_is_missing_or_holds_the_weight_leaves_suvbw_alone(
    an_acquisition: Build, size: float | None
) -> None:
    conversion = derive(an_acquisition(size=size))
    derivation = conversion.derivation
    assert conversion.suvbw_per_value == pytest.approx(derive(an_acquisition()).suvbw_per_value)
    assert derivation.height_m is None
    assert derivation.factors.lbm is derivation.factors.bsa is derivation.factors.ibw is None
    assert any("(0010,1020)" in warning for warning in derivation.warnings)


@pytest.mark.parametrize(("weight", "size"), [(125.4, 125.0), (100.0, 100.0)])
def test_size_that_repeats_the_weight_is_no_height(an_acquisition: Build, weight: float, size: float) -> None:
    assert derive(an_acquisition(weight=weight, size=size)).derivation.height_m is None


@pytest.mark.parametrize("sex", ["O", "", "X"])
def test_other_or_missing_sex_is_noted_as_o_and_warned_of(an_acquisition: Build, sex: str) -> None:
    derivation = derive(an_acquisition(sex=sex)).derivation
    assert derivation.sex == "O"
    assert derivation.factors.lbm is not None
    assert any("(0010,0040)" in warning for warning in derivation.warnings)


# nuclide and half-life -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "name", "half_life_s"),
    [
        (Code("77004003", "SCT", ""), "F-18", 6586.2),
        (Code("C-111A1", "SRT", "^18^Fluorine"), "F-18", 6586.2),
        (Code("C-111A1", "99SDM", "18F"), "F-18", 6586.2),
        (Code("C-131A3", "SNM3", ""), "Ga-68", 4057.7),
        (Code("3932008", "SCT", ""), "Cu-64", 45_720.0),
        (Code("63360001", "SCT", ""), "Zr-89", 282_300.0),
        (Code("447553000", "SCT", ""), "Lu-177", 574_300.0),
        (Code("X1", "99LOCAL", "Ga-68"), "Ga-68", 4057.7),
        (Code("X1", "99LOCAL", "Fluorine-18"), "F-18", 6586.2),
        (Code("X1", "99LOCAL", "[68Ga]"), "Ga-68", 4057.7),
    ],
)
def test_nuclides_are_known_by_new_and_old_codes_and_by_name(code: Code, name: str, half_life_s: float) -> None:
    nuclide = identify_nuclide(code)
    assert nuclide is not None
    assert (nuclide.name, nuclide.half_life_s) == (name, half_life_s)


@pytest.mark.parametrize("meaning", ["68Ge", "Gallium-67", "181F", "Technetium", ""])
def test_other_nuclides_are_not_mistaken_for_known_ones(meaning: str) -> None:
    assert identify_nuclide(Code("X1", "99LOCAL", meaning)) is None
    assert identify_nuclide(None) is None


@pytest.mark.parametrize("stored", [None, 0.0])
def test_missing_half_life_is_the_nuclides(an_acquisition: Build, stored: float | None) -> None:
    derivation = derive(an_acquisition(half_life_s=stored, nuclide=GA68["nuclide"])).derivation
    assert derivation.half_life_s == 4057.7


def test_no_half_life_and_no_known_nuclide_is_refused(an_acquisition: Build) -> None:
    with pytest.raises(DicomInputError, match=r"\(0018,1075\) Radionuclide Half Life"):
        derive(an_acquisition(half_life_s=None, nuclide=Code("53315004", "SCT", "^68^Germanium")))


def test_half_life_of_another_nuclide_than_the_code_is_refused(an_acquisition: Build) -> None:
    with pytest.raises(DicomInputError, match=r"\(0018,1075\).*F-18.*4057\.7"):
        derive(an_acquisition(half_life_s=4057.7))


def test_half_life_within_one_percent_of_the_nuclides_is_used_as_stored(an_acquisition: Build) -> None:
    assert derive(an_acquisition(half_life_s=6588.0)).derivation.half_life_s == 6588.0
    with pytest.raises(DicomInputError, match="0018,1075"):
        derive(an_acquisition(half_life_s=6586.2 * 1.0101))


def test_a_germanium_phantom_with_its_own_half_life_is_fine(an_acquisition: Build) -> None:
    """The values of a real Siemens Vision Quadra header: Ge-68, 85.74 MBq, half-life 271 days."""
    derivation = derive(
        an_acquisition(
            dose=85.74e6,
            half_life_s=23_410_100.0,
            nuclide=Code("C-128A2", "SRT", "^68^Germanium"),
            weight=75.0,
            start_datetime=datetime(2023, 8, 25, 14, 49, 42),
            series_at=datetime(2023, 8, 25, 15, 24, 19),
            acquired_at=datetime(2023, 8, 25, 15, 24, 19),
        )
    ).derivation
    assert derivation.factor_g_per_bq == pytest.approx(75_000 / (85.74e6 * 2 ** (-2077 / 23_410_100)), rel=1e-12)


# injection time ------------------------------------------------------------------------------------


def test_datetime_goes_before_the_time_of_day(an_acquisition: Build) -> None:
    derivation = derive(an_acquisition(start_time="085500")).derivation
    assert derivation.injected_at == datetime(2026, 3, 2, 9, 0)
    assert any("(0018,1072)" in warning for warning in derivation.warnings)


def test_equal_datetime_and_time_of_day_are_not_worth_a_word(an_acquisition: Build) -> None:
    assert derive(an_acquisition(start_time="090000.00")).derivation.warnings == ()


def test_seconds_around_midnight_are_no_difference(an_acquisition: Build) -> None:
    acquisition = an_acquisition(**JUST_AFTER_MIDNIGHT | {"start_datetime": datetime(2026, 3, 2, 0, 0, 10)})
    assert derive(replace_start_time(acquisition, "235950")).derivation.warnings == ()
    assert derive(replace_start_time(acquisition, "235850")).derivation.warnings != ()


def test_time_of_day_alone_takes_the_scans_date(an_acquisition: Build) -> None:
    derivation = derive(an_acquisition(start_datetime=None, start_time="090000.000000")).derivation
    assert derivation.injected_at == datetime(2026, 3, 2, 9, 0)
    assert derivation.uptake_min == pytest.approx(60.0)


@pytest.mark.parametrize("nuclide", [{}, GA68])
def test_midnight_between_injection_and_scan_is_found(an_acquisition: Build, nuclide: dict[str, object]) -> None:
    derivation = derive(an_acquisition(**JUST_AFTER_MIDNIGHT, **nuclide)).derivation
    assert derivation.injected_at == datetime(2026, 3, 1, 23, 15)
    assert derivation.uptake_min == pytest.approx(65.0)
    assert any("midnight" in warning for warning in derivation.warnings)


def test_clock_error_of_ten_minutes_is_refused_not_taken_for_midnight(an_acquisition: Build) -> None:
    """One day off would multiply the SUV by 2^(86400/6586.2) = 8,900."""
    with pytest.raises(DicomInputError, match=r"\(0018,1072\).*after the scan.*'101000'"):
        derive(an_acquisition(start_datetime=None, start_time="101000"))


def test_datetime_after_the_scan_is_never_moved(an_acquisition: Build) -> None:
    changes = JUST_AFTER_MIDNIGHT | {"start_datetime": datetime(2026, 3, 2, 23, 15)}
    with pytest.raises(DicomInputError, match=r"\(0018,1078\).*after the scan"):
        derive(an_acquisition(**changes))


def test_longest_uptake_over_midnight_can_be_configured(an_acquisition: Build) -> None:
    changes = JUST_AFTER_MIDNIGHT | {"start_time": "180000"}
    with pytest.raises(DicomInputError, match="after the scan"):
        derive(an_acquisition(**changes))
    rules = DerivationRules(overnight_uptake_h=MappingProxyType({"F-18": 7.0}))
    derivation = derive(an_acquisition(**changes), rules=rules).derivation
    assert derivation.injected_at == datetime(2026, 3, 1, 18, 0)


def test_long_lived_nuclide_needs_the_date_of_injection(an_acquisition: Build) -> None:
    """Cu-64 is imaged on the next day too, and a day changes its SUV 3.7-fold."""
    with pytest.raises(DicomInputError, match=r"\(0018,1072\).*only a time of day.*'090000'"):
        derive(an_acquisition(start_datetime=None, start_time="090000", **CU64))
    the_day_before = datetime(2026, 3, 1, 10, 0)
    derivation = derive(an_acquisition(start_datetime=the_day_before, **CU64)).derivation
    assert derivation.factor_g_per_bq == pytest.approx(80_000 / 200e6 * 2 ** (86_400 / 45_720), rel=1e-9)


@pytest.mark.parametrize("start_time", ["", "noon", "256000"])
def test_missing_or_unreadable_injection_time_is_refused(an_acquisition: Build, start_time: str) -> None:
    with pytest.raises(DicomInputError, match=r"\(0018,1072\)"):
        derive(an_acquisition(start_datetime=None, start_time=start_time))


def test_injection_many_half_lives_before_the_scan_is_refused(an_acquisition: Build) -> None:
    """De-identification that shifts dates but not datetimes would multiply the SUV without limit."""
    with pytest.raises(DicomInputError, match=r"\(0018,1078\).*half-lives"):
        derive(an_acquisition(start_datetime=datetime(2026, 3, 2, 9, 0) - timedelta(days=30)))


def test_times_with_a_zone_are_compared_as_instants(an_acquisition: Build) -> None:
    scan_at = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    aware = an_acquisition(series_at=scan_at, acquired_at=scan_at, start_datetime=scan_at - timedelta(hours=1))
    assert derive(aware).suvbw_per_value == pytest.approx(derive(an_acquisition()).suvbw_per_value, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("093015", time(9, 30, 15)),
        ("093015.25", time(9, 30, 15, 250_000)),
        ("0930", time(9, 30)),
        ("09", time(9)),
        ("09:30:15", time(9, 30, 15)),
        ("235960", time(23, 59, 59)),
        ("", None),
        ("2460", None),
        ("9:30", None),
    ],
)
def test_dicom_times_are_read(text: str, expected: time | None) -> None:
    assert parse_dicom_time(text) == expected
