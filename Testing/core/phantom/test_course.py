"""A simulated course holds what it promises: anatomy, uptake, lesions, moves and truth."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.ndimage import binary_erosion, gaussian_filter

from psmacore.errors import UsageError
from psmacore.model.organs import LIVER, ORGAN_NUMBERS, ORGANS
from psmacore.phantom.acquisition import draw_acquisitions
from psmacore.phantom.course import plan_course, simulate_timepoint, truth_threshold_suv
from psmacore.phantom.ct import couch
from psmacore.phantom.decoys import DecoyKind
from psmacore.phantom.habitus import draw_habitus
from psmacore.phantom.lesion_course import Fate, radius_of
from psmacore.phantom.scanner import draw_scanner
from psmacore.phantom.tissue import Region
from psmacore.phantom.uptake import Tracer, draw_uptake


def test_quick_grids_are_as_large_as_the_demo_asks(a_quick_course):
    for timepoint in a_quick_course.timepoints:
        assert timepoint.pet_geometry.shape[0] >= 200
        assert timepoint.pet_geometry.shape[1:] == (128, 128)
        assert timepoint.ct_geometry.shape[0] >= 200
        assert timepoint.ct_geometry.shape[1:] == (256, 256)
        assert timepoint.pet_geometry.frame_of_reference_uid == timepoint.ct_geometry.frame_of_reference_uid
    assert len({tp.pet_geometry.frame_of_reference_uid for tp in a_quick_course.timepoints}) == 3


def test_every_quick_date_has_five_lesions_and_two_touch_bladder_or_ureter(a_quick_course):
    for timepoint in a_quick_course.timepoints:
        seen = [lesion for lesion in timepoint.lesions if lesion.volume_ml > 0]
        wet = [lesion for lesion in seen if any("bladder" in organ or "ureter" in organ for organ in lesion.touches)]
        assert len(seen) >= 5
        assert len(wet) >= 2


def test_a_third_of_the_lesions_is_below_one_millilitre(a_quick_course):
    volumes = [lesion.volume_ml for tp in a_quick_course.timepoints for lesion in tp.lesions if lesion.volume_ml > 0]
    assert np.mean(np.array(volumes) < 1.0) >= 1 / 3


def test_truth_voxels_reach_the_threshold_and_are_more_lesion_than_background(a_timepoint):
    pet, mask = a_timepoint.pet, a_timepoint.pet.lesion_labels > 0
    assert pet.noise_free[mask].min() >= 3.0
    assert (pet.lesion_part[mask] > pet.noise_free[mask] - pet.lesion_part[mask]).all()
    missed = ~mask & (pet.noise_free >= 3.0) & (pet.lesion_part > pet.noise_free - pet.lesion_part)
    assert not missed.any()


def test_truth_numbers_are_those_of_the_masks(a_timepoint):
    pet, voxel_ml = a_timepoint.pet, a_timepoint.pet_geometry.voxel_volume_ml
    for lesion in a_timepoint.lesions:
        mask = pet.lesion_labels == lesion.id
        assert lesion.volume_ml == pytest.approx(mask.sum() * voxel_ml)
        assert lesion.suv_max == pytest.approx(float(pet.suv[mask].max(initial=0.0)))
    assert set(np.unique(pet.lesion_labels)) - {0} == {lesion.id for lesion in a_timepoint.lesions if lesion.n_voxels}


def test_lesion_shows_the_suv_that_was_planned(a_timepoint):
    planned = {lesion.id: lesion.states[0] for lesion in a_timepoint.plan.lesions if lesion.touches is None}
    ratios = [
        lesion.suv_max_noise_free / planned[lesion.id].suv_max
        for lesion in a_timepoint.lesions
        if lesion.id in planned and lesion.kind in ("node", "bone") and lesion.volume_ml > 0
    ]
    assert len(ratios) >= 4
    assert np.median(ratios) == pytest.approx(1.0, abs=0.05)


def test_transform_takes_lesions_of_the_first_date_to_the_later_dates(a_quick_course):
    first = a_quick_course.timepoints[0]
    start = {lesion.id: np.array([*lesion.centroid_lps_mm, 1.0]) for lesion in first.lesions if lesion.n_voxels > 3}
    still = {lesion.id for lesion in first.plan.lesions if lesion.touches is None and lesion.kind in ("node", "bone")}
    assert first.transform == pytest.approx(np.eye(4))
    for timepoint in a_quick_course.timepoints[1:]:
        moved = [
            np.linalg.norm((timepoint.transform @ start[lesion.id])[:3] - lesion.centroid_lps_mm)
            for lesion in timepoint.lesions
            if lesion.id in start and lesion.id in still and lesion.n_voxels > 3
        ]
        unmoved = [
            np.linalg.norm(start[lesion.id][:3] - lesion.centroid_lps_mm)
            for lesion in timepoint.lesions
            if lesion.id in start and lesion.id in still
        ]
        assert len(moved) >= 4
        assert np.median(moved) < 2.0 < np.median(unmoved)
        assert timepoint.transform[:3, :3] @ timepoint.transform[:3, :3].T == pytest.approx(np.eye(3), abs=1e-9)


def test_dates_differ_in_dose_uptake_time_and_day(a_quick_course):
    acquisitions = a_quick_course.plan.acquisitions
    for values in ({a.activity_bq for a in acquisitions}, {a.uptake_min for a in acquisitions}):
        assert len(values) == 3
    days = [a.study_at for a in acquisitions]
    assert all(42 <= (later - earlier).days <= 99 for earlier, later in pairwise(days))


def test_birth_date_stays_and_age_counts_from_it():
    for seed in range(6):
        acquisitions = draw_acquisitions(
            seed, plan_course(seed, n_timepoints=1, n_lesions=0).anatomies[0], Tracer.FDG, 6
        )
        assert len({one.born_on for one in acquisitions}) == 1
        ages = [one.age_y for one in acquisitions]
        assert ages == sorted(ages)
        for one in acquisitions:
            assert one.age_y * 365.2 <= (one.study_at.date() - one.born_on).days <= (one.age_y + 1) * 365.3


def test_same_seed_gives_the_same_image_and_another_seed_another_man(a_timepoint):
    again = simulate_timepoint(plan_course(7, quick=True), 0)
    assert np.array_equal(again.pet.suv, a_timepoint.pet.suv)
    assert draw_habitus(7) != draw_habitus(8)


def test_liver_shows_the_suv_of_the_table(a_timepoint):
    inside = binary_erosion(a_timepoint.pet.organ_labels == LIVER, iterations=3)
    outside_lesions = inside & (a_timepoint.pet.lesion_part < 0.05)
    assert outside_lesions.sum() > 1000
    assert a_timepoint.pet.suv[outside_lesions].mean() == pytest.approx(a_timepoint.pet.liver_suv, rel=0.05)
    assert 4.0 <= a_timepoint.pet.liver_suv <= 6.0


def test_organs_have_plausible_volumes(a_timepoint):
    voxel_ml = a_timepoint.pet_geometry.voxel_volume_ml
    expected_ml = {
        "liver": (800, 2200), "spleen": (60, 400), "kidney_left": (90, 300), "kidney_right": (90, 300),
        "urinary_bladder": (40, 300), "prostate": (15, 120), "parotid_gland_left": (10, 50), "brain": (1000, 1900),
        "heart": (250, 900), "lung_lower_lobe_left": (300, 2500), "vertebrae_L3": (30, 120), "femur_left": (100, 500),
    }  # fmt: skip
    for name, (low, high) in expected_ml.items():
        volume = (a_timepoint.pet.organ_labels == ORGAN_NUMBERS[name]).sum() * voxel_ml
        assert low < volume < high, (name, volume)


def test_every_label_is_a_known_organ_and_all_vertebrae_and_ribs_are_there(a_timepoint):
    found = {int(number) for number in np.unique(a_timepoint.pet.organ_labels)} - {0}
    assert found <= set(ORGANS)
    names = {ORGANS[number].name for number in found}
    wanted = {f"vertebrae_{v}" for v in ("C7", "T1", "T12", "L1", "L5")} | {f"rib_left_{n}" for n in range(1, 13)}
    assert wanted <= names
    assert {"ureter_left", "ureter_right", "lacrimal_gland_left", "submandibular_gland_right"} <= names


def test_left_organs_lie_on_the_patients_left(a_timepoint):
    for name in ("kidney", "femur", "parotid_gland", "humerus", "iliac_artery"):
        x_mm = [
            a_timepoint.pet_geometry.lps_of_kji(
                np.argwhere(a_timepoint.pet.organ_labels == ORGAN_NUMBERS[f"{name}_{side}"])
            )[:, 0].mean()
            for side in ("left", "right")
        ]
        assert x_mm[0] > x_mm[1] + 30


def test_the_classic_false_lesions_are_there_within_the_tables_range(a_timepoint):
    kinds = {decoy.kind for decoy in a_timepoint.decoys}
    assert {DecoyKind.GANGLION, DecoyKind.RIB, DecoyKind.FRACTURE} <= kinds
    ganglia = [decoy for decoy in a_timepoint.decoys if decoy.kind is DecoyKind.GANGLION]
    assert {decoy.site.rsplit("_", 1)[1] for decoy in ganglia} == {"left", "right"}
    for ganglion in ganglia:
        assert 1.5 <= ganglion.suv_max <= 4.0
        assert 1.0 <= 4 / 3 * np.pi * np.prod(ganglion.shape.radii_mm) / 1000 <= 2.0
    assert not (a_timepoint.pet.lesion_labels > 0)[_near(a_timepoint, ganglia)].any()


def _near(timepoint, decoys):
    mask = np.zeros(timepoint.pet_geometry.shape, bool)
    for decoy in decoys:
        place = timepoint.plan.lps_from_body[timepoint.date_index] @ np.array([*decoy.shape.centre_mm, 1.0])
        mask[tuple(np.rint(timepoint.pet_geometry.kji_of_lps(place[:3])[0]).astype(int))] = True
    return mask


def test_ct_shows_air_lung_fat_muscle_and_bone_and_a_couch(a_timepoint):
    ct, grid = gaussian_filter(a_timepoint.ct_hu.astype(np.float32), 1.0), a_timepoint.ct_geometry
    lung = a_timepoint.pet_geometry.lps_of_kji(
        np.argwhere(binary_erosion(a_timepoint.pet.organ_labels == ORGAN_NUMBERS["lung_lower_lobe_left"], iterations=4))
    )
    k, j, i = np.rint(grid.kji_of_lps(lung)).astype(int).T
    assert np.median(ct[k, j, i]) == pytest.approx(-820, abs=40)
    shares = [float(np.mean((ct > low) & (ct < high))) for low, high in ((-130, -70), (30, 80), (200, 1500))]
    assert shares[0] > 0.03
    assert shares[1] > 0.05
    assert 0.002 < shares[2] < 0.05
    shell, foam = couch(a_timepoint.plan.anatomies[0], grid, a_timepoint.plan.body_from_lps(0))
    middle_mm, top_mm = shell.centre_y_mm[0], shell.centre_y_mm[0] - (shell.half_depth_mm + foam.half_depth_mm)[0] / 2
    rows = [int(np.rint(grid.kji_of_lps([[0, y, grid.origin_lps_mm[2]]])[0][1])) for y in (top_mm, middle_mm)]
    assert ct[ct.shape[0] // 2, rows[0], 128] > -700 > ct[ct.shape[0] // 2, rows[1], 128] > -960


@pytest.mark.slow
def test_a_vanished_lesion_has_no_volume_and_says_so():
    for seed in range(1, 30):
        plan = plan_course(seed, n_timepoints=2, quick=True)
        gone = [lesion for lesion in plan.lesions if (s := lesion.states[1]) is not None and s.fate is Fate.VANISHED]
        if gone:
            truth = {lesion.id: lesion for lesion in simulate_timepoint(plan, 1).lesions}[gone[0].id]
            assert (truth.fate, truth.volume_ml, truth.suv_max) == (Fate.VANISHED, 0.0, 0.0)
            return
    pytest.fail("no lesion vanished in 29 courses")


def test_courses_hold_all_fates_and_kinds():
    plans = [plan_course(seed, n_lesions=30) for seed in range(2)]
    fates = {state.fate for plan in plans for lesion in plan.lesions for state in lesion.states if state is not None}
    assert {Fate.BASELINE, Fate.APPEARED, Fate.GROWN, Fate.SHRUNK, Fate.STABLE, Fate.VANISHED} <= fates
    kinds = [lesion.kind.value for plan in plans for lesion in plan.lesions]
    assert set(kinds) == {"bone", "node", "local", "liver", "lung"}
    assert kinds.count("bone") > kinds.count("local")


def test_lesions_are_as_many_as_asked_for_and_none_is_allowed():
    assert plan_course(3, n_lesions=0, n_timepoints=1).lesions == ()
    assert 50 <= len(plan_course(3, n_lesions=60, n_timepoints=1).lesions) <= 60


def test_radius_of_a_ball():
    assert radius_of(4 / 3 * np.pi) == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("request_", "word"),
    [({"n_lesions": 61}, "61 lesions"), ({"n_timepoints": 0}, "0 dates"), ({"tracer": "water"}, "water")],
)
def test_impossible_requests_are_refused_by_name(request_, word):
    with pytest.raises(UsageError, match=word):
        plan_course(1, **request_)


def test_uptake_stays_within_the_tables_order(an_fdg_timepoint):
    for seed in range(10):
        psma, psma_1007, fdg = (
            draw_uptake(seed, tracer, 0) for tracer in (Tracer.PSMA_11, Tracer.PSMA_1007, Tracer.FDG)
        )
        assert psma[Region.KIDNEY_CORTEX] > psma[Region.PAROTID] > psma[Region.LIVER] > psma[Region.BLOOD]
        assert psma[Region.KIDNEY_CORTEX] > psma[Region.KIDNEY_PELVIS]
        assert psma_1007[Region.LIVER] > 10 > psma_1007[Region.BLADDER]
        assert fdg[Region.BRAIN] > 5 > fdg[Region.LIVER]
    brain = an_fdg_timepoint.pet.organ_labels == ORGAN_NUMBERS["brain"]
    assert an_fdg_timepoint.pet.suv[brain].mean() > 4


def test_fdg_threshold_is_liver_mean_plus_two_standard_deviations(an_fdg_timepoint):
    uptake, scanner = draw_uptake(7, Tracer.FDG, 0), draw_scanner(7, 0, voxel_mm=5.3)
    assert truth_threshold_suv(Tracer.FDG, uptake, scanner) == pytest.approx(
        uptake[Region.LIVER] * (1 + 2 * scanner.liver_cv)
    )
    assert an_fdg_timepoint.threshold_suv == truth_threshold_suv(Tracer.FDG, uptake, scanner)
    assert not any(decoy.kind is DecoyKind.GANGLION for decoy in an_fdg_timepoint.decoys)
