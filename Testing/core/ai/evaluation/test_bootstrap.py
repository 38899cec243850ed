from __future__ import annotations

import numpy as np
import pytest

from psmacore.ai.evaluation.bootstrap import mean_interval, pooled_interval
from psmacore.errors import UsageError


def test_interval_of_the_mean_is_about_two_standard_errors_to_each_side():
    values = np.random.default_rng(5).normal(10.0, 2.0, 200)
    low, high = mean_interval(values, [str(n) for n in range(200)])
    error = values.std() / np.sqrt(200)
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.3 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.3 * error)


def test_interval_is_the_same_every_time():
    values, patients = np.array([0.1, 0.5, 0.9]), ["a", "b", "c"]
    assert mean_interval(values, patients) == mean_interval(values, patients)


def test_cases_of_one_patient_are_drawn_together():
    """Ten copies of the same two patients tell no more than one copy."""
    values, patients = np.array([0.2, 0.8]), ["a", "b"]
    assert mean_interval(np.tile(values, 10), patients * 10) == pytest.approx((0.2, 0.8))
    assert mean_interval(values, patients) == pytest.approx((0.2, 0.8))


def test_cases_without_the_figure_are_left_out():
    values = np.array([0.2, np.nan, 0.8])
    assert mean_interval(values, ["a", "b", "c"]) == mean_interval(np.array([0.2, 0.8]), ["a", "c"])


def test_one_patient_gives_no_interval():
    assert mean_interval(np.array([0.1, 0.9]), ["a", "a"]) is None
    assert pooled_interval(lambda drawn: 0.5, ["a", "a"]) is None
    assert pooled_interval(lambda drawn: 0.5, []) is None


def test_pooled_figure_sees_a_patient_as_often_as_it_was_drawn():
    values = np.array([1.0, 2.0, 6.0])
    pooled = pooled_interval(lambda drawn: float(values[drawn].mean()), ["a", "b", "c"])
    assert pooled == pytest.approx(mean_interval(values, ["a", "b", "c"]))


def test_resamples_without_a_figure_are_left_out():
    truth = np.array([True, False])
    both = pooled_interval(lambda drawn: float("nan") if truth[drawn].all() else 1.0, ["a", "b"])
    assert both == (1.0, 1.0)
    assert pooled_interval(lambda drawn: float("nan"), ["a", "b"]) is None


def test_figures_without_owner_are_refused():
    with pytest.raises(UsageError):
        mean_interval(np.zeros(3), ["a"])
