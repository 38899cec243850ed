"""Stray voxels of a predicted organ go; its pieces and small organs stay."""

from __future__ import annotations

import numpy as np

from psmacore.ai.segmenters.islands import without_islands


def test_small_parts_beside_a_large_one_go_and_everything_else_stays() -> None:
    labels = np.zeros((20, 20, 20), np.uint16)
    labels[:5, :5, :4] = 5  # 100 voxels
    labels[10:11, :2, :5] = 5  # 10 voxels: a tenth, a piece
    labels[18, 18, 10:19] = 5  # 9 voxels: an island
    labels[:5, 5:7, :4] = 201  # touches the first, is another organ
    labels[12, 12, 12] = 207  # a small organ, whole
    cleaned = without_islands(labels)
    assert {int(n): int(np.count_nonzero(cleaned == n)) for n in (5, 201, 207)} == {5: 110, 201: 40, 207: 1}
    assert not cleaned[18].any()


def test_an_empty_map_stays_empty() -> None:
    assert not without_islands(np.zeros((3, 3, 3), np.uint16)).any()
