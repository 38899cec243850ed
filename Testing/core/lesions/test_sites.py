"""Sites of lesions in a simulated trunk of boxes."""

from __future__ import annotations

import numpy as np
import pytest

from psmacore.lesions.promise import expression_score, mi_tnm
from psmacore.lesions.sites import ENTIRE_BODY, SiteFinder, SiteGroup, group_of, organ_code
from psmacore.model.lesions import ReferenceRegion
from psmacore.model.organs import LIVER, ORGAN_NUMBERS, PROSTATE
from psmacore.model.volumes import OrganMap
from Testing.core.lesions.scenes import a_geometry

SHAPE = (100, 40, 60)


@pytest.fixture
def a_trunk() -> OrganMap:
    labels = np.zeros(SHAPE, np.uint16)
    for name, box in (
        ("prostate", np.s_[5:12, 15:22, 26:34]),
        ("sacrum", np.s_[15:30, 30:38, 22:38]),
        ("vertebrae_L5", np.s_[30:36, 28:36, 25:35]),
        ("vertebrae_T12", np.s_[52:58, 28:36, 25:35]),
        ("vertebrae_T1", np.s_[85:90, 28:36, 25:35]),
        ("lung_lower_lobe_right", np.s_[58:88, 10:34, 8:24]),
        ("lung_lower_lobe_left", np.s_[58:88, 10:34, 36:52]),
        ("rib_left_8", np.s_[64:66, 10:30, 53:54]),
        ("aorta", np.s_[36:80, 24:27, 30:33]),
        ("liver", np.s_[40:57, 8:26, 4:28]),
    ):
        labels[box] = ORGAN_NUMBERS[name]
    return OrganMap(labels, a_geometry(SHAPE))


def site_at(organs: OrganMap | None, centre_kji: tuple[int, int, int]) -> str:
    voxels = np.argwhere(np.ones((3, 3, 3))) - 1 + np.array(centre_kji)
    return SiteFinder(organs).site(voxels, np.full(27, 8, np.float32)).code.meaning


@pytest.mark.parametrize(
    ("centre", "expected"),
    [
        ((8, 18, 30), "Prostate"),
        ((32, 31, 30), "L5 vertebra"),
        ((20, 33, 30), "Sacrum"),
        ((65, 20, 53), "Rib"),
        ((48, 15, 15), "Liver"),
        ((70, 20, 15), "Lower lobe of right lung"),
        ((18, 20, 45), "Pelvic lymph node"),
        ((44, 22, 36), "Retroperitoneal lymph node"),
        ((75, 20, 30), "Mediastinal lymph node"),
        ((75, 20, 57), "Axillary lymph node"),
        ((93, 20, 40), "Supraclavicular lymph node"),
    ],
)
def test_lesion_is_named_after_where_it_lies(a_trunk, centre, expected):
    found = site_at(a_trunk, centre)
    assert expected.lower().replace("lower lobe of right lung", "lung") in found.lower()


def test_lesion_beside_the_prostate_is_the_prostates(a_trunk):
    assert site_at(a_trunk, (8, 18, 34)) == "Prostate"


def test_lesion_beside_a_vessel_is_a_node(a_trunk):
    assert site_at(a_trunk, (40, 25, 31)) == "Retroperitoneal lymph node"


def test_high_neck_is_cervical(a_trunk):
    labels = np.concatenate([a_trunk.labels, np.zeros((20, 40, 60), np.uint16)])
    assert site_at(OrganMap(labels, a_geometry(labels.shape)), (115, 20, 40)) == "Cervical lymph node"


def test_without_landmarks_a_node_has_no_region():
    labels = np.zeros(SHAPE, np.uint16)
    labels[40:50, 5:10, 5:10] = LIVER
    assert site_at(OrganMap(labels, a_geometry(SHAPE)), (20, 20, 30)) == "Lymph node"


def test_without_a_map_the_site_is_the_body():
    assert site_at(None, (20, 20, 30)) == ENTIRE_BODY.meaning


def test_promise_tells_regions_apart():
    assert group_of(organ_code(PROSTATE)) is SiteGroup.PROSTATE
    assert group_of(organ_code(ORGAN_NUMBERS["vertebrae_S1"])) is SiteGroup.BONE
    assert mi_tnm(organ_code(ORGAN_NUMBERS["femur_left"])) == "miM1b"
    assert mi_tnm(organ_code(LIVER)) == "miM1c"
    assert mi_tnm(ENTIRE_BODY) is None


@pytest.mark.parametrize(("suv_mean", "score"), [(1.4, 0), (1.5, 1), (4.9, 1), (5.0, 2), (11.9, 2), (12.0, 3)])
def test_expression_score_steps_at_the_references(suv_mean, score):
    reference = tuple(
        ReferenceRegion(name, level, 0.1, 9) for name, level in (("blood_pool", 1.5), ("liver", 5), ("parotid", 12))
    )
    assert expression_score(suv_mean, reference) == score


def test_expression_is_undefined_where_the_order_of_references_is_violated():
    reference = tuple(
        ReferenceRegion(name, level, 0.1, 9) for name, level in (("blood_pool", 1.5), ("liver", 13), ("parotid", 12))
    )
    assert expression_score(14, reference) is None
