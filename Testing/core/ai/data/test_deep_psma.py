from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from psmacore.ai.data.case import ReferenceTracer
from psmacore.ai.data.open_data import find_cases, load_case
from psmacore.errors import GeometryError, InputRefusedError
from psmacore.registry.manifest import ChannelName
from Testing.core.ai.data.folders import CT_GRID, FDG_GRID, PET_GRID, a_deep_psma_case, a_pet, a_rigid_transform, write
from Testing.core.ai.preprocess.grids import voxel_centres_lps
from Testing.core.ai.preprocess.manifests import lesion_manifest, organ_manifest, paired_manifest, study_manifest


@pytest.fixture
def a_deep_psma_folder(tmp_path: Path) -> Path:
    a_deep_psma_case(tmp_path / "train_0001")
    shutil.copytree(tmp_path / "train_0001", tmp_path / "train_0002")
    return tmp_path


def test_each_patient_is_listed_once_on_each_tracers_grid(a_deep_psma_folder: Path) -> None:
    """D01, D07."""
    refs = find_cases(a_deep_psma_folder, paired_manifest())

    assert [(ref.patient_id, ref.reference) for ref in refs] == [
        ("train_0001", ReferenceTracer.PSMA),
        ("train_0001", ReferenceTracer.FDG),
        ("train_0002", ReferenceTracer.PSMA),
        ("train_0002", ReferenceTracer.FDG),
    ]
    assert len({ref.case_id for ref in refs}) == 4


@pytest.mark.parametrize("place", [0, 1])
def test_the_reference_tracer_is_not_resampled(a_deep_psma_folder: Path, place: int) -> None:
    """D08; the order of targets is FDG, PSMA whatever the reference."""
    case = load_case(find_cases(a_deep_psma_folder, paired_manifest())[place], paired_manifest())

    name, grid, seed = ((ChannelName.PSMA_PET, PET_GRID, 1), (ChannelName.FDG_PET, FDG_GRID, 2))[place]
    expected = a_pet(grid, seed)
    expected[3:6, 4:8, 4:9] += 5.0
    assert case.geometry.is_same_grid(grid, tolerance_mm=1e-3)
    assert np.array_equal(case.channels[name], expected)
    assert case.target is not None
    assert case.target.shape == (2, *grid.shape)
    own = case.target[1 if place == 0 else 0]
    assert np.argwhere(own).min(axis=0).tolist() == [3, 4, 4]
    assert own.sum() == 3 * 4 * 5


def test_the_other_tracer_comes_through_the_rigid_transform(a_deep_psma_folder: Path) -> None:
    """D07: PET linear; the transform of the reference's folder takes its points to the other's."""
    ref = find_cases(a_deep_psma_folder, paired_manifest())[1]

    case = load_case(ref, paired_manifest())

    moving = a_pet(PET_GRID, 1)
    moving[3:6, 4:8, 4:9] += 5.0
    psma_from_fdg = a_rigid_transform()
    points = voxel_centres_lps(FDG_GRID).reshape(-1, 3)
    kji = PET_GRID.kji_of_lps([psma_from_fdg.TransformPoint(point) for point in points.tolist()])
    inside = ((kji > 0.01) & (kji < np.array(PET_GRID.shape) - 1.01)).all(axis=1)
    low = np.floor(kji[inside]).astype(int)
    part = kji[inside] - low
    expected = np.zeros(inside.sum())
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(corner, part, 1 - part), axis=1)
        expected += weight * moving[tuple((low + corner).T)]
    assert inside.sum() > 200
    assert case.channels[ChannelName.PSMA_PET].ravel()[inside] == pytest.approx(expected, abs=1e-4)


def test_the_moved_tumour_is_where_the_moved_pet_reaches_its_threshold(a_deep_psma_folder: Path) -> None:
    case = load_case(find_cases(a_deep_psma_folder, paired_manifest())[1], paired_manifest())

    assert case.target is not None
    moved = case.target[1] > 0
    assert moved.any()
    assert (case.channels[ChannelName.PSMA_PET][moved] >= 3.0).all()


def test_organs_of_both_tracers_are_whole_numbers_from_their_own_maps(a_deep_psma_folder: Path) -> None:
    case = load_case(find_cases(a_deep_psma_folder, paired_manifest())[0], paired_manifest())

    for name in (ChannelName.FDG_ORGANS, ChannelName.PSMA_ORGANS):
        assert set(np.unique(case.channels[name])) <= {0, 5, 117, 208}
        assert (case.channels[name] == 5).any()


def test_thresholds_are_the_cases_own(a_deep_psma_folder: Path) -> None:
    """D02."""
    case = load_case(find_cases(a_deep_psma_folder, paired_manifest())[0], paired_manifest())

    assert case.thresholds_suv == {ChannelName.FDG_PET: 2.5, ChannelName.PSMA_PET: 3.0}


