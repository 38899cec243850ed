"""Sites of lesions in a simulated trunk of boxes."""

from __future__ import annotations

import numpy as np
import pytest

from psmacore.lesions.promise import mi_tnm
from psmacore.lesions.site_codes import ENTIRE_BODY, NodeStation, SiteGroup, group_of, organ_code
from psmacore.lesions.sites import Site, SiteFinder
from psmacore.model.organs import LIVER, ORGAN_NUMBERS, ORGANS, PROSTATE
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


def found_at(
    organs: OrganMap | None, centre_kji: tuple[int, int, int], size_kji: tuple[int, int, int] = (3, 3, 3)
) -> Site:
    voxels = np.argwhere(np.ones(size_kji)) - np.array(size_kji) // 2 + np.array(centre_kji)
    return SiteFinder(organs).site(voxels, np.full(len(voxels), 8, np.float32))


def site_at(organs: OrganMap | None, centre_kji: tuple[int, int, int]) -> str:
    return found_at(organs, centre_kji).code.meaning


@pytest.mark.parametrize(
    ("centre", "expected"),
    [
        ((8, 18, 30), "Prostate"),
        ((32, 31, 30), "L5 vertebra"),
        ((20, 33, 30), "Sacrum"),
        ((65, 20, 53), "Rib 8 left"),
        ((48, 15, 15), "Liver"),
        ((70, 20, 15), "Lower lobe of lung right"),
        ((18, 10, 45), "Pelvic lymph node left"),
        ((44, 22, 36), "Retroperitoneal lymph node left"),
        ((75, 20, 30), "Mediastinal lymph node"),
        ((75, 20, 57), "Axillary lymph node left"),
        ((93, 20, 40), "Supraclavicular lymph node left"),
    ],
)
def test_lesion_is_named_after_where_it_lies(a_trunk, centre, expected):
    assert site_at(a_trunk, centre) == expected


def test_lesion_between_two_vertebrae_names_both(a_trunk):
    labels = a_trunk.labels.copy()
    labels[36:42, 28:36, 25:35] = ORGAN_NUMBERS["vertebrae_L4"]
    organs = OrganMap(labels, a_trunk.geometry)
    found = found_at(organs, (36, 31, 30), (4, 3, 3))
    assert found.is_uncertain
    assert {found.code.meaning, found.alternative.meaning} == {"L4 vertebra", "L5 vertebra"}
    clear = found_at(organs, (39, 31, 30))
    assert (clear.code.meaning, clear.alternative) == ("L4 vertebra", None)


def test_node_against_bone_names_the_bone_second(a_trunk):
    found = found_at(a_trunk, (32, 27, 30), (3, 1, 3))
    assert found.organ_number is None
    assert found.alternative == organ_code(ORGAN_NUMBERS["vertebrae_L5"])


def test_lesion_that_only_the_spinal_canal_holds_is_the_vertebras(a_trunk):
    labels = a_trunk.labels.copy()
    labels[30:90, 37:40, 28:32] = ORGAN_NUMBERS["spinal_cord"]
    assert site_at(OrganMap(labels, a_trunk.geometry), (33, 38, 30)) == "L5 vertebra"


def test_lesion_centred_in_a_rib_is_the_ribs_although_lung_holds_more(a_trunk):
    labels = a_trunk.labels.copy()
    labels[64:66, 10:30, 51:52] = ORGAN_NUMBERS["rib_left_8"]
    labels[64:66, 10:30, 53:54] = 0
    found = found_at(OrganMap(labels, a_trunk.geometry), (65, 20, 51))
    assert found.code.meaning == "Rib 8 left"


def test_uptake_behind_the_bladder_above_the_prostate_is_the_seminal_vesicles(a_trunk):
    labels = a_trunk.labels.copy()
    labels[12:22, 10:22, 22:38] = ORGAN_NUMBERS["urinary_bladder"]
    assert site_at(OrganMap(labels, a_trunk.geometry), (14, 24, 33)) == "Seminal vesicle"


def test_without_a_prostate_in_the_map_the_region_below_the_bladder_stands_for_it(a_trunk):
    labels = a_trunk.labels.copy()
    labels[labels == PROSTATE] = 0
    labels[12:22, 10:22, 22:38] = ORGAN_NUMBERS["urinary_bladder"]
    organs = OrganMap(labels, a_trunk.geometry)
    assert site_at(organs, (10, 16, 30)) == "Prostate or prostate bed"
    assert group_of(found_at(organs, (10, 16, 30)).code) is SiteGroup.PROSTATE


def test_uptake_between_lung_and_rib_far_from_the_mediastinum_is_pleura(a_trunk):
    labels = a_trunk.labels.copy()
    labels[64:66, 10:30, 53:54] = 0
    labels[64:66, 8:32, 55:56] = ORGAN_NUMBERS["rib_left_8"]
    assert site_at(OrganMap(labels, a_trunk.geometry), (65, 20, 52)) == "Pleura"


def test_lesion_beside_the_prostate_is_the_prostates(a_trunk):
    assert site_at(a_trunk, (8, 18, 34)) == "Prostate"


def test_lesion_beside_a_vessel_is_a_node(a_trunk):
    assert site_at(a_trunk, (40, 25, 31)) == "Retroperitoneal lymph node"


def test_high_neck_is_cervical(a_trunk):
    labels = np.concatenate([a_trunk.labels, np.zeros((20, 40, 60), np.uint16)])
    assert site_at(OrganMap(labels, a_geometry(labels.shape)), (115, 20, 40)) == "Cervical lymph node left"


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


def test_every_site_is_coded_in_the_context_groups_of_dicom():
    """Codes: CID 4031, 7600 and others of PS3.16 as pydicom has them; private ones would name no body structure."""
    from pydicom.sr import _concepts_dict

    coded = {
        value for named in _concepts_dict.concepts["SCT"].values() for value, (_, groups) in named.items() if groups
    }
    sites = {organ_code(number) for number in ORGANS} | {station.site() for station in NodeStation}
    assert {site.value for site in sites} <= coded
    assert {site.scheme for site in sites} == {"SCT"}


def test_side_and_number_are_the_last_words_of_a_bone():
    assert organ_code(ORGAN_NUMBERS["rib_right_11"]).meaning == "Rib 11 right"
    assert organ_code(ORGAN_NUMBERS["lung_middle_lobe_right"]).meaning == "Middle lobe of right lung"
    assert organ_code(ORGAN_NUMBERS["sternum"]).meaning == "Sternum"
