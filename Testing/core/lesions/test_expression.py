"""PROMISE expression scores at, between and beside their steps."""

from __future__ import annotations

import pytest

from psmacore.lesions.expression import Expression, ScoreReference, expression, order_violated
from psmacore.model.lesions import ReferenceRegion


def references(**levels: float) -> tuple[ReferenceRegion, ...]:
    return tuple(ReferenceRegion(name, level, 0.1, 9) for name, level in levels.items())


USUAL = references(blood_pool=1.5, liver=5, spleen=8, parotid=12)


@pytest.mark.parametrize(("suv_mean", "score"), [(1.4, 0), (1.5, 1), (4.9, 1), (5.0, 2), (11.9, 2), (12.0, 3)])
def test_score_steps_at_the_references(suv_mean, score):
    assert expression(suv_mean, USUAL).score == score


@pytest.mark.parametrize(("suv_mean", "score"), [(5.0, 1), (7.9, 1), (8.0, 2), (12.0, 3)])
def test_spleen_takes_the_place_of_a_liver_that_excretes_the_ligand(suv_mean, score):
    assert expression(suv_mean, USUAL, ScoreReference.SPLEEN).score == score


@pytest.mark.parametrize(
    ("suv_mean", "is_borderline"),
    [(4.285, True), (4.28, False), (5.0, True), (5.715, True), (5.72, False), (8.0, False), (10.29, True)],
)
def test_score_is_borderline_within_test_retest_variation_of_a_step(suv_mean, is_borderline):
    """STANDARDS D.4: wCOV of organs' SUVmean up to 14.3 %."""
    assert expression(suv_mean, USUAL).is_borderline is is_borderline


@pytest.mark.parametrize("liver", [12.0, 13.0, 1.5])
def test_score_is_undefined_where_the_order_of_references_is_violated(liver):
    levels = references(blood_pool=1.5, liver=liver, parotid=12)
    assert expression(14, levels) == Expression(None, order_violated=True)
    assert order_violated(levels, ScoreReference.LIVER)


def test_spleen_above_parotid_violates_the_order_only_where_it_is_the_reference():
    levels = references(blood_pool=1.5, liver=5, spleen=13, parotid=12)
    assert expression(6, levels).score == 2
    assert expression(6, levels, ScoreReference.SPLEEN).order_violated


@pytest.mark.parametrize("absent", ["blood_pool", "liver", "parotid"])
def test_without_a_reference_there_is_no_score_and_no_violation(absent):
    levels = tuple(region for region in USUAL if region.name != absent)
    assert expression(6, levels) == Expression(None)
    assert not order_violated(levels, ScoreReference.LIVER)
