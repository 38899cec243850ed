"""The benchmark of measuring counts ten lesions with both SUVpeaks, whose numbers agree with an independent peer's."""

from __future__ import annotations

import pytest

from Testing.bench.measure import run


@pytest.mark.slow
def test_benchmark_counts_ten_lesions_whose_numbers_agree_with_the_peers():
    fields = run(grid="standard", repeats=3)  # raises where the two sides disagree
    assert fields["n_lesions"] == 10
    assert fields["fastest_s"] <= fields["ours_s"] <= fields["slowest_s"]
