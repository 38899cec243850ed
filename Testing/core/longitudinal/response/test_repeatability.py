"""Change beside test-retest noise (W48, W49, W50)."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from psmacore.errors import InputRefusedError
from psmacore.longitudinal.response.repeatability import DEFAULT_LIMITS, limit_of, metric_changes
from psmacore.model.repeatability import Metric, RepeatabilityLimit
from psmacore.model.tracks import TrackState
from Testing.core.longitudinal.response.courses import BELOW, Seen, make_pair, track_uid

N_PAIRS = 40_000
SD_OF_DIFFERENCE = 1.96  # a repeatability coefficient is 1.96 SD of the differences between two scans


def changes_of(pair, metric):
    return [change for change in metric_changes(pair, DEFAULT_LIMITS) if change.metric is metric]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (Metric.PSMA_TV, 17.0),
        (Metric.TL_PSMA, 23.2),
        (Metric.SUV_MAX, 31.0),
        (Metric.SUV_MEAN, 24.4),
        (Metric.LESION_VOLUME, 28.1),
        (Metric.LESION_SUV_MAX, 31.0),
        (Metric.LESION_SUV_MEAN, 24.4),
        (Metric.LESION_SUV_PEAK, 25.3),
    ],
)
def test_limits_are_the_published_ones_with_their_source(metric, expected):
    """VUmc test-retest of [18F]DCFPyL, table at the end of STANDARDS."""
    limit = limit_of(DEFAULT_LIMITS, metric)
    assert (limit.limit_pct, "VUmc" in limit.source) == (expected, True)


@pytest.mark.parametrize(("volume_ml", "expected"), [(4.19, 36.8), (4.2, 28.1), (40.0, 28.1)])
def test_small_lesions_have_a_wider_limit(volume_ml, expected):
    change = changes_of(make_pair({"L1": [volume_ml, 5.0]}), Metric.LESION_VOLUME)[0]
    assert change.limit.limit_pct == expected


@pytest.mark.parametrize(
    ("after_ml", "is_beyond", "points"),
    [
        (121.0, True, 4.0),
        (118.7, True, 1.7),
        (118.5, False, 1.5),
        (112.0, False, -5.0),
        (83.0, False, 0.0),
        (82.9, True, 0.1),
    ],
)
def test_a_change_is_beyond_the_limit_of_the_mean_of_both_scans_and_of_the_first(after_ml, is_beyond, points):
    """17 % of the mean is a rise of 18.6 % from the first scan."""
    change = changes_of(make_pair({"L1": [100.0, after_ml]}), Metric.PSMA_TV)[0]
    assert (change.is_beyond, round(change.points_outside, 9)) == (is_beyond, points)


def first_and_second(limit, model, random):
    """Return two scans without a true change whose differences have the limit as repeatability coefficient."""
    spread = limit.limit_pct / 100 / SD_OF_DIFFERENCE
    if model == "percent of the first":
        return np.ones(N_PAIRS), 1 + random.normal(0, spread, N_PAIRS)
    if model == "percent of the mean":
        half = random.normal(0, spread, N_PAIRS) / 2
        return 1 - half, 1 + half
    noise = random.normal(0, spread / np.sqrt(2), (2, N_PAIRS))
    return tuple(1 + noise) if model == "both scans" else tuple(np.exp(noise))


@pytest.mark.parametrize(
    "model", ["percent of the first", "percent of the mean", "both scans", "both scans, log-normal"]
)
@pytest.mark.parametrize("limit", DEFAULT_LIMITS, ids=lambda limit: f"{limit.metric.value} {limit.limit_pct:g} %")
def test_without_a_true_change_at_most_5_percent_are_flagged(limit, model):
    """Must reach; for every reading of what the coefficients' noise is. A limit half as wide would flag a third."""
    first, second = first_and_second(limit, model, np.random.default_rng(20260305))
    with np.errstate(divide="raise"):
        flagged = np.mean([limit.is_beyond(change) for change in (second / first - 1) * 100])
    assert 0.01 < flagged <= 0.05
    half = RepeatabilityLimit(limit.metric, limit.limit_pct / 2, limit.source)
    assert np.mean([half.is_beyond(change) for change in (second / first - 1) * 100]) > 0.2


