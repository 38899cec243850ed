"""The lesion model as a step of the analysis: what becomes a lesion, what is kept beside, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from psmacore.ai.segmenters.catalog import steps_of
from psmacore.ai.segmenters.lesion_unet import LesionUnet
from psmacore.ai.segmenters.running import Machine
from psmacore.errors import (
    GeometryError,
    InputRefusedError,
    ModelMissingError,
    ModelUnfitError,
    StudyContentError,
    UsageError,
)
from psmacore.model.geometry import Geometry
from psmacore.model.lesions import LesionState
from psmacore.model.volumes import SuvVolume
from psmacore.pipeline.images import StudyImages
from psmacore.pipeline.request import AnalyseRequest, ModelOptions
from psmacore.pipeline.segmenters import Drawing
from psmacore.registry.manifest import Metric
from Testing.core.ai.segmenters.conftest import (
    BLADDER_VOXELS,
    HOT,
    LESION_VOXELS,
    SHAPE,
    ct_over,
)
from Testing.timepoints import FDG
from Testing.tiny_models import (
    FAR,
    SIMULATED,
    tiny_lesion_manifest,
    tiny_organ_manifest,
    tiny_paired_manifest,
    write_constant_model,
    write_random_model,
)

MakeImages = Callable[..., StudyImages]
SURE, SURE_NOT = (-FAR, FAR), (FAR, -FAR)


def draw(images: StudyImages, name: str = "lesion-unet", **options: object) -> Drawing:
    return LesionUnet(Machine(ModelOptions(device="cpu", **options)), name).segment(images)  # type: ignore[arg-type]


def sizes(drawing: Drawing, state: LesionState) -> list[int]:
    labels = drawing.candidates.segmentation.labels
    numbers = [part.segment_number for part in drawing.candidates.parts if part.state is state]
    return sorted(int(np.count_nonzero(labels == number)) for number in numbers)


def test_what_model_and_threshold_agree_on_counts(make_images: MakeImages, models_folder: Path) -> None:
    """W82: a model that sees lesion everywhere leaves what reaches SUV 3, wherever it lies."""
    model = write_constant_model(models_folder, tiny_lesion_manifest(), *SURE)
    drawing = draw(make_images())
    assert sizes(drawing, LesionState.UNCONFIRMED) == [LESION_VOXELS, LESION_VOXELS, BLADDER_VOXELS]
    assert len(drawing.candidates.parts) == 3
    assert drawing.candidates.physiology_excluded
    assert drawing.info.name == "lesion-unet-own"
    assert drawing.info.weights_sha256 == model.manifest.weights_sha256
    assert drawing.info.threshold_suv == 3.0
    (use,) = drawing.models
    assert (use.task, use.name, use.device.split(",")[0]) == ("lesion_segmentation", "lesion-unet-own", "CPU")


def test_confidence_is_the_mean_probability(make_images: MakeImages, models_folder: Path) -> None:
    write_constant_model(models_folder, tiny_lesion_manifest(), 0.0, 1.0)
    parts = draw(make_images()).candidates.parts
    assert [part.confidence for part in parts] == pytest.approx([1 / (1 + np.exp(-1))] * 3, rel=1e-6)


def test_what_the_model_rejects_is_listed_by_organ_and_by_itself(make_images: MakeImages, models_folder: Path) -> None:
    """Nothing above the threshold is dropped: a reader can restore each part."""
    write_constant_model(models_folder, tiny_lesion_manifest(), *SURE_NOT)
    candidates = draw(make_images()).candidates
    assert [part.state for part in candidates.parts] == [LesionState.EXCLUDED_CANDIDATE] * 3
    notes = {part.organ_number: part.note for part in candidates.parts if part.organ_number == 21}
    assert notes == {21: "physiological uptake: urinary bladder"}
    assert sum("no lesion" in part.note for part in candidates.parts) == 2
    assert all(part.confidence is None for part in candidates.parts)


def test_an_organ_map_is_not_needed_to_count(make_images: MakeImages, models_folder: Path) -> None:
    write_constant_model(models_folder, tiny_lesion_manifest(), *SURE)
    assert len(sizes(draw(make_images(organs=None)), LesionState.UNCONFIRMED)) == 3


def test_lesions_below_the_threshold_are_kept_after_therapy(make_images: MakeImages, models_folder: Path) -> None:
    """D28: one component, for the model takes everything for lesion; where it holds hot voxels it is no faint one."""
    write_constant_model(models_folder, tiny_lesion_manifest(), *SURE)
    images = make_images()
    values = np.full(SHAPE, 0.8, np.float32)
    values[HOT] = 2.9
    faint = replace(images, suv=SuvVolume(values, images.suv.geometry, images.suv.derivation))
    drawing = draw(faint, keep_below_threshold=True)
    assert sizes(drawing, LesionState.BELOW_THRESHOLD) == [int(np.prod(SHAPE))]
    assert sizes(drawing, LesionState.UNCONFIRMED) == []
    assert [words for words in drawing.candidates.warnings if "below the SUV threshold" in words] != []
    assert drawing.info.parameters["keep_below_threshold"] is True


def test_a_gated_run_says_that_it_did_not_look_below_the_threshold(
    make_images: MakeImages, models_folder: Path
) -> None:
    """D28: never silently."""
    write_constant_model(models_folder, tiny_lesion_manifest(), *SURE)
    assert [words for words in draw(make_images()).warnings if "not looked for" in words] != []
    assert [words for words in draw(make_images(), keep_below_threshold=True).warnings if "looked for" in words] == []


def test_gated_and_whole_runs_count_the_same_voxels(make_images: MakeImages, models_folder: Path) -> None:
    write_random_model(models_folder, tiny_lesion_manifest(), seed=3)
    gated, whole = (draw(make_images(), keep_below_threshold=flag, operating_point="0.4") for flag in (False, True))
    counted = [{part.segment_number for part in one.candidates.parts if part.state.counts} for one in (gated, whole)]
    masks = [
        np.isin(one.candidates.segmentation.labels, list(numbers))
        for one, numbers in zip((gated, whole), counted, strict=True)
    ]
    assert np.array_equal(*masks)


def test_a_coarse_model_grid_counts_the_same_gated_or_not(make_images: MakeImages, models_folder: Path) -> None:
    manifest = tiny_lesion_manifest()
    grid = replace(manifest.grid, spacing_kji_mm=(9.0, 8.0, 8.0))
    write_random_model(models_folder, replace(manifest, grid=grid), seed=3)
    both = [draw(make_images(), keep_below_threshold=flag, operating_point="0.4") for flag in (False, True)]
    masks = [sizes(one, LesionState.UNCONFIRMED) for one in both]
    assert masks[0] == masks[1]
    assert sizes(both[0], LesionState.BELOW_THRESHOLD) == []


def test_lesions_in_lung_and_fat_survive_the_default_and_not_the_published_body_mask(
    make_images: MakeImages, models_folder: Path, pet_grid: Geometry
) -> None:
    """W84: CT > 0 HU deletes lesions in lung (-700 HU) and fat (-90 HU); so it is an option."""
    write_constant_model(models_folder, tiny_lesion_manifest(), *SURE)
    hu = np.full(SHAPE, 20, np.int16)
    hu[HOT] = -700
    hu[7:10, 15:18, 3:6] = -90
    images = make_images(ct=ct_over(pet_grid, hu))
    assert sizes(draw(images), LesionState.UNCONFIRMED) == [LESION_VOXELS, LESION_VOXELS, BLADDER_VOXELS]
    masked = draw(images, body_mask=True)
    assert sizes(masked, LesionState.UNCONFIRMED) == [BLADDER_VOXELS]
    assert sizes(masked, LesionState.EXCLUDED_CANDIDATE) == [LESION_VOXELS, LESION_VOXELS]
    assert [words for words in masked.candidates.warnings if "body mask" in words] != []


def test_the_operating_point_decides(make_images: MakeImages, models_folder: Path) -> None:
    """D25: a probability of 0.62 everywhere."""
    manifest = tiny_lesion_manifest()
    point = Metric("operating_point_screening", 0.3, "1", "simulated")
    write_constant_model(models_folder, replace(manifest, metrics=(point,), operating_point=0.7), 0.0, 0.5)
    assert sizes(draw(make_images()), LesionState.UNCONFIRMED) == []
    assert sizes(draw(make_images(), operating_point="burden"), LesionState.UNCONFIRMED) == []
    assert len(sizes(draw(make_images(), operating_point="screening"), LesionState.UNCONFIRMED)) == 3
    assert len(sizes(draw(make_images(), operating_point="0.6"), LesionState.UNCONFIRMED)) == 3


def test_a_point_that_the_model_does_not_state_is_refused(make_images: MakeImages, models_folder: Path) -> None:
    write_constant_model(models_folder, tiny_lesion_manifest(), *SURE)
    with pytest.raises(ModelUnfitError, match="no operating point for screening"):
        draw(make_images(), operating_point="screening")


@pytest.mark.parametrize("name", ["lesion-unet", "lesion-unet-own"])
def test_another_tracer_is_refused(make_images: MakeImages, models_folder: Path, name: str) -> None:
    """W87: the manifest names PSMA, the study's tracer is FDG; by family the recipe for FDG has no weights."""
    write_constant_model(models_folder, tiny_lesion_manifest(), *SURE)
    with pytest.raises((ModelUnfitError, ModelMissingError), match=r"FDG|lesion-unet-fdg"):
        draw(make_images(FDG), name)


