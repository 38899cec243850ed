"""Factors of every SUV type against values worked out by hand and published ones."""

from __future__ import annotations

import math

import pytest

from psmacore.errors import DicomInputError
from psmacore.suv.factors import (
    body_surface_area_m2,
    frame_mean_decay,
    ideal_body_weight_kg,
    lean_body_mass_james128_kg,
    lean_body_mass_james_kg,
    lean_body_mass_janma_kg,
    suv_factors,
    suvbw_factor,
)
from psmacore.suv.journal import Journal


def test_suvbw_is_one_where_the_whole_activity_spreads_evenly_over_the_body() -> None:
    factor = suvbw_factor(weight_kg=70.0, activity_bq=140e6, half_life_s=6586.2, elapsed_s=0.0)
    assert 140e6 / 70_000.0 * factor == pytest.approx(1.0, rel=1e-12)


def test_suv_doubles_after_one_half_life() -> None:
    at_injection = suvbw_factor(weight_kg=70.0, activity_bq=140e6, half_life_s=4057.7, elapsed_s=0.0)
    later = suvbw_factor(weight_kg=70.0, activity_bq=140e6, half_life_s=4057.7, elapsed_s=4057.7)
    assert later == pytest.approx(2.0 * at_injection, rel=1e-12)


@pytest.mark.parametrize(
    "wrong",
    [{"elapsed_s": -1.0}, {"elapsed_s": math.nan}, {"weight_kg": 0.0}, {"activity_bq": -1.0}, {"half_life_s": 0.0}],
)
def test_no_factor_is_made_of_impossible_values(wrong: dict[str, float]) -> None:
    values = {"weight_kg": 70.0, "activity_bq": 1e8, "half_life_s": 6586.2, "elapsed_s": 60.0} | wrong
    with pytest.raises(DicomInputError):
        suvbw_factor(**values)


def test_mean_activity_of_a_frame_of_one_half_life_is_known() -> None:
    """The mean of 2^-x over x from 0 to 1 is 1 / (2 ln 2)."""
    assert frame_mean_decay(half_life_s=600.0, duration_s=600.0) == pytest.approx(2.0 * math.log(2.0), rel=1e-12)
    assert frame_mean_decay(half_life_s=600.0, duration_s=0.0) == 1.0


@pytest.mark.parametrize(
    ("sex", "james", "james128", "janma", "ibw"),
    [
        # 80 kg, 180 cm: (80/180)^2 = 0.19753086; BMI 24.691358
        ("M", 88.0 - 23.703704, 88.0 - 25.283951, 9270 * 80 / (6680 + 216 * 24.691358), 48.0 + 1.06 * 28),
        ("F", 85.6 - 29.234568, 85.6 - 29.234568, 9270 * 80 / (8780 + 244 * 24.691358), 45.5 + 0.91 * 28),
    ],
)
def test_body_masses_follow_their_formulas(sex: str, james: float, james128: float, janma: float, ibw: float) -> None:
    assert lean_body_mass_james_kg(weight_kg=80, height_m=1.8, sex=sex) == pytest.approx(james, rel=1e-7)
    assert lean_body_mass_james128_kg(weight_kg=80, height_m=1.8, sex=sex) == pytest.approx(james128, rel=1e-7)
    assert lean_body_mass_janma_kg(weight_kg=80, height_m=1.8, sex=sex) == pytest.approx(janma, rel=1e-7)
    assert ideal_body_weight_kg(weight_kg=80, height_m=1.8, sex=sex) == pytest.approx(ibw, rel=1e-7)


def test_ideal_body_weight_is_not_capped_at_the_weight() -> None:
    assert ideal_body_weight_kg(weight_kg=50, height_m=1.9, sex="M") > 50


def test_published_body_measures_of_the_reference_patient() -> None:
    """71 kg, 1.63 m, M: the values of the IBSI reference computation for patient STS_001."""
    assert lean_body_mass_james128_kg(weight_kg=71, height_m=1.63, sex="M") == pytest.approx(53.81425345327, rel=1e-11)
    assert lean_body_mass_janma_kg(weight_kg=71, height_m=1.63, sex="M") == pytest.approx(52.855972985445696, rel=1e-12)
    assert body_surface_area_m2(weight_kg=71, height_m=1.63) == pytest.approx(1.7659855067861328, rel=1e-12)
    assert ideal_body_weight_kg(weight_kg=71, height_m=1.63, sex="M") == pytest.approx(59.66, rel=1e-12)


def test_factors_turn_the_reference_patients_suvmax_into_the_published_types() -> None:
    factors = suv_factors(weight_kg=71.0, height_m=1.63, sex="M")
    assert factors.bw == 1.0
    assert factors.lbm_james128 is not None
    assert factors.lbm_janma is not None
    assert factors.ibw is not None
    assert factors.bsa is not None
    assert 7.910674581152241 * factors.lbm_james128 == pytest.approx(5.995873899950534, rel=1e-9)
    assert 7.910674581152241 * factors.lbm_janma == pytest.approx(5.889104252930068, rel=1e-9)
    assert 7.910674581152241 * factors.ibw == pytest.approx(6.647195007204827, rel=1e-9)
    # the published 0.19676 is in m2/kg; cm2/ml is ten times as much
    assert 7.910674581152241 * factors.bsa == pytest.approx(1.9676248815797629, rel=1e-9)


@pytest.mark.parametrize("sex", ["O", ""])
def test_unknown_sex_takes_the_mean_of_both_and_says_so(sex: str) -> None:
    journal = Journal("1.2")
    male = suv_factors(weight_kg=80, height_m=1.8, sex="M")
    female = suv_factors(weight_kg=80, height_m=1.8, sex="F")
    mean = suv_factors(weight_kg=80, height_m=1.8, sex=sex, journal=journal)
    for name in ("lbm", "lbm_james128", "lbm_janma", "ibw"):
        assert getattr(mean, name) == pytest.approx((getattr(male, name) + getattr(female, name)) / 2, rel=1e-12)
    assert mean.bsa == male.bsa == female.bsa
    assert "Patient's Sex" in journal.warnings[0]


@pytest.mark.parametrize(("weight_kg", "height_m"), [(None, 1.8), (80.0, None)])
def test_without_weight_or_height_only_suvbw_is_left(weight_kg: float | None, height_m: float | None) -> None:
    factors = suv_factors(weight_kg=weight_kg, height_m=height_m, sex="M")
    assert factors.bw == 1.0
    assert {factors.lbm, factors.lbm_james128, factors.lbm_janma, factors.bsa, factors.ibw} == {None}


def test_a_formula_that_leaves_its_range_gives_no_factor() -> None:
    """James' lean body mass turns negative in extreme obesity; that is not a factor."""
    journal = Journal("1.2")
    factors = suv_factors(weight_kg=230.0, height_m=1.5, sex="F", journal=journal)
    assert factors.lbm is None
    assert factors.lbm_janma is not None
    assert any("not positive" in warning for warning in journal.warnings)