def test_the_same_data_trains_the_lesion_model_of_one_tracer(a_deep_psma_folder: Path) -> None:
    refs = find_cases(a_deep_psma_folder, lesion_manifest("psma"))
    case = load_case(refs[0], lesion_manifest("psma"))

    assert [ref.case_id for ref in refs] == ["train_0001_psma", "train_0002_psma"]
    assert case.geometry.is_same_grid(PET_GRID, tolerance_mm=1e-3)
    assert set(case.channels) == {ChannelName.PET, ChannelName.CT}
    assert case.channels[ChannelName.CT].max() == pytest.approx(40)
    assert case.target is not None
    assert case.target.sum() == 3 * 4 * 5
    assert case.thresholds_suv == {ChannelName.PET: 3.0}


def test_the_same_data_trains_the_organ_model_on_the_ct_grid(a_deep_psma_folder: Path) -> None:
    """Glands and ureters above 200 are kept where the model writes them; other numbers are background."""
    manifest = organ_manifest(5, 208)
    refs = find_cases(a_deep_psma_folder, manifest)
    case = load_case(refs[0], manifest)

    assert len(refs) == 4
    assert case.geometry.is_same_grid(CT_GRID, tolerance_mm=1e-3)
    assert set(case.channels) == {ChannelName.CT}
    assert case.target is not None
    assert set(np.unique(case.target)) == {0, 5, 208}


def test_the_same_data_trains_the_classifier(a_deep_psma_folder: Path) -> None:
    refs = find_cases(a_deep_psma_folder, study_manifest())

    assert len(refs) == 4
    assert load_case(refs[0], study_manifest()).has_lesion is True


def test_a_missing_tracer_is_named(a_deep_psma_folder: Path) -> None:
    shutil.rmtree(a_deep_psma_folder / "train_0002" / "FDG")

    with pytest.raises(InputRefusedError, match=r"missing: train_0002/FDG/PET\.nii\.gz"):
        find_cases(a_deep_psma_folder, paired_manifest())


def test_one_tracer_is_enough_for_a_model_of_one(a_deep_psma_folder: Path) -> None:
    shutil.rmtree(a_deep_psma_folder / "train_0002" / "FDG")

    assert len(find_cases(a_deep_psma_folder, lesion_manifest("psma"))) == 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"suv_threshold": 0}', "must be positive, not 0"),
        ('{"threshold": 3}', "states no suv_threshold"),
        ('{"suv_threshold": "high"}', "states no suv_threshold"),
        ("not json", "states no suv_threshold"),
    ],
)
def test_a_threshold_that_is_none_is_named(a_deep_psma_folder: Path, text: str, reason: str) -> None:
    (a_deep_psma_folder / "train_0001" / "PSMA" / "threshold.json").write_text(text)
    ref = find_cases(a_deep_psma_folder, lesion_manifest("psma"))[0]

    with pytest.raises(InputRefusedError, match=reason):
        load_case(ref, lesion_manifest("psma"))


def test_a_transform_that_is_none_is_named(a_deep_psma_folder: Path) -> None:
    (a_deep_psma_folder / "train_0001" / "PSMA" / "rigid.tfm").write_text("#Insight Transform File V1.0\nTransform: no")
    ref = find_cases(a_deep_psma_folder, paired_manifest())[0]

    with pytest.raises(InputRefusedError, match=r"rigid\.tfm is no ITK transform"):
        load_case(ref, paired_manifest())


def test_a_transform_that_loses_the_other_tracer_is_refused(a_deep_psma_folder: Path) -> None:
    away = sitk.TranslationTransform(3, [5000.0, 0.0, 0.0])
    sitk.WriteTransform(away, str(a_deep_psma_folder / "train_0001" / "PSMA" / "rigid.tfm"))
    ref = find_cases(a_deep_psma_folder, paired_manifest())[0]

    with pytest.raises(GeometryError, match="out of the reference grid"):
        load_case(ref, paired_manifest())


def test_a_ct_beside_the_pet_is_refused(a_deep_psma_folder: Path) -> None:
    matrix = CT_GRID.lps_from_ijk.copy()
    matrix[:3, 3] += 5000
    away = type(CT_GRID)(CT_GRID.shape, matrix)
    write(a_deep_psma_folder / "train_0001" / "PSMA" / "CT.nii.gz", np.zeros(CT_GRID.shape, np.int16), away)
    ref = find_cases(a_deep_psma_folder, lesion_manifest("psma"))[0]

    with pytest.raises(GeometryError, match=r"CT\.nii\.gz does not overlap the PET"):
        load_case(ref, lesion_manifest("psma"))


def test_a_case_without_tumour_is_an_empty_target(a_deep_psma_folder: Path) -> None:
    write(a_deep_psma_folder / "train_0001" / "PSMA" / "TTB.nii.gz", np.zeros(PET_GRID.shape, np.uint8), PET_GRID)
    ref = find_cases(a_deep_psma_folder, lesion_manifest("psma"))[0]

    case = load_case(ref, lesion_manifest("psma"))

    assert case.has_lesion is False
    assert case.target is not None
    assert not case.target.any()


def test_a_marker_beside_the_tracers_is_passed_over(a_deep_psma_folder: Path) -> None:
    (a_deep_psma_folder / "train_0001" / "simulated.json").write_text(json.dumps({"simulated": True}))
    (a_deep_psma_folder / "splits.json").write_text("{}")

    assert len(find_cases(a_deep_psma_folder, paired_manifest())) == 4
