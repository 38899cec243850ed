"""Threshold rules worked out on a liver whose uptake is known. D02, D28."""

from __future__ import annotations

import numpy as np
import pytest

from psmacore.errors import GeometryError, InputRefusedError
from psmacore.lesions.reference import liver_sphere, reference_regions
from psmacore.lesions.thresholds import RuleKind, ThresholdRule, default_rule, resolve
from psmacore.model.organs import AORTA, KIDNEYS, LIVER, PAROTIDS, SPLEEN
from psmacore.model.volumes import OrganMap, SuvVolume
from Testing.core.lesions.scenes import a_geometry, a_suv

MEAN, SD = 5.0, 0.6
SHAPE = (40, 40, 60)


@pytest.fixture
def liver_labels() -> np.ndarray:
    labels = np.zeros(SHAPE, np.uint16)
    labels[5:35, 8:32, 5:30] = LIVER  # patient's right: small i
    labels[20:30, 12:25, 30:50] = LIVER  # left lobe
    return labels


@pytest.fixture
def a_liver(liver_labels) -> tuple[SuvVolume, OrganMap]:
    values = np.random.default_rng(5).normal(MEAN, SD, SHAPE).astype(np.float32)
    values[liver_labels == 0] = 1
    suv = a_suv(values)
    return suv, OrganMap(liver_labels, suv.geometry)


def test_sphere_measures_three_centimetres_of_parenchyma(a_liver):
    sphere = liver_sphere(*a_liver)
    assert sphere.suv_mean == pytest.approx(MEAN, abs=0.12)
    assert sphere.suv_sd == pytest.approx(SD, rel=0.15)
    assert sphere.n_voxels * 0.064 == pytest.approx(np.pi / 6 * 27, rel=0.15)


def test_sphere_lies_in_the_right_lobe_below_the_dome(a_liver):
    left, _, superior = liver_sphere(*a_liver).centre_lps_mm
    assert left < 30 * 4
    assert superior < 35 * 4 - 15


def test_sphere_keeps_away_from_a_lesion(a_liver):
    suv, organs = a_liver
    centre = np.round(suv.geometry.kji_of_lps(liver_sphere(suv, organs).centre_lps_mm)[0]).astype(int)
    values = suv.values.copy()
    values[tuple(slice(c - 2, c + 3) for c in centre)] = 20
    with_lesion = liver_sphere(a_suv(values), organs)
    assert with_lesion.suv_mean == pytest.approx(MEAN, abs=0.15)


def test_fdg_threshold_is_liver_mean_and_two_deviations(a_liver):
    """D02: FDG liver mean + 2 SD in a 3 cm sphere."""
    sphere = liver_sphere(*a_liver)
    assert resolve(default_rule(is_fdg=True), *a_liver).suv == pytest.approx(sphere.suv_mean + 2 * sphere.suv_sd)


def test_psma_threshold_is_three_and_can_be_set(a_liver):
    """D02: PSMA SUV 3.0, editable."""
    assert resolve(default_rule(is_fdg=False), *a_liver).lowest_suv == 3.0
    assert resolve(ThresholdRule(RuleKind.PSMA_FIXED, 2.5), *a_liver).lowest_suv == 2.5


def test_a_voxel_exactly_at_the_threshold_is_accepted():
    suv = a_suv(np.array([[[2.999999, 3.0, 3.1]]], np.float32))
    accepted = resolve(default_rule(is_fdg=False), suv, None).accepts(suv, None)
    assert accepted.tolist() == [[[False, True, True]]]


def test_qpsma_takes_three_in_bone_and_the_liver_elsewhere(a_liver):
    suv, organs = a_liver
    threshold = resolve(ThresholdRule(RuleKind.LIVER_PSMA), suv, organs)
    sphere = liver_sphere(suv, organs)
    assert threshold.suv == pytest.approx(4.30 / sphere.suv_mean * (sphere.suv_mean + sphere.suv_sd))
    assert threshold.lowest_suv == 3.0
    labels, values = organs.labels.copy(), np.ones(SHAPE, np.float32)
    labels[0, 0, 0] = 27  # L5
    values[0, 0, :2] = 3.5
    accepted = threshold.accepts(a_suv(values), OrganMap(labels, organs.geometry))
    assert accepted[0, 0, :2].tolist() == [True, False]


@pytest.mark.parametrize(("kind", "expected"), [(RuleKind.SUV_4, 4.0), (RuleKind.LIVER_MEAN, MEAN)])
def test_other_rules_give_their_level(a_liver, kind, expected):
    assert resolve(ThresholdRule(kind), *a_liver).suv == pytest.approx(expected, abs=0.12)


@pytest.mark.parametrize("kind", [kind for kind in RuleKind if kind.needs_liver])
def test_rule_that_needs_the_liver_is_refused_without_it(a_liver, kind):
    suv, organs = a_liver
    with pytest.raises(InputRefusedError, match="organ map"):
        resolve(ThresholdRule(kind), suv, None)
    without = OrganMap(np.where(organs.labels == LIVER, 0, organs.labels).astype(np.uint16), organs.geometry)
    with pytest.raises(InputRefusedError, match="no liver"):
        resolve(ThresholdRule(kind), suv, without)


def test_sliver_of_liver_is_refused(a_liver):
    suv, organs = a_liver
    thin = np.zeros(SHAPE, np.uint16)
    thin[10, 8:32, 5:30] = LIVER
    with pytest.raises(InputRefusedError, match="thick"):
        liver_sphere(suv, OrganMap(thin, organs.geometry))


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_threshold_that_is_no_positive_number_is_refused(value):
    with pytest.raises(InputRefusedError, match="positive"):
        ThresholdRule(RuleKind.PSMA_FIXED, value)


def test_map_on_another_grid_is_refused(a_liver):
    suv, organs = a_liver
    with pytest.raises(GeometryError, match="another grid"):
        liver_sphere(suv, OrganMap(organs.labels, a_geometry(SHAPE, (3.0, 4.0, 4.0))))


def test_reference_regions_name_what_is_there(a_liver):
    suv, organs = a_liver
    labels, values = organs.labels.copy(), suv.values.copy()
    for number, box, uptake in (
        (AORTA, np.s_[5:35, 35:39, 40:44], 1.6),
        (SPLEEN, np.s_[5:20, 20:30, 50:58], 7.0),
        (PAROTIDS[0], np.s_[36:40, 2:6, 2:6], 11.0),
        (PAROTIDS[1], np.s_[36:40, 2:6, 12:16], 13.0),
    ):
        labels[box], values[box] = number, uptake
    found = {region.name: region for region in reference_regions(a_suv(values), OrganMap(labels, organs.geometry))}
    assert list(found) == ["liver", "blood_pool", "parotid", "spleen"]  # no kidneys in the map
    assert found["blood_pool"].suv_mean == pytest.approx(1.6)
    assert found["parotid"].suv_mean == pytest.approx(12.0)
    assert not set(KIDNEYS) & set(np.unique(labels))


def test_reference_leaves_out_the_blurred_rim(a_liver):
    suv, organs = a_liver
    labels, values = organs.labels.copy(), suv.values.copy()
    labels[5:20, 18:32, 46:60] = SPLEEN
    values[5:20, 18:32, 46:60] = 2  # the rim, as the blur leaves it
    values[6:19, 19:31, 47:59] = 8
    found = {region.name: region for region in reference_regions(a_suv(values), OrganMap(labels, organs.geometry))}
    assert found["spleen"].suv_mean == pytest.approx(8)
