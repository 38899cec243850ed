"""Measurements of two dates to the changes that are more than test-retest noise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from psmacore.longitudinal.response.course import Comparison, percent_change
from psmacore.longitudinal.response.linking import LinkedLesion
from psmacore.model.lesions import Lesion
from psmacore.model.repeatability import Metric, MetricChange, RepeatabilityLimit

VUMC = "repeatability of quantitative [18F]DCFPyL PET/CT, 10 men, 36 lesions (VUmc)"
CYSOUW = "the same study (VUmc) in the thesis of Cysouw, page 115"

DEFAULT_LIMITS = (
    RepeatabilityLimit(Metric.PSMA_TV, 17.0, VUMC),
    RepeatabilityLimit(Metric.TL_PSMA, 23.2, VUMC),
    RepeatabilityLimit(Metric.SUV_MAX, 31.0, VUMC),
    RepeatabilityLimit(Metric.SUV_MEAN, 24.4, VUMC),
    RepeatabilityLimit(Metric.LESION_VOLUME, 28.1, VUMC),
    RepeatabilityLimit(Metric.LESION_VOLUME, 36.8, CYSOUW, below_ml=4.2),
    RepeatabilityLimit(Metric.LESION_TL_PSMA, 32.1, CYSOUW),
    RepeatabilityLimit(Metric.LESION_SUV_MAX, 31.0, VUMC),
    RepeatabilityLimit(Metric.LESION_SUV_MEAN, 24.4, VUMC),
    RepeatabilityLimit(Metric.LESION_SUV_PEAK, 25.3, VUMC),
)
"""Repeatability coefficients of a PSMA ligand in %.

SUVmax and SUVmean of the whole body stand in from those of lesions. Werner et al., Molecular Imaging 2022:7056983,
found a within-subject coefficient of variation of 23.5 % for a lesion's volume in 230 lesion pairs, which gives a limit
of 65 %: a site that segments as they did replaces the limit.
"""


def limit_of(
    limits: Iterable[RepeatabilityLimit], metric: Metric, before_ml: float | None = None
) -> RepeatabilityLimit | None:
    """Return the limit of a metric; for a small lesion the one for its size.

    Parameters
    ----------
    limits : iterable of RepeatabilityLimit
        Those in force.
    metric : Metric
        What was measured.
    before_ml : float or None
        The lesion's volume at the earlier date; ``None`` for the whole body.

    Returns
    -------
    RepeatabilityLimit or None
        ``None`` where no limit is in force: the metric is then not judged.
    """
    own = [one for one in limits if one.metric is metric]
    small = [one for one in own if one.below_ml is not None and before_ml is not None and before_ml < one.below_ml]
    general = [one for one in own if one.below_ml is None]
    narrowest = min(small, key=lambda one: one.below_ml or 0.0, default=None)
    return narrowest or next(iter(general), None)


def metric_changes(comparison: Comparison, limits: Iterable[RepeatabilityLimit]) -> tuple[MetricChange, ...]:
    """Return every metric's change between two dates beside its test-retest limit.

    Parameters
    ----------
    comparison : Comparison
        Of two comparable studies.
    limits : iterable of RepeatabilityLimit
        Those in force.

    Returns
    -------
    tuple of MetricChange
        The whole body's first, then each lesion's that is segmented at both dates, merged and split ones as one;
        without those that were 0 and those without a limit.
    """
    known = tuple(limits)
    changes = (
        _change(metric, (), before, after, limit_of(known, metric)) for metric, before, after in _whole(comparison)
    )
    lesions = (
        _change(metric, link.track_uids, before, after, limit_of(known, metric, link.before_ml))
        for link in comparison.links
        if link.before and link.after
        for metric, before, after in _of_lesion(link)
    )
    return tuple(one for one in (*changes, *lesions) if one is not None)


def _change(
    metric: Metric, tracks: tuple[str, ...], before: float, after: float, limit: RepeatabilityLimit | None
) -> MetricChange | None:
    change = percent_change(before, after)
    return None if change is None or limit is None else MetricChange(metric, tracks, before, after, change, limit)


def _whole(comparison: Comparison) -> Iterator[tuple[Metric, float, float]]:
    before, after = comparison.earlier.totals, comparison.later.totals
    if before is None or after is None:
        return
    yield Metric.PSMA_TV, before.psma_tv_ml, after.psma_tv_ml
    yield Metric.TL_PSMA, before.tl_psma_ml, after.tl_psma_ml
    if after.n_lesions:  # no lesion has no uptake, which is no uptake of 0
        yield Metric.SUV_MAX, before.suv_max, after.suv_max
        yield Metric.SUV_MEAN, before.suv_mean, after.suv_mean


def _of_lesion(link: LinkedLesion) -> Iterator[tuple[Metric, float, float]]:
    yield Metric.LESION_VOLUME, link.before_ml, link.after_ml
    one, other = _uptake(link.before), _uptake(link.after)
    yield Metric.LESION_TL_PSMA, one[0], other[0]
    yield Metric.LESION_SUV_MEAN, one[0] / (link.before_ml or 1.0), other[0] / (link.after_ml or 1.0)
    yield Metric.LESION_SUV_MAX, one[1], other[1]
    yield Metric.LESION_SUV_PEAK, one[2], other[2]


def _uptake(lesions: tuple[Lesion, ...]) -> tuple[float, float, float]:
    """Return TL-PSMA, SUVmax and SUVpeak of lesions taken as one."""
    return (
        sum(lesion.tl_psma_ml for lesion in lesions),
        max(lesion.suv_max for lesion in lesions),
        max(lesion.suv_peak for lesion in lesions),
    )
