"""Lesions told from physiological uptake on simulated scenes whose two parts are known. D02, D20, D28."""

from __future__ import annotations

import numpy as np
import pytest

from psmacore.errors import GeometryError, InputRefusedError
from psmacore.lesions.candidates import Candidates
from psmacore.lesions.measure import measure, total
from psmacore.lesions.segment import NOT_EXCLUDED, segment_by_mask, segment_by_threshold
from psmacore.lesions.thresholds import RuleKind, ThresholdRule, default_rule
from psmacore.model.lesions import LesionState
from psmacore.model.organs import BLADDER, KIDNEYS, LIVER, ORGAN_NUMBERS, URETERS
from psmacore.model.volumes import OrganMap, Segmentation
from Testing.core.lesions.scenes import Picture, Scene, a_geometry, a_suv

PSMA = default_rule(is_fdg=False)
SPACINGS = ((4.0, 4.0, 4.0), (3.0, 2.5, 2.5), (5.0, 4.0, 4.0))


def counted(found: Candidates) -> np.ndarray:
    return np.isin(found.segmentation.labels, [part.segment_number for part in found.parts if part.state.counts])


def analysed(picture: Picture) -> Candidates:
    return segment_by_threshold(picture.suv, PSMA, picture.organs)


def grid(extent_mm: tuple[int, int, int], spacing: tuple[float, float, float]) -> tuple[int, int, int]:
    return tuple(int(size // step) for size, step in zip(extent_mm, spacing, strict=True))


def a_bladder(seed: int, spacing: tuple[float, float, float], *, with_lesions: bool) -> Picture:
    rng = np.random.default_rng(seed)
    scene = Scene(grid((140, 150, 160), spacing), spacing)
    centre, radii = np.array([60, 75, 80]), rng.uniform(22, 32, 3)
    scene.organ(scene.ellipsoid(centre, radii), rng.uniform(25, 60), BLADDER)
    if with_lesions:
        for direction in ((0.1, 0.9, 0.4), (0.5, -0.2, -0.85)):
            radius = rng.uniform(6, 10)
            along = np.array(direction) / np.linalg.norm(direction)
            surface = along / np.sqrt(((along / radii) ** 2).sum())
            scene.lesion(scene.ellipsoid(centre + surface + along * radius, (radius,) * 3), rng.uniform(10, 25))
    return scene.picture(fwhm_mm=rng.uniform(5, 6.5), noise=0.1, seed=seed)


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("seed", [1, 2])
def test_lesions_touching_the_bladder_keep_their_volume_and_maximum(seed, spacing):
    picture = a_bladder(seed, spacing, with_lesions=True)
    found = counted(analysed(picture))
    truth = picture.truth
    assert found.sum() == pytest.approx(truth.sum(), rel=0.15)
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.88
    core = truth & (
        picture.lesion_part > 2 * picture.background_part
    )  # at the border, what is hottest is the bladder's
    assert picture.suv.values[core].max() <= picture.suv.values[found].max() <= 1.03 * picture.suv.values[truth].max()


@pytest.mark.parametrize("spacing", SPACINGS)
def test_a_bladder_alone_leaves_no_ring(spacing):
    found = analysed(a_bladder(3, spacing, with_lesions=False))
    assert [part.organ_number for part in found.parts] == [BLADDER]
    assert not counted(found).any()


def test_node_beside_a_ureter_is_found_and_the_ureter_is_not():
    scene = Scene((40, 24, 30))
    scene.organ(scene.tube((4, 48, 40), (150, 48, 56), 3.0), 20, URETERS[0])
    scene.lesion(scene.ellipsoid((80, 48, 62), (8, 8, 8)), 15)
    picture = scene.picture(noise=0.1)
    found = analysed(picture)
    states = [(part.state, part.organ_number) for part in found.parts]
    assert states == [(LesionState.UNCONFIRMED, None), (LesionState.EXCLUDED_CANDIDATE, URETERS[0])]
    assert counted(found).sum() == pytest.approx(picture.truth.sum(), rel=0.25)


def test_kidney_that_breathing_moved_is_still_the_kidneys():
    scene = Scene((46, 30, 30))
    scene.organ(scene.ellipsoid((90, 60, 60), (50, 26, 24)), 35, KIDNEYS[0], label_shift_kji=(2, 0, 0))
    scene.lesion(scene.ellipsoid((90, 26, 60), (8, 8, 8)), 20)
    picture = scene.picture(noise=0.1)
    found = counted(analysed(picture))
    assert found.sum() == pytest.approx(picture.truth.sum(), rel=0.2)
    assert (found & picture.truth).sum() > 0.75 * picture.truth.sum()


@pytest.fixture
def a_liver_with_a_lesion() -> Picture:
    scene = Scene((40, 40, 50))
    scene.organ(scene.ellipsoid((80, 80, 90), (60, 55, 70)), 5, LIVER)
    scene.lesion(scene.ellipsoid((90, 70, 60), (10, 10, 10)), 20)
    return scene.picture(noise=0.1)


def test_lesion_inside_the_liver_is_not_erased(a_liver_with_a_lesion):
    """D20; kept above 1.5 x liver mean + 2 SD."""
    picture = a_liver_with_a_lesion
    lesions = measure(picture.suv, analysed(picture))
    (lesion,) = [lesion for lesion in lesions if lesion.state.counts]
    assert lesion.site.meaning == "Liver"
    assert lesion.mi_tnm == "miM1c"
    assert lesion.suv_max == pytest.approx(picture.suv.values[picture.truth].max())
    assert lesion.n_voxels == pytest.approx(picture.truth.sum(), rel=0.2)


def test_liver_alone_is_listed_and_does_not_count():
    scene = Scene((36, 36, 46))
    scene.organ(scene.ellipsoid((70, 70, 90), (55, 50, 65)), 5, LIVER)
    found = analysed(scene.picture(noise=0.12, seed=4))
    assert [(part.state, part.organ_number) for part in found.parts] == [(LesionState.EXCLUDED_CANDIDATE, LIVER)]


def test_every_voxel_above_the_threshold_is_in_one_part():
    """Nothing is erased silently: D28 and the safe variant of W84."""
    picture = a_bladder(5, (4.0, 4.0, 4.0), with_lesions=True)
    found = analysed(picture)
    assert np.array_equal(found.segmentation.labels > 0, picture.suv.values >= 3)
    assert sorted(np.unique(found.segmentation.labels)[1:]) == [part.segment_number for part in found.parts]


def test_lesion_in_air_and_fat_survives(a_suv_with_three_spots):
    """W84: a lung lesion and one in fat are not removed, whatever CT says there."""
    labels = np.zeros(a_suv_with_three_spots.values.shape, np.uint16)
    labels[0:8] = 11  # lung
    labels[18, 18, 18] = BLADDER
    found = segment_by_threshold(a_suv_with_three_spots, PSMA, OrganMap(labels, a_suv_with_three_spots.geometry))
    assert sum(part.state.counts for part in found.parts) == 2
    assert "Lower lobe of lung left" in {part.site.meaning for part in found.parts if part.state.counts}


@pytest.fixture
def a_suv_with_three_spots():
    values = np.full((20, 20, 20), 0.5, np.float32)
    values[2:5, 2:5, 2:5] = 8
    values[12:14, 12:14, 12:14] = 6
    values[17, 2, 2] = 5  # a speck
    return a_suv(values)


def test_without_organs_there_are_candidates_and_a_warning(a_suv_with_three_spots):
    found = segment_by_threshold(a_suv_with_three_spots, PSMA, None)
    assert [part.state for part in found.parts[:2]] == [LesionState.CANDIDATE] * 2
    assert NOT_EXCLUDED in found.warnings
    assert not found.physiology_excluded
    assert total(measure(a_suv_with_three_spots, found)).n_lesions == 0


def test_map_without_physiological_organs_excludes_nothing(a_suv_with_three_spots):
    labels = np.zeros((20, 20, 20), np.uint16)
    labels[10:15, 10:15, 10:15] = 27
    found = segment_by_threshold(a_suv_with_three_spots, PSMA, OrganMap(labels, a_suv_with_three_spots.geometry))
    assert not found.physiology_excluded
    assert NOT_EXCLUDED in found.warnings
    assert found.parts[1].site.meaning == "L5 vertebra"


def test_specks_are_listed_together_and_do_not_count(a_suv_with_three_spots):
    found = segment_by_threshold(a_suv_with_three_spots, PSMA, None, min_voxels=3)
    assert found.parts[-1].state is LesionState.EXCLUDED_CANDIDATE
    assert "fewer than 3 voxels" in found.parts[-1].note
    assert len(segment_by_threshold(a_suv_with_three_spots, PSMA, None, min_voxels=1).parts) == 3


def test_corner_neighbours_are_one_lesion():
    values = np.zeros((8, 8, 8), np.float32)
    values[2:4, 2:4, 2:4] = 5
    values[4:6, 4:6, 4:6] = 5
    assert len(segment_by_threshold(a_suv(values), PSMA, None).parts) == 1


def test_segments_are_numbered_by_uptake_times_volume(a_suv_with_three_spots):
    found = segment_by_threshold(a_suv_with_three_spots, PSMA, None)
    uptake = [
        a_suv_with_three_spots.values[found.segmentation.labels == part.segment_number].sum() for part in found.parts
    ]
    assert uptake == sorted(uptake, reverse=True)


@pytest.mark.parametrize(("kind", "part"), [(RuleKind.PERCENT_41, 0.41), (RuleKind.PERCENT_50, 0.50)])
def test_percent_rules_outline_each_lesion_at_its_own_maximum(kind, part):
    scene = Scene((20, 20, 40))
    scene.lesion(scene.ellipsoid((40, 40, 40), (10, 10, 10)), 30)
    scene.lesion(scene.ellipsoid((40, 40, 110), (14, 14, 14)), 5)
    suv = scene.picture().suv
    found = segment_by_threshold(suv, ThresholdRule(kind), None)
    for number in (1, 2):
        inside = found.segmentation.labels == number
        highest = suv.values[inside].max()
        half = np.s_[:, :, :19] if np.argwhere(inside)[0, 2] < 19 else np.s_[:, :, 19:]
        assert np.array_equal(inside[half], suv.values[half] >= part * highest)


def test_the_answer_does_not_change_from_run_to_run():
    picture = a_bladder(7, (4.0, 4.0, 4.0), with_lesions=True)
    first, second = analysed(picture), analysed(picture)
    assert np.array_equal(first.segmentation.labels, second.segmentation.labels)
    assert first.parts == second.parts


def test_empty_image_gives_no_parts():
    suv = a_suv(np.zeros((5, 6, 7), np.float32))
    organs = OrganMap(np.full((5, 6, 7), BLADDER, np.uint16), suv.geometry)
    assert segment_by_threshold(suv, PSMA, None).parts == ()
    assert segment_by_threshold(suv, PSMA, organs).parts == ()


def test_hot_all_over_is_one_candidate():
    suv = a_suv(np.full((6, 6, 6), 9, np.float32))
    assert [part.state for part in segment_by_threshold(suv, PSMA, None).parts] == [LesionState.CANDIDATE]
    labels = np.zeros((6, 6, 6), np.uint16)
    labels[2:4, 2:4, 2:4] = LIVER
    parts = segment_by_threshold(suv, PSMA, OrganMap(labels, suv.geometry)).parts
    assert len(parts) >= 1


def test_one_slice_is_enough():
    values = np.zeros((1, 20, 20), np.float32)
    values[0, 4:8, 4:8] = 7
    suv = a_suv(values)
    labels = np.zeros(values.shape, np.uint16)
    labels[0, 12:16, 12:16] = BLADDER
    found = segment_by_threshold(suv, PSMA, OrganMap(labels, suv.geometry))
    (lesion,) = measure(suv, found)
    assert lesion.n_voxels == 16


def test_nan_is_refused():
    values = np.ones((4, 4, 4), np.float32)
    values[1, 2, 3] = np.nan
    with pytest.raises(InputRefusedError, match="1 of 64 voxels are NaN"):
        segment_by_threshold(a_suv(values), PSMA, None)


def test_organ_map_on_another_grid_is_refused():
    suv = a_suv(np.ones((4, 4, 4), np.float32))
    organs = OrganMap(np.zeros((4, 4, 4), np.uint16), a_geometry((4, 4, 4), (4.0, 4.0, 3.0)))
    with pytest.raises(GeometryError, match="another grid"):
        segment_by_threshold(suv, PSMA, organs)


def test_missing_organs_are_named():
    picture = a_bladder(1, (4.0, 4.0, 4.0), with_lesions=False)
    (warning,) = analysed(picture).warnings
    assert "ureters" in warning
    assert "bladder" not in warning


def test_readers_mask_is_one_lesion_per_label(a_suv_with_three_spots):
    labels = np.zeros((20, 20, 20), np.uint16)
    labels[2:5, 2:5, 2:5] = 4
    labels[12:14, 12:14, 12:14] = 4
    suv = a_suv_with_three_spots
    whole = segment_by_mask(suv, Segmentation(labels, suv.geometry, {4: "GTV"}))
    assert [(part.segment_number, part.state, part.note) for part in whole.parts] == [
        (1, LesionState.UNCONFIRMED, "GTV")
    ]
    assert len(segment_by_mask(suv, labels, split_components=True).parts) == 2


def test_empty_label_of_a_mask_is_named(a_suv_with_three_spots):
    suv = a_suv_with_three_spots
    empty = Segmentation(np.zeros((20, 20, 20), np.uint16), suv.geometry, {2: "node"})
    found = segment_by_mask(suv, empty)
    assert found.parts == ()
    assert found.warnings == ("segment 2 of the mask has no voxels", "the mask is empty")


@pytest.mark.parametrize("bad", [np.ones((20, 20, 20)), np.full((20, 20, 20), -1), np.ones((2, 2, 2), bool)])
def test_mask_that_is_none_is_refused(a_suv_with_three_spots, bad):
    with pytest.raises(InputRefusedError):
        segment_by_mask(a_suv_with_three_spots, bad)


def test_node_that_covers_an_iliac_vessel_is_the_nodes():
    scene = Scene((36, 24, 36))
    scene.organ(scene.tube((10, 48, 72), (130, 48, 72), 6.0), 1.5, ORGAN_NUMBERS["iliac_artery_left"])
    scene.organ(scene.ellipsoid((20, 48, 30), (16, 16, 16)), 30, BLADDER)
    scene.lesion(scene.ellipsoid((80, 48, 74), (18, 14, 14)), 30)
    picture = scene.picture(noise=0.1)
    found = counted(analysed(picture))
    assert found.sum() == pytest.approx(picture.truth.sum(), rel=0.1)
    assert (found & picture.truth).sum() > 0.95 * picture.truth.sum()


def test_brain_is_physiological_for_fdg_and_a_lesion_beside_it_is_not():
    scene = Scene((36, 36, 50))
    scene.organ(scene.ellipsoid((70, 70, 60), (45, 45, 45)), 9, ORGAN_NUMBERS["brain"])
    scene.lesion(scene.ellipsoid((70, 70, 150), (12, 12, 12)), 8)
    picture = scene.picture(noise=0.1)
    found = segment_by_threshold(picture.suv, PSMA, picture.organs, is_fdg=True)
    organs = [part.organ_number for part in found.parts if not part.state.counts]
    assert organs == [ORGAN_NUMBERS["brain"]]
    assert counted(found).sum() == pytest.approx(picture.truth.sum(), rel=0.1)
