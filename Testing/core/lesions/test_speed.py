"""Ten lesions with both SUVpeaks on a whole-body PET stay under 100 ms, and agree with an independent measurement."""

from __future__ import annotations

import pytest

from Testing.bench.measure import LIMIT_S, run


@pytest.mark.slow
def test_ten_lesions_with_both_peaks_take_less_than_100_ms():
    fields = run(grid="standard", repeats=5)
    assert fields["fastest_s"] < LIMIT_S  # others may hold the processor meanwhile
    assert fields["ratio_median"] > 1