def test_an_unknown_tracer_is_refused(make_images: MakeImages, models_folder: Path) -> None:
    write_constant_model(models_folder, tiny_lesion_manifest(), *SURE)
    with pytest.raises(ModelUnfitError, match="not on 'choline'"):
        draw(make_images(replace(FDG, value="1", meaning="choline")))


def test_simulation_weights_run_on_simulated_images_and_on_real_ones_when_allowed(
    make_images: MakeImages, models_folder: Path
) -> None:
    """DESIGN, "No clinical data can be shipped"."""
    write_constant_model(models_folder, replace(tiny_lesion_manifest(), training=SIMULATED), *SURE)
    for name in ("lesion-unet", "lesion-unet-own"):
        with pytest.raises(ModelMissingError, match="--allow-simulation-weights"):
            draw(make_images(), name)
    assert draw(make_images(is_simulated=True)).models[0].is_trained_on_simulation
    assert draw(make_images(), allow_simulation_weights=True).models[0].is_trained_on_simulation


def test_a_scan_range_that_the_model_was_not_trained_on_is_told(make_images: MakeImages, models_folder: Path) -> None:
    """W86: 60 mm are no scan from skull to thigh."""
    write_constant_model(models_folder, tiny_lesion_manifest(), *SURE)
    assert [words for words in draw(make_images(organs=None)).warnings if "this is partial" in words] != []


