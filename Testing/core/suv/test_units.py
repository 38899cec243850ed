"""Every value of (0054,1001) Units, and what forbids an SUV whatever the units (STANDARDS D.1, W09)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from psmacore.errors import DicomInputError, GeometryError
from psmacore.model.administration import PetAcquisition
from psmacore.model.volumes import PetVolume
from psmacore.suv.convert import derive, to_suv

Build = Callable[..., PetAcquisition]
BuildPet = Callable[..., PetVolume]

ONE_HOUR_F18 = 2.0 ** (3600 / 6586.2)
BQML_FACTOR = 80_000.0 / 200e6 * ONE_HOUR_F18
JANMA_80KG_180CM = 9270 / (6680 + 216 * 80 / 1.8**2)


def test_bqml_becomes_suvbw_with_its_factor(a_pet: BuildPet) -> None:
    suv = to_suv(a_pet(value=5000.0))
    assert suv.values.dtype == np.float32
    assert suv.values == pytest.approx(5000.0 * BQML_FACTOR, rel=1e-6)
    assert suv.derivation.factor_g_per_bq == pytest.approx(BQML_FACTOR, rel=1e-12)
    assert suv.derivation.suv_type_stored is None
    assert suv.derivation.uptake_min == pytest.approx(60.0)


@pytest.mark.parametrize(
    ("suv_type", "to_bw"),
    [
        ("BW", 1.0),
        ("", 1.0),
        ("LBM", 80 / (1.10 * 80 - 120 * (80 / 180) ** 2)),
        ("LBMJAMES128", 80 / (1.10 * 80 - 128 * (80 / 180) ** 2)),
        ("LBMJANMA", 1 / JANMA_80KG_180CM),
        ("IBW", 80 / (48.0 + 1.06 * 28)),
    ],
)
def test_gml_of_each_type_is_taken_back_to_body_weight(a_pet: BuildPet, suv_type: str, to_bw: float) -> None:
    suv = to_suv(a_pet(value=4.0, units="GML", suv_type=suv_type, decay_correction="ADMIN"))
    assert suv.values == pytest.approx(4.0 * to_bw, rel=1e-6)
    assert suv.derivation.suv_type_stored == (suv_type or "BW")
    assert suv.derivation.factor_g_per_bq is None


@pytest.mark.parametrize("suv_type", ["BSA", ""])
def test_cm2ml_is_body_surface_area(a_pet: BuildPet, suv_type: str) -> None:
    area_m2 = 0.007184 * 180**0.725 * 80**0.425
    suv = to_suv(a_pet(value=1.0, units="CM2ML", suv_type=suv_type))
    assert suv.values == pytest.approx(80 * 1000 / (area_m2 * 1e4), rel=1e-6)
    assert suv.derivation.suv_type_stored == "BSA"


@pytest.mark.parametrize(("units", "suv_type"), [("GML", "BSA"), ("GML", "FOO"), ("CM2ML", "BW"), ("CM2ML", "LBM")])
def test_suv_type_that_contradicts_the_units_is_refused(an_acquisition: Build, units: str, suv_type: str) -> None:
    with pytest.raises(DicomInputError, match=r"\(0054,1006\) SUV Type.*" + suv_type):
        derive(an_acquisition(units=units, suv_type=suv_type))


def test_gml_by_lean_body_mass_needs_the_height(an_acquisition: Build) -> None:
    with pytest.raises(DicomInputError, match=r"\(0010,1020\).*LBM.*absent"):
        derive(an_acquisition(units="GML", suv_type="LBM", size=None))


def test_gml_by_body_weight_needs_neither_weight_nor_dose_but_says_what_is_missing(an_acquisition: Build) -> None:
    conversion = derive(an_acquisition(units="GML", suv_type="BW", weight=None, dose=None, half_life_s=None))
    assert conversion.suvbw_per_value == pytest.approx([1.0, 1.0, 1.0])
    warnings = " ".join(conversion.derivation.warnings)
    assert "(0010,1030)" in warnings
    assert "(0018,1074)" in warnings
    assert conversion.derivation.factors.lbm is None


def test_gml_with_an_injection_after_the_scan_warns(an_acquisition: Build) -> None:
    acquisition = an_acquisition(units="GML", start_datetime=None, start_time="103000")
    derivation = derive(acquisition).derivation
    assert any("(0018,1072)" in warning for warning in derivation.warnings)
    assert derivation.uptake_min is None


@pytest.mark.parametrize("decay", ["", "NONE"])
def test_gml_whose_decay_correction_does_not_fit_warns(an_acquisition: Build, decay: str) -> None:
    derivation = derive(an_acquisition(units="GML", decay_correction=decay)).derivation
    assert any("(0054,1102)" in warning for warning in derivation.warnings)


def test_philips_suv_factor_turns_counts_into_suvbw(a_pet: BuildPet) -> None:
    suv = to_suv(a_pet(value=2000.0, units="CNTS", philips_suv_factor=0.00123))
    assert suv.values == pytest.approx(2.46, rel=1e-6)
    assert suv.derivation.factor_g_per_bq is None


def test_philips_activity_factor_alone_turns_counts_into_becquerels(a_pet: BuildPet) -> None:
    suv = to_suv(a_pet(value=2000.0, units="CNTS", philips_suv_factor=0.0, philips_activity_factor=3.0))
    assert suv.values == pytest.approx(6000.0 * BQML_FACTOR, rel=1e-6)
    assert suv.derivation.factor_g_per_bq == pytest.approx(BQML_FACTOR, rel=1e-12)


def test_philips_suv_factor_goes_first_and_the_activity_factor_is_the_check(an_acquisition: Build) -> None:
    agreeing = derive(an_acquisition(units="CNTS", philips_suv_factor=3.0 * BQML_FACTOR, philips_activity_factor=3.0))
    assert agreeing.suvbw_per_value == pytest.approx([3.0 * BQML_FACTOR] * 3)
    assert agreeing.derivation.factor_g_per_bq == pytest.approx(BQML_FACTOR)
    assert not any("differ" in warning for warning in agreeing.derivation.warnings)
    differing = derive(an_acquisition(units="CNTS", philips_suv_factor=3.3 * BQML_FACTOR, philips_activity_factor=3.0))
    assert differing.suvbw_per_value == pytest.approx([3.3 * BQML_FACTOR] * 3)
    assert any("differ by up to 9.1 %" in warning for warning in differing.derivation.warnings)


@pytest.mark.parametrize(("suv_factor", "activity_factor"), [(None, None), (0.0, 0.0), (math.nan, None)])
def test_counts_without_a_usable_philips_factor_are_refused(
    an_acquisition: Build, suv_factor: float | None, activity_factor: float | None
) -> None:
    acquisition = an_acquisition(units="CNTS", philips_suv_factor=suv_factor, philips_activity_factor=activity_factor)
    with pytest.raises(DicomInputError, match=r"\(0054,1001\) Units.*7053,1000.*'CNTS'"):
        derive(acquisition)


def test_counts_per_second_use_calibration_and_voxel_volume(a_pet: BuildPet) -> None:
    pet = a_pet(
        value=2.0, spacing_mm=4.0, units="CPS", dose_calibration_factor=1600.0, corrected_image=("DECY", "ATTN", "DCAL")
    )
    assert to_suv(pet).values == pytest.approx(2.0 * 1600.0 / 0.064 * BQML_FACTOR, rel=1e-6)


def test_counts_per_second_are_refused_without_calibration_or_voxel_volume(an_acquisition: Build) -> None:
    calibrated = ("DECY", "ATTN", "DCAL")
    with pytest.raises(DicomInputError, match=r"\(0028,0051\).*DCAL"):
        derive(an_acquisition(units="CPS", dose_calibration_factor=1600.0), voxel_volume_ml=0.064)
    with pytest.raises(DicomInputError, match=r"\(0054,1322\).*absent"):
        derive(an_acquisition(units="CPS", corrected_image=calibrated), voxel_volume_ml=0.064)
    with pytest.raises(DicomInputError, match="voxel volume"):
        derive(an_acquisition(units="CPS", corrected_image=calibrated, dose_calibration_factor=1600.0))


@pytest.mark.parametrize("units", ["PROPCNTS", "PROPCPS", "1CM", "MGMINML", "SOMETHING", ""])
def test_other_units_are_refused(an_acquisition: Build, units: str) -> None:
    with pytest.raises(DicomInputError, match=r"\(0054,1001\) Units") as refusal:
        derive(an_acquisition(units=units))
    assert (repr(units) if units else "absent") in str(refusal.value)


@pytest.mark.parametrize("units", ["BQML", "GML", "CM2ML", "CNTS"])
def test_images_without_attenuation_correction_never_become_suv(an_acquisition: Build, units: str) -> None:
    acquisition = an_acquisition(units=units, philips_suv_factor=1.0, corrected_image=("DECY", "SCAT"))
    with pytest.raises(DicomInputError, match=r"\(0028,0051\) Corrected Image: lacks ATTN"):
        derive(acquisition)


def test_rescale_intercept_other_than_zero_is_refused(an_acquisition: Build) -> None:
    with pytest.raises(DicomInputError, match=r"\(0028,1052\).*-1024"):
        derive(an_acquisition(intercept=-1024.0))


@pytest.mark.parametrize("slope", [0.0, -1.0, math.inf])
def test_a_slope_that_is_no_positive_number_is_refused(an_acquisition: Build, slope: float) -> None:
    with pytest.raises(DicomInputError, match=r"\(0028,1053\).*image 2"):
        derive(an_acquisition(slopes=[1.0, slope, 1.0]))


def test_slopes_that_differ_are_named_in_the_derivation(an_acquisition: Build) -> None:
    assert "of each image" in derive(an_acquisition(slopes=[1.0, 1.5, 2.0])).derivation.steps[0]


def test_suv_type_beside_becquerels_is_pointed_out(an_acquisition: Build) -> None:
    derivation = derive(an_acquisition(suv_type="BW")).derivation
    assert derivation.factor_g_per_bq == pytest.approx(BQML_FACTOR)
    assert any("(0054,1006)" in warning for warning in derivation.warnings)


def test_a_series_without_images_is_refused(an_acquisition: Build) -> None:
    with pytest.raises(DicomInputError, match="no image"):
        derive(an_acquisition(frames=()))


def test_a_header_of_fewer_images_than_slices_is_refused(a_pet: BuildPet, an_acquisition: Build) -> None:
    pet = a_pet()
    short = PetVolume(pet.values, pet.geometry, pet.header, an_acquisition(n_slices=2))
    with pytest.raises(GeometryError, match="2 images"):
        to_suv(short)
