"""Imported nnU-Nets as steps of the analysis: lesions ANDed with the threshold, organs by our numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("nnunetv2")

from psmacore.ai.nnunet.predictor import Labelled
from psmacore.ai.segmenters.catalog import steps_of
from psmacore.ai.segmenters.nnunet_lesions import NnunetLesions, lesion_mask, lesion_probability
from psmacore.ai.segmenters.nnunet_organs import NnunetOrgans
from psmacore.ai.segmenters.organ_unet import OrganUnet
from psmacore.ai.segmenters.running import Machine
from psmacore.errors import ModelMissingError, ModelUnfitError, StudyContentError
from psmacore.model.codes import Code
from psmacore.model.geometry import Geometry
from psmacore.model.lesions import LesionState
from psmacore.model.organs import ORGANS
from psmacore.pipeline.images import StudyImages
from psmacore.pipeline.request import AnalyseRequest, ModelOptions
from psmacore.registry.catalog import ModelFolder
from psmacore.registry.manifest import Activation, Task
from psmacore.registry.nnunet_import import import_nnunet
from psmacore.registry.nnunet_manifest import ImportWishes
from psmacore.registry.nnunet_publishers import TOTALSEGMENTATOR_PARTS
from psmacore.registry.nnunet_spec import spec_of
from Testing import nnunet_trees
from Testing.core.ai.segmenters.conftest import LESION_VOXELS, SHAPE, ct_over
from Testing.timepoints import FDG

MakeImages = Callable[..., StudyImages]
FAR = 30.0


@pytest.fixture
def machine() -> Machine:
    return Machine(ModelOptions(device="cpu", is_fast=True))


def imported(root: Path, result: Path, **wishes: Any) -> ModelFolder:
    """Import a result that lies anywhere below ``root``."""
    return import_nnunet(ImportWishes(result, **{"licence": "CC BY 4.0", "name": "mine", **wishes}))


def lesions_everywhere(
    root: Path, *biases: float, labels: Mapping[str, int] | None = None, channels: tuple[str, ...] = ("CT", "PET")
) -> ModelFolder:
    """Import a model that says the same of every voxel: lesion."""
    values = biases or (-FAR, FAR)
    result = nnunet_trees.write_result(
        root / "lesions",
        nnunet_trees.plans("Dataset900_OwnLesions", len(channels)),
        nnunet_trees.dataset(channels, labels or {"background": 0, "lesion": 1}),
        {"0": nnunet_trees.checkpoint(nnunet_trees.says(len(channels), *values))},
    )
    return imported(root, result, task=Task.LESIONS, tracers=("psma",))


def organs_part(root: Path, name: str, labels: Mapping[str, int], *biases: float) -> Path:
    """Write one organ model that says the same of every voxel."""
    return nnunet_trees.write_result(
        root / name / "nnUNetTrainerNoMirroring__nnUNetPlans__3d_fullres",
        nnunet_trees.plans(name, 1, image_reader_writer="NibabelIOWithReorient"),
        nnunet_trees.dataset(("CT",), {"background": 0, **labels}),
        {"0": nnunet_trees.checkpoint(nnunet_trees.says(1, *biases))},
    )


def test_what_the_model_says_counts_where_the_threshold_agrees(
    make_images: MakeImages, models_folder: Path, tmp_path: Path, machine: Machine
) -> None:
    """D02: both lesions, and the bladder, which this model takes for one."""
    model = lesions_everywhere(tmp_path)
    drawing = NnunetLesions(machine, "mine").segment(make_images())
    counted = [part for part in drawing.candidates.parts if part.state is LesionState.UNCONFIRMED]
    assert len(counted) == 3
    sizes = np.bincount(drawing.candidates.segmentation.labels.ravel())[1:]
    assert sorted(sizes)[:2] == [LESION_VOXELS, LESION_VOXELS]
    assert all(part.confidence == pytest.approx(1.0) for part in counted)
    assert drawing.info.name == "mine"
    assert drawing.info.weights_sha256 == model.manifest.weights_sha256
    assert drawing.info.parameters["operating_point"] == "the model's labels"
    assert drawing.info.parameters["folds"] == "0"
    (use,) = drawing.models
    assert (use.task, use.weights_sha256) == ("lesion_segmentation", model.manifest.weights_sha256)
    assert use.device.startswith("CPU")


def test_progress_rises_through_the_models_share(make_images: MakeImages, models_folder: Path, tmp_path: Path) -> None:
    lesions_everywhere(tmp_path)
    told: list[tuple[str, float]] = []
    machine = Machine(ModelOptions(device="cpu", is_fast=True), on_progress=lambda *one: told.append(one))
    NnunetLesions(machine, "mine").segment(make_images())
    fractions = [fraction for stage, fraction in told if stage == "segment"]
    assert fractions == sorted(fractions)
    assert 0.45 < fractions[0] < fractions[-1] == pytest.approx(0.6)


def test_labels_that_are_no_lesion_do_not_count(
    make_images: MakeImages, models_folder: Path, tmp_path: Path, machine: Machine
) -> None:
    """GTRC-Net's second label is normal uptake."""
    lesions_everywhere(tmp_path, -FAR, 0.0, FAR, labels={"background": 0, "ttb": 1, "norm": 2})
    drawing = NnunetLesions(machine, "mine").segment(make_images())
    assert all(part.state is LesionState.EXCLUDED_CANDIDATE for part in drawing.candidates.parts)