def test_altered_weights_are_refused(make_images: MakeImages, models_folder: Path) -> None:
    model = write_constant_model(models_folder, tiny_lesion_manifest(), *SURE)
    content = bytearray(model.weights_path.read_bytes())
    content[-1] ^= 1
    model.weights_path.write_bytes(bytes(content))
    with pytest.raises(ModelUnfitError, match=r"sha256|SHA-256|checksum"):
        draw(make_images())


def test_missing_weights_are_named(make_images: MakeImages, models_folder: Path) -> None:
    write_constant_model(models_folder, tiny_lesion_manifest(), *SURE).weights_path.unlink()
    with pytest.raises(ModelMissingError, match="lesion-unet"):
        draw(make_images())


def test_a_study_without_ct_is_refused(make_images: MakeImages, models_folder: Path) -> None:
    write_constant_model(models_folder, tiny_lesion_manifest(), *SURE)
    with pytest.raises(StudyContentError, match="CT"):
        draw(make_images(read_ct=None))


def test_a_ct_beside_the_pet_is_refused(make_images: MakeImages, models_folder: Path, pet_grid: Geometry) -> None:
    write_constant_model(models_folder, tiny_lesion_manifest(), *SURE)
    matrix = pet_grid.lps_from_ijk.copy()
    matrix[2, 3] += 900.0
    with pytest.raises(GeometryError, match="does not cover the PET"):
        draw(make_images(ct=ct_over(Geometry(pet_grid.shape, matrix))))


def test_a_ct_that_covers_a_part_is_told(make_images: MakeImages, models_folder: Path, pet_grid: Geometry) -> None:
    write_constant_model(models_folder, tiny_lesion_manifest(), *SURE)
    half = Geometry((6, *pet_grid.shape[1:]), pet_grid.lps_from_ijk)
    told = draw(make_images(ct=ct_over(half))).warnings
    assert [words for words in told if words.startswith("the CT covers 50 % of what the PET shows")] != []


