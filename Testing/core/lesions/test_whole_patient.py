"""A patient's miTNM and doubts about the reference organs, from drawn organs and lesions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from psmacore.errors import GeometryError
from psmacore.lesions.expression import ScoreReference
from psmacore.lesions.site_codes import organ_code
from psmacore.lesions.whole_patient import part_inside, promise_stage, reference_warnings
from psmacore.model.lesions import Lesion, LesionState, ReferenceRegion
from psmacore.model.organs import LIVER, ORGAN_NUMBERS, PROSTATE
from psmacore.model.promise import BonePattern, PromiseRules
from psmacore.model.volumes import OrganMap, Segmentation
from Testing.core.lesions.scenes import a_geometry
from Testing.timepoints import make_lesion

SHAPE = (20, 10, 10)
LUMBAR = ORGAN_NUMBERS["vertebrae_L3"]


@pytest.fixture
def organs() -> OrganMap:
    """A liver of 1000 voxels above a vertebra of 400 and a prostate."""
    labels = np.zeros(SHAPE, np.uint16)
    labels[10:20], labels[4:8], labels[0] = LIVER, LUMBAR, PROSTATE
    return OrganMap(labels, a_geometry(SHAPE))


def drawn(box: tuple[slice, ...], organ: int, state: LesionState = LesionState.UNCONFIRMED):
    labels = np.zeros(SHAPE, np.uint16)
    labels[box] = 1
    lesion: Lesion = replace(make_lesion(1, state), site=organ_code(organ))
    return [lesion], Segmentation(labels, a_geometry(SHAPE))


def regions(liver: float, *, parotid: float = 12.0) -> tuple[ReferenceRegion, ...]:
    levels = (("liver", liver), ("blood_pool", 1.5), ("parotid", parotid), ("spleen", 8.0))
    return tuple(ReferenceRegion(name, level, 0.2, 50) for name, level in levels)


def test_part_of_an_organ_counts_lesions_that_count(organs):
    lesions, segments = drawn(np.s_[4:6], LUMBAR)
    assert part_inside(lesions, segments, organs, (LUMBAR,)) == pytest.approx(0.5)
    rejected = [replace(lesions[0], state=LesionState.REJECTED)]
    assert part_inside(rejected, segments, organs, (LUMBAR,)) == 0.0
    assert part_inside(lesions, segments, organs, (ORGAN_NUMBERS["skull"],)) is None


def test_half_of_the_marrow_makes_disease_diffuse(organs):
    lesions, segments = drawn(np.s_[4:6], LUMBAR)
    assert promise_stage(lesions, segments, organs, PromiseRules()).bone_pattern is BonePattern.DIFFUSE_MARROW
    lesions, segments = drawn(np.s_[4:5], LUMBAR)
    assert promise_stage(lesions, segments, organs, PromiseRules()).text == "miT0 miN0 miM1b(uni)"


def test_without_an_organ_map_nothing_is_called_free():
    lesions, segments = drawn(np.s_[4:5], LUMBAR)
    assert promise_stage(lesions, segments, None, PromiseRules()).text == "miM1b(uni)"
    assert promise_stage([], segments, None, PromiseRules()).text == ""


def test_map_on_another_grid_is_refused(organs):
    lesions, _ = drawn(np.s_[4:5], LUMBAR)
    other = Segmentation(np.zeros((5, 5, 5), np.uint16), a_geometry((5, 5, 5)))
    with pytest.raises(GeometryError):
        promise_stage(lesions, other, organs, PromiseRules())


def test_usual_references_raise_no_doubt(organs):
    assert reference_warnings(*drawn(np.s_[10:10], LIVER), organs, regions(5.0), ScoreReference.LIVER) == ()


def test_liver_full_of_lesions_is_no_sure_reference(organs):
    """STANDARDS D.5: diffuse liver metastases invalidate the reference."""
    (words,) = reference_warnings(*drawn(np.s_[10:12], LIVER), organs, regions(5.0), ScoreReference.LIVER)
    assert words.startswith("lesions take up 20 % of the liver")


@pytest.mark.parametrize(
    ("liver", "organ", "is_doubted"),
    [
        (9.1, ScoreReference.LIVER, True),
        (1.9, ScoreReference.LIVER, True),
        (9.0, ScoreReference.LIVER, False),
        (12.0, ScoreReference.SPLEEN, False),
        (4.0, ScoreReference.SPLEEN, True),
    ],
)
def test_unusual_liver_uptake_is_doubted_by_the_ligand(organs, liver, organ, is_doubted):
    found = reference_warnings(*drawn(np.s_[10:10], LIVER), organs, regions(liver), organ)
    assert any("unusual for this ligand" in words for words in found) is is_doubted


def test_liver_above_the_parotid_is_said_to_leave_no_score(organs):
    (words,) = reference_warnings(*drawn(np.s_[10:10], LIVER), organs, regions(6.0, parotid=5.0), ScoreReference.LIVER)
    assert words == "blood pool, liver and parotid are not in ascending order of uptake: no expression score"