def test_another_tracer_is_refused(
    make_images: MakeImages, models_folder: Path, tmp_path: Path, machine: Machine
) -> None:
    """W87."""
    lesions_everywhere(tmp_path)
    fdg: Code = FDG
    with pytest.raises(ModelUnfitError, match="mine may be used on psma PET"):
        NnunetLesions(machine, "mine").segment(make_images(tracer=fdg))


def test_a_study_without_ct_is_refused(
    make_images: MakeImages, models_folder: Path, tmp_path: Path, machine: Machine
) -> None:
    lesions_everywhere(tmp_path)
    with pytest.raises(StudyContentError):
        NnunetLesions(machine, "mine").segment(make_images(read_ct=None))


@pytest.mark.parametrize("name", ["plans.json", "dataset.json", "fold_0/checkpoint_final.pth"])
def test_an_altered_file_is_never_read(
    make_images: MakeImages, models_folder: Path, tmp_path: Path, machine: Machine, name: str
) -> None:
    model = lesions_everywhere(tmp_path)
    with (model.folder / "nnunet" / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(ModelUnfitError, match="was altered"):
        NnunetLesions(machine, "mine").segment(make_images())


def test_a_missing_file_is_named(
    make_images: MakeImages, models_folder: Path, tmp_path: Path, machine: Machine
) -> None:
    model = lesions_everywhere(tmp_path)
    (model.folder / "nnunet" / "fold_0" / "checkpoint_final.pth").unlink()
    with pytest.raises(ModelMissingError, match=r"checkpoint_final[.]pth is missing"):
        NnunetLesions(machine, "mine").segment(make_images())


def test_weights_that_know_simulation_only_are_held_back(
    make_images: MakeImages, models_folder: Path, tmp_path: Path, machine: Machine
) -> None:
    result = nnunet_trees.write_lesion_result(tmp_path)
    imported(tmp_path, result, task=Task.LESIONS, tracers=("psma",), is_simulated=True)
    with pytest.raises(ModelMissingError, match="--allow-simulation-weights"):
        NnunetLesions(machine, "mine").segment(make_images())


def test_organs_are_written_by_our_numbers(
    make_images: MakeImages, models_folder: Path, tmp_path: Path, machine: Machine, pet_grid: Geometry
) -> None:
    """The model's label 2 is the bladder, 21; outside the CT there is no organ."""
    labels = {"liver": 1, "urinary_bladder": 2}
    part = organs_part(tmp_path, "Dataset901_Organs", labels, -FAR, -FAR, FAR)
    model = imported(tmp_path, part, task=Task.ORGANS)
    half = Geometry((6, *SHAPE[1:]), pet_grid.lps_from_ijk)
    answer = NnunetOrgans(machine, "mine").segment_organs(make_images(ct=ct_over(half)))
    assert answer.value.geometry.is_same_grid(pet_grid)
    assert np.all(answer.value.labels[:6] == 21)
    assert not answer.value.labels[6:].any()
    assert answer.model.weights_sha256 == model.manifest.weights_sha256
    (words,) = answer.warnings
    assert words.startswith("the CT covers 50 %")


def test_totalsegmentators_parts_merge_and_the_later_one_covers_the_earlier(
    make_images: MakeImages, models_folder: Path, tmp_path: Path, machine: Machine
) -> None:
    """Organs say liver everywhere, vertebrae nothing, cardiac parts aorta, the others nothing: aorta, 52."""
    told = {291: 5, 293: 2}
    for number, (offset, count) in TOTALSEGMENTATOR_PARTS.items():
        names = {ORGANS[offset + label].name: label for label in range(1, count + 1)}
        biases = [FAR if label == told.get(number, 0) else -FAR for label in range(count + 1)]
        organs_part(tmp_path / "results", f"Dataset{number}_TotalSegmentator_part", names, *biases)
    imported(tmp_path, tmp_path / "results")
    answer = NnunetOrgans(machine, "mine").segment_organs(make_images())
    assert np.unique(answer.value.labels).tolist() == [52]


def test_an_organ_lies_where_the_ct_shows_it(
    make_images: MakeImages, models_folder: Path, tmp_path: Path, machine: Machine, pet_grid: Geometry
) -> None:
    """A dense block at one end of an oblique CT, found by a network that tells voxels apart, on another grid."""
    result = nnunet_trees.write_result(
        tmp_path / "one",
        nnunet_trees.plans("Dataset902_Dense", 1, image_reader_writer="NibabelIOWithReorient"),
        nnunet_trees.dataset(("CT",), {"background": 0, "liver": 1}),
        {"0": nnunet_trees.checkpoint(nnunet_trees.brightness_network().state_dict())},
    )
    imported(tmp_path, result, task=Task.ORGANS)
    hu = np.full(SHAPE, 20, np.int16)
    hu[6:11, 3:11, 11:18] = 400
    labels = NnunetOrgans(machine, "mine").segment_organs(make_images(ct=ct_over(pet_grid, hu))).value.labels
    found, truth = labels == 5, hu == 400
    assert 2 * np.count_nonzero(found & truth) / (np.count_nonzero(found) + np.count_nonzero(truth)) > 0.85


def test_names_and_families_of_imported_models_are_steps(models_folder: Path, tmp_path: Path, machine: Machine) -> None:
    lesions_everywhere(tmp_path)
    organs = organs_part(tmp_path, "Dataset901_Organs", {"liver": 1}, 0.0, 0.0)
    imported(tmp_path, organs, task=Task.ORGANS, name="organs")
    request = AnalyseRequest(dicom=tmp_path, segmenter="mine", models=ModelOptions(organ_model="organs"))
    steps = steps_of(request, machine)
    assert isinstance(steps.segmenter, NnunetLesions)
    assert isinstance(steps.organ_segmenter, NnunetOrgans)
    by_family = replace(request, segmenter="nnunet-lesions", models=ModelOptions())
    assert isinstance(steps_of(by_family, machine).segmenter, NnunetLesions)
    assert isinstance(steps_of(by_family, machine).organ_segmenter, OrganUnet)


def test_regions_overlap_and_the_most_probable_counts(models_folder: Path, tmp_path: Path) -> None:
    labels = {"background": 0, "whole lesion": [1, 2], "core": [2]}
    result = nnunet_trees.write_result(
        tmp_path / "regions",
        nnunet_trees.plans("Dataset903_Regions", 2),
        {**nnunet_trees.dataset(("CT", "PET"), labels), "regions_class_order": [1, 2]},
        {"0": nnunet_trees.checkpoint(nnunet_trees.says(2, 1.0, -1.0))},
    )
    manifest = imported(tmp_path, result, task=Task.LESIONS, tracers=("psma",), lesion_names=("whole lesion",)).manifest
    assert manifest.activation is Activation.SIGMOID
    probabilities = np.array([[[[0.9, 0.2]]], [[[0.1, 0.1]]]], np.float32)
    labelled = Labelled(np.array([[[1, 0]]], np.uint16), probabilities)
    spec = spec_of(manifest.architecture)
    np.testing.assert_allclose(lesion_probability(manifest, spec, labelled), [[[0.9, 0.2]]])
    np.testing.assert_array_equal(lesion_mask(manifest, spec, labelled), [[[True, False]]])