def test_a_ct_that_is_narrower_than_the_pet_and_holds_the_patient_needs_no_word(
    make_images: MakeImages, models_folder: Path, pet_grid: Geometry
) -> None:
    write_constant_model(models_folder, tiny_lesion_manifest(), *SURE)
    images = make_images()
    values = images.suv.values.copy()
    values[6:] = 0.05
    patient = SuvVolume(values, pet_grid, images.suv.derivation)
    half = Geometry((6, *pet_grid.shape[1:]), pet_grid.lps_from_ijk)
    told = draw(replace(make_images(ct=ct_over(half)), suv=patient)).warnings
    assert [words for words in told if "CT covers" in words] == []


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_suv_that_is_no_number_is_refused(make_images: MakeImages, models_folder: Path, value: float) -> None:
    write_constant_model(models_folder, tiny_lesion_manifest(), *SURE)
    images = make_images()
    values = images.suv.values.copy()
    values[0, 0, 0] = value
    with pytest.raises(InputRefusedError, match=r"finite|NaN"):
        draw(replace(images, suv=SuvVolume(values, images.suv.geometry, images.suv.derivation)))


def test_a_cold_study_has_no_lesion_and_a_hot_one_is_a_lesion_throughout(
    make_images: MakeImages, models_folder: Path
) -> None:
    write_constant_model(models_folder, tiny_lesion_manifest(), *SURE)
    images = make_images(organs=None)
    for level, expected in ((0.5, []), (50.0, [int(np.prod(SHAPE))])):
        volume = SuvVolume(np.full(SHAPE, level, np.float32), images.suv.geometry, images.suv.derivation)
        drawing = draw(replace(images, suv=volume))
        assert sizes(drawing, LesionState.UNCONFIRMED) == expected
        assert drawing.candidates.physiology_excluded


def test_two_slices_are_enough(make_images: MakeImages, models_folder: Path, pet_grid: Geometry) -> None:
    write_constant_model(models_folder, tiny_lesion_manifest(), *SURE)
    images = make_images(organs=None)
    thin = Geometry((2, *SHAPE[1:]), pet_grid.lps_from_ijk)
    values = np.ascontiguousarray(images.suv.values[2:4])
    drawing = draw(replace(images, suv=SuvVolume(values, thin, images.suv.derivation)))
    assert sizes(drawing, LesionState.UNCONFIRMED) == [18, 50]


def test_a_paired_model_is_refused_by_name_without_the_companion(make_images: MakeImages, models_folder: Path) -> None:
    write_constant_model(models_folder, tiny_paired_manifest(), 0.0, 0.0)
    machine, alone = Machine(ModelOptions(device="cpu")), AnalyseRequest(dicom=Path("x"), segmenter="deep-psma")
    with pytest.raises(ModelUnfitError, match=r"deep-psma reads PSMA and FDG.*--segmenter lesion-unet"):
        steps_of(alone, machine)
    steps = steps_of(replace(alone, companion=Path("y")), machine)
    with pytest.raises(ModelUnfitError, match=r"deep-psma reads PSMA and FDG.*--segmenter lesion-unet"):
        steps.segmenter.segment(make_images())


def test_a_model_of_one_study_takes_no_companion() -> None:
    request = AnalyseRequest(dicom=Path("x"), segmenter="lesion-unet", companion=Path("y"))
    with pytest.raises(UsageError, match="reads one study only"):
        steps_of(request, Machine(ModelOptions(device="cpu")))


def test_a_model_of_another_task_draws_no_lesions(make_images: MakeImages, models_folder: Path) -> None:
    write_constant_model(models_folder, tiny_organ_manifest(), 0.0, 0.0, 0.0)
    with pytest.raises(ModelUnfitError, match="not for lesion"):
        draw(make_images(), "organ-unet-own")
    with pytest.raises(ModelUnfitError, match="organ-unet is made for organ segmentation, not for lesion"):
        steps_of(AnalyseRequest(dicom=Path("x"), segmenter="organ-unet"), Machine(ModelOptions()))


def test_an_unknown_name_lists_what_there_is(models_folder: Path) -> None:
    with pytest.raises(ModelMissingError, match=r"lesion-unit.*threshold.*lesion-unet"):
        steps_of(AnalyseRequest(dicom=Path("x"), segmenter="lesion-unit"), Machine(ModelOptions()))