def test_a_simulated_course_without_change_flags_at_most_5_percent_of_all_metrics():
    """50 patients of 10 lesions scanned twice; volume, SUVmax, SUVpeak and SUVmean each with its coefficient."""
    random = np.random.default_rng(7)
    spread = {
        metric: limit_of(DEFAULT_LIMITS, metric).limit_pct / 100 / SD_OF_DIFFERENCE / np.sqrt(2)
        for metric in (Metric.LESION_VOLUME, Metric.LESION_SUV_MAX, Metric.LESION_SUV_PEAK, Metric.LESION_SUV_MEAN)
    }

    def scanned(true):
        values = [value * (1 + random.normal(0, sd)) for value, sd in zip(true, spread.values(), strict=True)]
        return Seen(values[0], suv_max=values[1], suv_peak=values[2], suv_mean=values[3])

    counted: Counter[bool] = Counter()
    for _ in range(50):
        true = [(random.uniform(5, 40), *random.uniform(8, 30) * np.array([1.0, 0.8, 0.5])) for _ in range(10)]
        pair = make_pair({f"L{number}": [scanned(one), scanned(one)] for number, one in enumerate(true)})
        counted.update(change.is_beyond for change in metric_changes(pair, DEFAULT_LIMITS))
    assert counted.total() == 50 * (4 + 5 * 10)
    assert counted[True] / counted.total() <= 0.05


def test_a_doubling_is_flagged_for_the_lesion_and_the_whole_body():
    beyond = [change for change in metric_changes(make_pair({"L1": [10.0, 20.0]}), DEFAULT_LIMITS) if change.is_beyond]
    assert {change.metric for change in beyond} == {
        Metric.PSMA_TV,
        Metric.TL_PSMA,
        Metric.LESION_VOLUME,
        Metric.LESION_TL_PSMA,
    }


def test_merged_lesions_are_compared_as_one():
    merged = Seen(10.0, track_state=TrackState.MERGED)
    pair = make_pair({"L1": [4.0, merged], "L2": [6.0, Seen(10.0, same_as="L1")]})
    (change,) = changes_of(pair, Metric.LESION_VOLUME)
    assert (change.tracks, change.change_pct) == ((track_uid("L1"), track_uid("L2")), 0.0)


def test_lesions_seen_at_one_date_only_and_volumes_of_zero_have_no_change():
    pair = make_pair({"L1": [10.0, BELOW], "L2": [None, 5.0]})
    assert {change.metric.is_of_lesion for change in metric_changes(pair, DEFAULT_LIMITS)} == {False}
    assert metric_changes(make_pair({"L1": [None, 5.0]}), DEFAULT_LIMITS) == ()
    gone = metric_changes(make_pair({"L1": [10.0, BELOW]}), DEFAULT_LIMITS)
    assert [(change.metric, change.change_pct) for change in gone] == [(Metric.PSMA_TV, -100), (Metric.TL_PSMA, -100)]


def test_a_site_may_set_its_own_limits():
    own = (RepeatabilityLimit(Metric.PSMA_TV, 40.0, "our own test-retest"),)
    (change,) = metric_changes(make_pair({"L1": [100.0, 130.0]}), own)
    assert not change.is_beyond
    assert change.limit.source == "our own test-retest"


@pytest.mark.parametrize(("limit_pct", "source"), [(0.0, "x"), (200.0, "x"), (float("nan"), "x"), (17.0, " ")])
def test_a_limit_needs_a_range_and_a_source(limit_pct, source):
    with pytest.raises(InputRefusedError, match="psma_tv"):
        RepeatabilityLimit(Metric.PSMA_TV, limit_pct, source)
