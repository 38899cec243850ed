"""A reader's contour on the real GE series, measured as one lesion against the published values of its mask."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from psmacore.dicom.read_pet import read_pet_series
from psmacore.dicom.read_rtstruct import read_roi_mask
from psmacore.lesions.measure import measure, total
from psmacore.lesions.segment import segment_by_mask
from psmacore.suv.convert import to_suv


def test_gtv_mass_is_one_lesion_of_the_published_volume_and_uptake(shared_data: Path):
    case = shared_data / "sts001-pet-ge-bqml"
    expected = json.loads((case / "expected.json").read_text())["GTV_Mass"]
    suv = to_suv(read_pet_series(sorted((case / "image").iterdir())))
    mask = read_roi_mask(next(iter((case / "mask").iterdir())), "GTV_Mass", suv.geometry)
    lesions = measure(suv, segment_by_mask(suv, mask))
    assert len(lesions) == 1
    assert lesions[0].n_voxels == pytest.approx(expected["voxels"], rel=0.02)
    assert lesions[0].volume_ml == pytest.approx(expected["volume_ml"], rel=0.02)
    assert lesions[0].suv_max == pytest.approx(expected["SUVbw_max"], abs=0.01)
    assert lesions[0].suv_mean == pytest.approx(expected["SUVbw_mean"], rel=0.02)
    assert lesions[0].suv_peak_hottest <= lesions[0].suv_peak < lesions[0].suv_max
    assert total(lesions).psma_tv_ml == lesions[0].volume_ml
