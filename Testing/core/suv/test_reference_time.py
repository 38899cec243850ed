"""Which moment a decay-corrected series refers to: QIBA's order and the checks beside it (STANDARDS D.1)."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from psmacore.errors import DicomInputError
from psmacore.model.administration import PetAcquisition
from psmacore.suv.convert import derive
from psmacore.suv.reference_time import back_computed_changes

Build = Callable[..., PetAcquisition]
SCAN_AT = datetime(2026, 3, 2, 10, 0, 0)
LATER = datetime(2026, 3, 2, 11, 30, 0)


def test_series_time_counts_where_it_is_not_later_than_the_acquisition(an_acquisition: Build) -> None:
    series_at = SCAN_AT - timedelta(seconds=30)
    derivation = derive(an_acquisition(series_at=series_at)).derivation
    assert derivation.reference_at == series_at
    assert derivation.uptake_min == pytest.approx(60.0)
    assert any("QIBA order 1" in step for step in derivation.steps)


def test_late_series_time_gives_way_to_ges_private_time(an_acquisition: Build) -> None:
    """Post-processed series carry the time of processing."""
    ge_at = SCAN_AT - timedelta(seconds=5)
    derivation = derive(an_acquisition(series_at=LATER, ge_scan_at=ge_at)).derivation
    assert derivation.reference_at == ge_at
    assert any("QIBA order 2" in step for step in derivation.steps)


@pytest.mark.parametrize("series_at", [LATER, None])
def test_else_the_earliest_acquisition_counts(an_acquisition: Build, series_at: datetime | None) -> None:
    moments = [SCAN_AT + timedelta(seconds=240), SCAN_AT, SCAN_AT + timedelta(seconds=120)]
    derivation = derive(an_acquisition(series_at=series_at, acquired_at=moments)).derivation
    assert derivation.reference_at == SCAN_AT
    assert any("QIBA order 3" in step for step in derivation.steps)


def test_series_without_acquisition_times_is_refused(an_acquisition: Build) -> None:
    with pytest.raises(DicomInputError, match=r"\(0008,0032\)"):
        derive(an_acquisition(acquired_at=None))


def test_ges_private_time_beside_a_good_series_time_is_shown_but_not_used(an_acquisition: Build) -> None:
    ge_at = SCAN_AT + timedelta(seconds=120)
    derivation = derive(an_acquisition(ge_scan_at=ge_at)).derivation
    assert derivation.reference_at == SCAN_AT
    change = 100 * (2 ** (120 / 6586.2) - 1)
    assert any("(0009,100D)" in text and f"{change:+.2f} %" in text for text in derivation.warnings)


def test_siemens_private_time_is_a_cross_check(an_acquisition: Build) -> None:
    agreeing = derive(an_acquisition(siemens_scan_at=SCAN_AT)).derivation
    assert agreeing.warnings == ()
    assert any("(0071,1022)" in step for step in agreeing.steps)
    differing = derive(an_acquisition(siemens_scan_at=SCAN_AT - timedelta(minutes=5))).derivation
    assert differing.reference_at == SCAN_AT
    assert any("(0071,1022)" in warning for warning in differing.warnings)


def test_back_computation_that_agrees_is_a_step(an_acquisition: Build) -> None:
    decay = math.log(2) / 6586.2
    average_s = math.log(decay * 120 / (1 - math.exp(-decay * 120))) / decay
    acquisition = an_acquisition(frame_duration_s=120.0, frame_reference_time_s=average_s)
    assert back_computed_changes(acquisition, SCAN_AT, 6586.2) == pytest.approx([0.0] * 3, abs=1e-9)
    derivation = derive(acquisition).derivation
    assert derivation.warnings == ()
    assert any("(0054,1300)" in step for step in derivation.steps)


def test_back_computation_that_differs_warns_and_never_decides(an_acquisition: Build) -> None:
    plain = derive(an_acquisition())
    misleading = derive(an_acquisition(frame_reference_time_s=1215.0, frame_duration_s=240.0))
    assert misleading.suvbw_per_value == pytest.approx(plain.suvbw_per_value, rel=1e-12)
    assert any("(0054,1300)" in warning and "check only" in warning for warning in misleading.derivation.warnings)


def test_back_computation_needs_all_three_times(an_acquisition: Build) -> None:
    assert back_computed_changes(an_acquisition(frame_reference_time_s=None), SCAN_AT, 6586.2) == []
    assert back_computed_changes(an_acquisition(frame_duration_s=None), SCAN_AT, 6586.2) == []


def test_reference_before_the_injection_is_refused(an_acquisition: Build) -> None:
    with pytest.raises(DicomInputError, match="after the scan"):
        derive(an_acquisition(series_at=datetime(2026, 3, 2, 8, 0, 0)))
