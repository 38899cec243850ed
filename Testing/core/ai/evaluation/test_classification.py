from __future__ import annotations

import math

import numpy as np
import pytest

from psmacore.ai.evaluation.classification import ConfusionMatrix, area_under_roc, confusion_matrix, roc_curve
from psmacore.errors import InputRefusedError

TRUTH = np.array([True, True, False, False])


def test_published_matrix_gives_the_published_figures():
    """W75: accuracy 73.08 %, precision 84.62 %, recall 68.75 %, F1 0.7586."""
    matrix = ConfusionMatrix(n_true_positive=11, n_false_positive=2, n_false_negative=5, n_true_negative=8)
    assert matrix.n == 26
    assert round(100 * matrix.accuracy, 2) == 73.08
    assert round(100 * matrix.precision, 2) == 84.62
    assert round(100 * matrix.recall, 2) == 68.75
    assert round(matrix.f1, 4) == 0.7586
    assert matrix.balanced_accuracy == pytest.approx((11 / 16 + 8 / 10) / 2)


def test_study_at_the_operating_point_counts_as_positive():
    matrix = confusion_matrix(TRUTH, np.array([0.5, 0.4, 0.5, 0.1]), 0.5)
    assert matrix == ConfusionMatrix(1, 1, 1, 1)


def test_area_under_roc_is_the_part_of_pairs_in_the_right_order():
    assert area_under_roc(TRUTH, np.array([0.9, 0.6, 0.4, 0.1])) == 1.0
    assert area_under_roc(TRUTH, np.array([0.9, 0.3, 0.4, 0.1])) == 0.75
    assert area_under_roc(TRUTH, np.full(4, 0.5)) == 0.5


def test_roc_curve_runs_from_none_to_all_and_its_area_is_the_rank_statistic():
    generator = np.random.default_rng(0)
    truth = generator.random(60) > 0.5
    probability = np.round(np.clip(generator.normal(0.4 + 0.2 * truth, 0.2), 0, 1), 1)
    curve = roc_curve(truth, probability)
    assert (curve.sensitivity[0], curve.false_positive_rate[0]) == (0.0, 0.0)
    assert (curve.sensitivity[-1], curve.false_positive_rate[-1]) == (1.0, 1.0)
    area = np.trapezoid(curve.sensitivity, curve.false_positive_rate)
    assert area == pytest.approx(area_under_roc(truth, probability))


def test_one_class_alone_has_no_balanced_accuracy_and_no_roc():
    truth, probability = np.array([True, True]), np.array([0.9, 0.2])
    assert math.isnan(confusion_matrix(truth, probability, 0.5).balanced_accuracy)
    assert math.isnan(area_under_roc(truth, probability))
    assert np.isnan(roc_curve(truth, probability).false_positive_rate).all()


def test_nobody_called_positive_has_no_precision():
    assert math.isnan(confusion_matrix(TRUTH, np.zeros(4), 0.5).precision)


@pytest.mark.parametrize(
    "probability", [np.array([0.1, np.nan, 0.2, 0.3]), np.array([0.1, 1.5, 0.2, 0.3]), np.zeros(3)]
)
def test_what_is_no_probability_of_every_study_is_refused(probability):
    with pytest.raises(InputRefusedError):
        confusion_matrix(TRUTH, probability, 0.5)
