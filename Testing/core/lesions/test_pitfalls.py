"""Normal structures with faint uptake, told from lesions by place, faintness, size and symmetry."""

from __future__ import annotations

import numpy as np
import pytest

from psmacore.lesions.landmarks import Landmarks
from psmacore.lesions.pitfalls import Pitfall, PitfallFinder
from psmacore.lesions.segment import segment_by_threshold
from psmacore.lesions.thresholds import default_rule
from psmacore.model.lesions import LesionState
from psmacore.model.organs import ORGAN_NUMBERS
from psmacore.model.volumes import OrganMap
from Testing.core.lesions.scenes import a_geometry, a_suv

SHAPE = (110, 44, 60)
MIDDLE = 30  # column of the spine


@pytest.fixture
def a_body() -> OrganMap:
    labels = np.zeros(SHAPE, np.uint16)
    for name, box in (
        ("prostate", np.s_[4:10, 14:22, 25:36]),
        ("urinary_bladder", np.s_[12:24, 8:18, 22:39]),
        ("sacrum", np.s_[14:30, 32:40, 22:39]),
        ("vertebrae_L2", np.s_[42:48, 28:36, 26:35]),
        ("vertebrae_L1", np.s_[48:54, 28:36, 26:35]),
        ("vertebrae_T12", np.s_[54:60, 28:36, 26:35]),
        ("vertebrae_T1", np.s_[84:88, 28:36, 26:35]),
        ("vertebrae_C7", np.s_[88:92, 28:36, 26:35]),
        ("inferior_vena_cava", np.s_[36:70, 22:27, 34:38]),
        ("rib_right_6", np.s_[70:73, 10:34, 8:10]),
        ("brain", np.s_[100:110, 10:30, 18:43]),
    ):
        labels[box] = ORGAN_NUMBERS[name]
    return OrganMap(labels, a_geometry(SHAPE))


def spots(*places: tuple[int, int, int], suv: float = 4.0, half: int = 1) -> np.ndarray:
    values = np.full(SHAPE, 0.5, np.float32)
    for k, j, i in places:
        values[k : k + half, j : j + half, i : i + half] = suv
        values[k, j, i] = suv
    return values


def found(organs: OrganMap, values: np.ndarray, place: tuple[int, int, int]) -> Pitfall | None:
    voxels = np.array([place])
    return PitfallFinder(a_suv(values), organs, Landmarks(organs), 3.0).find(voxels)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ((50, 24, MIDDLE - 6), Pitfall.COELIAC_GANGLION),
        ((87, 26, MIDDLE + 7), Pitfall.STELLATE_GANGLION),
        ((20, 34, MIDDLE + 5), Pitfall.SACRAL_GANGLION),
    ],
)
def test_ganglia_are_faint_and_two_sided(a_body, place, expected):
    mirrored = (place[0], place[1], 2 * MIDDLE - place[2])
    assert found(a_body, spots(place, mirrored), place) is expected
    assert found(a_body, spots(place), place) is None  # one-sided: a node
    assert found(a_body, spots(place, mirrored, suv=9.0), place) is None  # bright: a node


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ((71, 20, 8), Pitfall.RIB),
        ((104, 36, MIDDLE), Pitfall.MUCOSA),
        ((13, 24, MIDDLE + 5), Pitfall.SEMINAL_VESICLE),
        ((50, 24, 35), Pitfall.VESSEL),
        ((60, 10, 10), None),
    ],
)
def test_faint_uptake_is_named_after_its_place(a_body, place, expected):
    assert found(a_body, spots(place), place) is expected


def test_bright_uptake_is_a_lesion_wherever_it_lies(a_body):
    for place in ((71, 20, 8), (13, 24, MIDDLE + 5), (50, 24, 35)):
        assert found(a_body, spots(place, suv=5.1), place) is None
    assert found(a_body, spots((104, 36, MIDDLE), suv=7.6), (104, 36, MIDDLE)) is None


def test_uptake_of_the_blood_pool_is_no_lesion(a_body):
    """A ligand with a high blood pool lifts the mediastinum over the threshold."""
    labels = a_body.labels.copy()
    labels[36:80, 22:27, 22:27] = ORGAN_NUMBERS["aorta"]
    organs = OrganMap(labels, a_body.geometry)
    values = spots((60, 10, 10), suv=3.4)
    values[36:80, 22:27, 22:27] = 2.6
    assert found(organs, values, (60, 10, 10)) is Pitfall.BLOOD_POOL
    values[36:80, 22:27, 22:27] = 1.6
    assert found(organs, values, (60, 10, 10)) is None


def test_pitfall_is_listed_as_an_excluded_candidate_that_says_why(a_body):
    values = spots((71, 20, 8), (60, 10, 10), half=2)
    listed = segment_by_threshold(a_suv(values), default_rule(is_fdg=False), a_body, min_voxels=2)
    states = {part.site.meaning.split()[0]: (part.state, part.note) for part in listed.parts}
    assert states["Rib"] == (LesionState.EXCLUDED_CANDIDATE, Pitfall.RIB.value)
    assert sum(part.state.counts for part in listed.parts) == 1


def test_faint_hill_beside_a_lesion_is_looked_at_by_itself(a_body):
    values = np.full(SHAPE, 0.5, np.float32)
    values[12:14, 24:26, 31:35] = 4.5  # seminal vesicle
    values[12:14, 24:26, 35] = 3.1  # the saddle
    values[12:14, 24:26, 36:40] = 12  # a node beside it
    listed = segment_by_threshold(a_suv(values), default_rule(is_fdg=False), a_body)
    lesion = [part.segment_number for part in listed.parts if part.state.counts]
    assert len(lesion) == 1
    inside = listed.segmentation.labels == lesion[0]
    assert inside[12, 24, 37]
    assert not inside[12, 24, 32]
