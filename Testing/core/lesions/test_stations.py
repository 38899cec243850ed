"""Nodal stations in a drawn pelvis and trunk, whose bones and vessels are boxes and tubes at known places."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from psmacore.lesions.landmarks import Landmarks
from psmacore.lesions.stations import NodeStations
from psmacore.model.organs import ORGAN_NUMBERS
from psmacore.model.volumes import OrganMap
from Testing.core.lesions.scenes import a_geometry

SHAPE = (150, 60, 80)  # 4 mm: 600 mm high, 240 deep, 320 wide; midline at i = 40, j grows to the back
MIDDLE_I = 40


def draw(labels: np.ndarray, name: str, box: tuple[slice, slice, slice]) -> None:
    labels[box] = ORGAN_NUMBERS[name]


def vessel(labels: np.ndarray, name: str, course: list[tuple[int, int, int]]) -> None:
    """Draw a tube of 3 x 3 voxels along corners (k, j, i)."""
    for start, end in pairwise(course):
        n = max(abs(a - b) for a, b in zip(start, end, strict=True)) + 1
        for k, j, i in np.round(np.linspace(start, end, n)).astype(int):
            labels[k, j - 1 : j + 2, i - 1 : i + 2] = ORGAN_NUMBERS[name]


@pytest.fixture(scope="module")
def a_man() -> OrganMap:
    """Femoral heads with their middle at k = 20, sacrum from 20 to 50, division of the aorta at 60, crura at 90."""
    labels = np.zeros(SHAPE, np.uint16)
    draw(labels, "sacrum", np.s_[20:50, 42:48, 28:53])
    draw(labels, "sacrum", np.s_[20:32, 42:48, 36:45])
    labels[20:32, 42:48, 28:36] = labels[20:32, 42:48, 45:53] = 0
    for name, low in (("L5", 50), ("L4", 57), ("L3", 65), ("L2", 73), ("L1", 81), ("T12", 89), ("T11", 96)):
        draw(labels, f"vertebrae_{name}", np.s_[low : low + 7, 38:48, 36:45])
    draw(labels, "vertebrae_C6", np.s_[146:149, 38:48, 36:45])
    draw(labels, "vertebrae_T1", np.s_[138:144, 38:48, 36:45])
    for side, outward in (("left", 1), ("right", -1)):
        for name, k, j, i in (
            ("hip", slice(10, 45), slice(24, 46), (22, 25)),
            ("femur", slice(0, 26), slice(26, 34), (18, 24)),
            ("clavicula", slice(128, 131), slice(20, 24), (3, 20)),
            ("lung_lower_lobe", slice(95, 135), slice(20, 46), (8, 24)),
        ):
            first, last = sorted(MIDDLE_I + outward * end for end in i)
            draw(labels, f"{name}_{side}", (k, j, slice(first, last + 1)))
        course = [(60, 34, 2), (44, 36, 10), (24, 20, 17), (14, 14, 18)]
        vessel(labels, f"iliac_artery_{side}", [(k, j, MIDDLE_I + outward * i) for k, j, i in course])
    draw(labels, "sternum", np.s_[115:127, 14:17, 37:44])
    vessel(labels, "aorta", [(60, 34, 41), (120, 35, 41)])
    vessel(labels, "inferior_vena_cava", [(61, 35, 35), (100, 35, 35)])
    draw(labels, "colon", np.s_[12:32, 34:39, 37:44])
    return OrganMap(labels, a_geometry(SHAPE))


def station_at(organs: OrganMap, centre_kji: tuple[int, int, int]) -> str:
    stations = NodeStations(Landmarks(organs))
    return stations.choose(organs.geometry.lps_of_kji(centre_kji)[0]).site.meaning


@pytest.mark.parametrize(
    ("centre", "expected"),
    [
        ((52, 36, 47), "Common iliac lymph node left"),
        ((52, 36, 33), "Common iliac lymph node right"),
        ((30, 24, 57), "External iliac lymph node left"),
        ((38, 40, 51), "Internal iliac lymph node left"),
        ((22, 31, 57), "Obturator lymph node left"),
        ((22, 31, 23), "Obturator lymph node right"),
        ((36, 40, 40), "Presacral lymph node"),
        ((22, 38, 46), "Pararectal (mesorectal) lymph node left"),
        ((15, 16, 60), "Inguinal lymph node left"),
        ((70, 34, 46), "Retroperitoneal lymph node, para-aortic"),
        ((70, 35, 38), "Retroperitoneal lymph node, interaortocaval"),
        ((70, 35, 33), "Retroperitoneal lymph node, paracaval"),
        ((72, 16, 40), "Abdominal lymph node"),
        ((93, 37, 41), "Retrocrural lymph node"),
        ((115, 30, 40), "Mediastinal lymph node"),
        ((120, 30, 68), "Axillary lymph node left"),
        ((133, 22, 52), "Supraclavicular lymph node left"),
        ((149, 30, 50), "Cervical lymph node left"),
    ],
)
def test_node_is_named_after_its_neighbours_and_level(a_man, centre, expected):
    """Issue step 2, item 7: nodal stations by neighbourhood."""
    assert station_at(a_man, centre) == expected


def test_stations_are_mirrored_when_the_man_is(a_man):
    mirrored = a_man.labels[:, :, ::-1].copy()
    names = {number: name for name, number in ORGAN_NUMBERS.items()}
    swapped = mirrored.copy()
    for number in np.unique(mirrored):
        name = names.get(int(number), "")
        other = name.replace("left", "?").replace("right", "left").replace("?", "right")
        swapped[mirrored == number] = ORGAN_NUMBERS.get(other, number)
    organs = OrganMap(swapped, a_man.geometry)
    assert station_at(organs, (30, 24, SHAPE[2] - 1 - 57)) == "External iliac lymph node right"


def test_node_between_two_stations_names_both(a_man):
    stations = NodeStations(Landmarks(a_man))
    points = a_man.geometry.lps_of_kji([(k, 31, 57) for k in range(22, 36)])
    found = [stations.choose(point) for point in points]
    assert any(choice.alternative is not None for choice in found)
    assert all(choice.alternative != choice.site for choice in found)


def test_level_that_is_near_names_the_station_across_it(a_man):
    """The aorta divides at k = 60: 4 mm above, a node may as well be common iliac."""
    organs = a_man
    choice = NodeStations(Landmarks(organs)).choose(organs.geometry.lps_of_kji((61, 35, 44))[0])
    assert choice.site.meaning == "Retroperitoneal lymph node, para-aortic"
    assert choice.alternative is not None
    assert choice.alternative.meaning == "Common iliac lymph node left"


@pytest.mark.parametrize(
    ("centre", "expected"),
    [
        ((52, 36, 46), "Common iliac lymph node left"),
        ((28, 24, 56), "External iliac lymph node left"),
        ((22, 38, 46), "Pararectal (mesorectal) lymph node left"),
    ],
)
def test_bones_alone_place_the_stations_where_the_map_has_no_vessels_and_bowel(a_man, centre, expected):
    labels = a_man.labels.copy()
    gone = ("iliac_artery_left", "iliac_artery_right", "colon", "aorta", "inferior_vena_cava")
    labels[np.isin(labels, [ORGAN_NUMBERS[name] for name in gone])] = 0
    assert station_at(OrganMap(labels, a_man.geometry), centre) == expected


def test_stray_voxels_of_a_model_move_no_level(a_man):
    labels = a_man.labels.copy()
    for name in ("sacrum", "femur_left", "femur_right", "iliac_artery_left", "vertebrae_L4"):
        labels[146:149, 2:4, 2:4] = ORGAN_NUMBERS[name]
        labels[2:4, 55:57, 70:72] = ORGAN_NUMBERS[name]
        organs = OrganMap(labels, a_man.geometry)
        assert station_at(organs, (30, 24, 57)) == "External iliac lymph node left"
        assert station_at(organs, (22, 31, 57)) == "Obturator lymph node left"


def test_far_from_all_stations_a_pelvic_node_is_just_that(a_man):
    assert station_at(a_man, (40, 6, 40)) == "Pelvic lymph node"


def test_without_sacrum_and_vessels_levels_alone_decide(a_man):
    labels = np.where(np.isin(a_man.labels, [ORGAN_NUMBERS["vertebrae_L4"]]), a_man.labels, 0).astype(np.uint16)
    assert station_at(OrganMap(labels, a_man.geometry), (40, 34, 50)) == "Pelvic lymph node left"


def test_vessel_that_other_organs_interrupt_keeps_its_upper_end(a_man):
    labels = a_man.labels.copy()
    arteries = np.isin(labels, [ORGAN_NUMBERS["iliac_artery_left"], ORGAN_NUMBERS["iliac_artery_right"]])
    arteries[:40], arteries[43:] = False, False  # 12 mm are covered
    labels[arteries] = 0
    organs = OrganMap(labels, a_man.geometry)
    assert Landmarks(organs).aortic_bifurcation_s_mm == pytest.approx(60 * 4.0)
    assert station_at(organs, (52, 36, 47)) == "Common iliac lymph node left"


def test_label_of_scattered_specks_still_has_a_box(a_man):
    labels = a_man.labels.copy()
    labels[labels == ORGAN_NUMBERS["iliac_artery_left"]] = 0
    labels[5:140:9, 3, 3] = ORGAN_NUMBERS["iliac_artery_left"]
    assert Landmarks(OrganMap(labels, a_man.geometry)).box(ORGAN_NUMBERS["iliac_artery_left"]) is not None
