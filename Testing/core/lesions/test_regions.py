"""Confluent disease divided by anatomical region, focal lesions at a border kept whole. STANDARDS D.2."""

from __future__ import annotations

import numpy as np
import pytest

from psmacore.lesions.measure import measure
from psmacore.lesions.segment import segment_by_threshold
from psmacore.lesions.thresholds import default_rule
from psmacore.model.organs import BLADDER, ORGAN_NUMBERS
from psmacore.model.volumes import OrganMap
from Testing.core.lesions.scenes import a_suv

SACRUM, HIP = ORGAN_NUMBERS["sacrum"], ORGAN_NUMBERS["hip_left"]


def sites(values: np.ndarray, labels: np.ndarray) -> list[tuple[str, int]]:
    suv = a_suv(values)
    organs = OrganMap(labels, suv.geometry)
    lesions = measure(suv, segment_by_threshold(suv, default_rule(is_fdg=False), organs))
    return sorted((lesion.site.meaning, lesion.n_voxels) for lesion in lesions if lesion.state.counts)


@pytest.fixture
def a_pelvis() -> np.ndarray:
    """Sacrum and left hip side by side along i, meeting at i = 20; voxels of 4 mm."""
    labels = np.zeros((24, 24, 40), np.uint16)
    labels[4:20, 4:20, 4:20], labels[4:20, 4:20, 20:36] = SACRUM, HIP
    labels[0, 0, 0] = BLADDER
    return labels


def test_diffuse_marrow_of_sacrum_and_hip_is_two_lesions(a_pelvis):
    values = np.where(a_pelvis > 0, 8, 0.5).astype(np.float32)
    values[0, 0, 0] = 0.5
    assert sites(values, a_pelvis) == [("Hip left", 16**3), ("Sacrum", 16**3)]


def test_two_foci_that_touch_across_a_joint_are_two_lesions(a_pelvis):
    values = np.full(a_pelvis.shape, 0.5, np.float32)
    values[10:13, 10:13, 17:23] = 4
    values[10:13, 10:13, 17:19], values[10:13, 10:13, 21:23] = 15, 12
    assert sites(values, a_pelvis) == [("Hip left", 27), ("Sacrum", 27)]


def test_focal_lesion_at_a_border_stays_one(a_pelvis):
    values = np.full(a_pelvis.shape, 0.5, np.float32)
    values[9:14, 9:14, 17:22] = 6
    values[11, 11, 19] = 15
    assert sites(values, a_pelvis) == [("Sacrum", 125)]


def test_edge_of_a_lesion_that_leaves_its_bone_is_not_cut_off(a_pelvis):
    values = np.full(a_pelvis.shape, 0.5, np.float32)
    values[8:16, 8:16, 10:21] = 6  # 64 voxels of 0.064 ml beyond the border: without a peak
    assert sites(values, a_pelvis) == [("Sacrum", 8 * 8 * 11)]


def test_several_vertebrae_of_one_section_are_one_lesion():
    labels = np.zeros((30, 16, 16), np.uint16)
    labels[2:14, 2:14, 2:14], labels[14:28, 2:14, 2:14] = ORGAN_NUMBERS["vertebrae_L4"], ORGAN_NUMBERS["vertebrae_L3"]
    labels[0, 0, 0] = BLADDER
    values = np.where(labels > 0, 8, 0.5).astype(np.float32)
    values[0, 0, 0] = 0.5
    assert len(sites(values, labels)) == 1


def test_disease_of_bone_that_grows_into_soft_tissue_keeps_all_its_voxels(a_pelvis):
    values = np.full(a_pelvis.shape, 0.5, np.float32)
    values[2:22, 4:20, 4:36] = 8  # two slices beyond the bones on either side
    found = sites(values, a_pelvis)
    assert [name for name, _ in found] == ["Hip left", "Sacrum"]
    assert sum(n_voxels for _, n_voxels in found) == 20 * 16 * 32
