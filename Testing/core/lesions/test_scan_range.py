"""The part of the body that was scanned, from the labels where there are any, else from the length (W86)."""

from __future__ import annotations

import numpy as np
import pytest

from psmacore.lesions.scan_range import ScanRange, scan_range, superior_extent_mm
from psmacore.model.geometry import Geometry
from psmacore.model.organs import ORGAN_NUMBERS
from psmacore.model.volumes import OrganMap

SLICE_MM = 20.0


def grid(length_mm: float) -> Geometry:
    return Geometry.from_axes(
        shape=(round(length_mm / SLICE_MM), 3, 3), origin_lps_mm=(0, 0, 0), spacing_ijk_mm=(5.0, 5.0, SLICE_MM)
    )


def organ_map(geometry: Geometry, *names: str) -> OrganMap:
    labels = np.zeros(geometry.shape, np.uint16)
    labels[: len(names), 0, 0] = [ORGAN_NUMBERS[name] for name in names]
    return OrganMap(labels, geometry)


@pytest.mark.parametrize(
    ("length_mm", "organs", "expected"),
    [
        (1000, ("brain", "liver", "urinary_bladder"), ScanRange.SKULL_TO_THIGH),
        (1800, ("skull", "liver", "hip_left"), ScanRange.WHOLE_BODY),
        (900, ("liver", "heart", "prostate"), ScanRange.SKULL_TO_THIGH),
        (300, ("prostate", "hip_left"), ScanRange.PELVIS),
        (300, ("heart", "liver"), ScanRange.PARTIAL),
        (500, ("heart", "urinary_bladder"), ScanRange.PARTIAL),
        (1000, (), ScanRange.SKULL_TO_THIGH),
        (1800, (), ScanRange.WHOLE_BODY),
        (300, (), ScanRange.PARTIAL),
    ],
)
def test_range_is_told_from_labels_and_length(length_mm: float, organs: tuple[str, ...], expected: ScanRange) -> None:
    geometry = grid(length_mm)
    assert scan_range(geometry, organ_map(geometry, *organs)) is expected
    if not organs:
        assert scan_range(geometry) is expected


def test_length_is_measured_along_the_patient() -> None:
    """A coronal stack: rows run along S, slices front to back; S is 100 rows of 4 mm plus the tilt of nothing."""
    coronal = Geometry.from_axes(
        shape=(30, 100, 50),
        origin_lps_mm=(0, 0, 0),
        spacing_ijk_mm=(2.0, 4.0, 3.0),
        directions_lps=[[1, 0, 0], [0, 0, 1], [0, -1, 0]],
    )
    assert superior_extent_mm(coronal) == pytest.approx(400.0)
