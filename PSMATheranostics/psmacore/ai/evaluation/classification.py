"""Probabilities and true labels of studies to the figures of a classifier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from psmacore.errors import InputRefusedError


@dataclass(frozen=True)
class ConfusionMatrix:
    """Studies by truth and answer; positive is a study with a lesion (W71, W75).

    Figures whose denominator is 0 are NaN: precision where nothing was called positive, recall where nothing is.
    """

    n_true_positive: int
    n_false_positive: int
    n_false_negative: int
    n_true_negative: int

    @property
    def n(self) -> int:
        """All studies."""
        return self.n_true_positive + self.n_false_positive + self.n_false_negative + self.n_true_negative

    @property
    def accuracy(self) -> float:
        """Part of the studies with the right answer."""
        return _ratio(self.n_true_positive + self.n_true_negative, self.n)

    @property
    def precision(self) -> float:
        """Part of the studies called positive that are."""
        return _ratio(self.n_true_positive, self.n_true_positive + self.n_false_positive)

    @property
    def recall(self) -> float:
        """Part of the positive studies that were called so: the sensitivity."""
        return _ratio(self.n_true_positive, self.n_true_positive + self.n_false_negative)

    @property
    def specificity(self) -> float:
        """Part of the negative studies that were called so."""
        return _ratio(self.n_true_negative, self.n_true_negative + self.n_false_positive)

    @property
    def balanced_accuracy(self) -> float:
        """Mean of recall and specificity; NaN where one class is absent."""
        return (self.recall + self.specificity) / 2

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; NaN where neither truth nor answers hold a positive."""
        return _ratio(
            2 * self.n_true_positive, 2 * self.n_true_positive + self.n_false_positive + self.n_false_negative
        )


@dataclass(frozen=True, eq=False)
class RocCurve:
    """Receiver operating characteristic, from "none is positive" to "all are".

    Parameters
    ----------
    thresholds : numpy.ndarray
        ``(n,)``, falling; a study counts as positive at or above. The first is infinite.
    sensitivity, false_positive_rate : numpy.ndarray
        ``(n,)``, rising from 0 to 1.
    """

    thresholds: NDArray[np.float64]
    sensitivity: NDArray[np.float64]
    false_positive_rate: NDArray[np.float64]


def confusion_matrix(
    is_positive: NDArray[np.bool_], probability: NDArray[np.float64], operating_point: float
) -> ConfusionMatrix:
    """Count the studies by truth and answer.

    Parameters
    ----------
    is_positive : numpy.ndarray
        ``(n,)``, bool: studies with a lesion.
    probability : numpy.ndarray
        ``(n,)``: the classifier's probability of a lesion.
    operating_point : float
        A study at or above counts as positive.

    Returns
    -------
    ConfusionMatrix
        All 0 where there are no studies.

    Raises
    ------
    InputRefusedError
        If the lengths differ or a probability does not lie between 0 and 1.
    """
    _require_probabilities(is_positive, probability)
    called = probability >= operating_point
    return ConfusionMatrix(
        n_true_positive=int(np.count_nonzero(called & is_positive)),
        n_false_positive=int(np.count_nonzero(called & ~is_positive)),
        n_false_negative=int(np.count_nonzero(~called & is_positive)),
        n_true_negative=int(np.count_nonzero(~called & ~is_positive)),
    )


def roc_curve(is_positive: NDArray[np.bool_], probability: NDArray[np.float64]) -> RocCurve:
    """Return sensitivity and false positive rate at every probability met; NaN rates where a class is absent.

    Raises
    ------
    InputRefusedError
        As :func:`confusion_matrix`.
    """
    _require_probabilities(is_positive, probability)
    thresholds = np.unique(probability)[::-1]
    called = probability[None, :] >= thresholds[:, None]
    return RocCurve(
        thresholds=np.concatenate([[np.inf], thresholds]),
        sensitivity=_rates(called[:, is_positive]),
        false_positive_rate=_rates(called[:, ~is_positive]),
    )


def area_under_roc(is_positive: NDArray[np.bool_], probability: NDArray[np.float64]) -> float:
    """Return the probability that a positive study ranks above a negative one, ties counting half.

    This is the area under the ROC curve (Hanley and McNeil, Radiology 1982;143:29); NaN where a class is absent.

    Raises
    ------
    InputRefusedError
        As :func:`confusion_matrix`.
    """
    _require_probabilities(is_positive, probability)
    n_positive = int(np.count_nonzero(is_positive))
    n_negative = is_positive.size - n_positive
    if not n_positive or not n_negative:
        return float("nan")
    above = rankdata(probability)[is_positive].sum() - n_positive * (n_positive + 1) / 2
    return float(above / (n_positive * n_negative))


def _rates(called: NDArray[np.bool_]) -> NDArray[np.float64]:
    if not called.shape[1]:
        return np.full(called.shape[0] + 1, np.nan)
    return np.concatenate([[0.0], called.mean(axis=1)])


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def _require_probabilities(is_positive: NDArray[np.bool_], probability: NDArray[np.float64]) -> None:
    if is_positive.shape != probability.shape or is_positive.ndim != 1:
        raise InputRefusedError(f"{is_positive.shape} true labels do not match {probability.shape} probabilities")
    if probability.size and not ((probability >= 0) & (probability <= 1)).all():
        raise InputRefusedError("a classifier's probability must lie between 0 and 1; one is NaN or beyond")
