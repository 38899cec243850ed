"""Figures of cases to the interval that other patients would give."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from psmacore.errors import UsageError

N_RESAMPLES = 2000
SEED = 20261120
_PERCENTILES = (2.5, 97.5)

Interval = tuple[float, float]


def mean_interval(values: NDArray[np.float64], patients: Sequence[str]) -> Interval | None:
    """Return the 95 % interval of the mean, patients drawn with replacement.

    Percentile bootstrap with 2000 resamples and a fixed seed; all cases of a patient are drawn together, since
    they are not independent.

    Parameters
    ----------
    values : numpy.ndarray
        ``(n,)``, one a case; NaN where the case has no such figure.
    patients : sequence of str
        Whose case it is.

    Returns
    -------
    tuple of float or None
        ``None`` where fewer than two patients have a figure: nothing is known of other patients then.

    Raises
    ------
    UsageError
        If the lengths differ.

    References
    ----------
    Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13 (percentile interval).
    """
    owner = _owners(values.shape[0], patients)
    is_known = ~np.isnan(values)
    known, number = np.unique(owner[is_known], return_inverse=True)
    if len(known) < 2:
        return None
    sums = np.bincount(number, weights=values[is_known])
    counts = np.bincount(number).astype(np.float64)
    draws = _draws(len(known))
    return _percentiles((draws @ sums) / (draws @ counts))


def pooled_interval(figure: Callable[[NDArray[np.intp]], float], patients: Sequence[str]) -> Interval | None:
    """Return the 95 % interval of a figure of all cases together, patients drawn with replacement.

    Parameters
    ----------
    figure : callable
        Takes indices of cases, ``(n,)``, a case as often as it was drawn, and returns the figure or NaN.
    patients : sequence of str
        Whose case it is.

    Returns
    -------
    tuple of float or None
        Resamples without a figure are left out; ``None`` with fewer than two patients or without any figure.
    """
    owner = _owners(len(patients), patients)
    n_patients = int(owner.max()) + 1 if owner.size else 0
    if n_patients < 2:
        return None
    figures = np.array(
        [figure(np.repeat(np.arange(len(owner)), draw[owner])) for draw in _draws(n_patients).astype(int)]
    )
    figures = figures[~np.isnan(figures)]
    return _percentiles(figures) if figures.size else None


def _draws(n_patients: int) -> NDArray[np.float64]:
    """Return how often each patient is drawn, ``(N_RESAMPLES, n_patients)``."""
    generator = np.random.default_rng(SEED)
    return generator.multinomial(n_patients, np.full(n_patients, 1 / n_patients), size=N_RESAMPLES).astype(np.float64)


def _owners(n_cases: int, patients: Sequence[str]) -> NDArray[np.intp]:
    if n_cases != len(patients):
        raise UsageError(f"{n_cases} figures cannot belong to {len(patients)} cases")
    return np.unique(np.asarray(patients, dtype=np.str_), return_inverse=True)[1].astype(np.intp)


def _percentiles(figures: NDArray[np.float64]) -> Interval:
    low, high = np.percentile(figures, _PERCENTILES)
    return float(low), float(high)
