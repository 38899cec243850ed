"""The organ model as a step of the analysis: labels on the PET grid, none where there is no CT."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from psmacore.ai.segmenters.organ_unet import OrganUnet
from psmacore.ai.segmenters.running import Machine
from psmacore.errors import GeometryError, ModelMissingError, StudyContentError
from psmacore.model.geometry import Geometry
from psmacore.pipeline.images import StudyImages
from psmacore.pipeline.request import ModelOptions
from Testing.core.ai.segmenters.conftest import SHAPE, ct_over
from Testing.tiny_models import FAR, tiny_organ_manifest, write_constant_model, write_random_model

MakeImages = Callable[..., StudyImages]
LIVER_EVERYWHERE = (-FAR, FAR, -FAR)


@pytest.fixture
def organ_unet() -> OrganUnet:
    return OrganUnet(Machine(ModelOptions(device="cpu")))


def test_labels_are_written_by_number_on_the_pet_grid(
    make_images: MakeImages, models_folder: Path, organ_unet: OrganUnet, pet_grid: Geometry
) -> None:
    model = write_constant_model(models_folder, tiny_organ_manifest(), *LIVER_EVERYWHERE)
    answer = organ_unet.segment_organs(make_images())
    assert answer.value.geometry.is_same_grid(pet_grid)
    assert np.unique(answer.value.labels).tolist() == [5]
    assert answer.value.source == "model organ-unet-own 1.0.0"
    assert answer.model.weights_sha256 == model.manifest.weights_sha256
    assert answer.warnings == ()


def test_outside_the_ct_there_is_no_organ(
    make_images: MakeImages, models_folder: Path, organ_unet: OrganUnet, pet_grid: Geometry
) -> None:
    write_constant_model(models_folder, tiny_organ_manifest(), *LIVER_EVERYWHERE)
    half = Geometry((6, *SHAPE[1:]), pet_grid.lps_from_ijk)
    answer = organ_unet.segment_organs(make_images(ct=ct_over(half)))
    assert np.all(answer.value.labels[:6] == 5)
    assert not answer.value.labels[6:].any()
    (words,) = answer.warnings
    assert words.startswith("the CT covers 50 % of what the PET shows of the patient")


def test_outside_the_body_there_is_no_organ(
    make_images: MakeImages, models_folder: Path, organ_unet: OrganUnet, pet_grid: Geometry
) -> None:
    """The network runs on the body's box alone, and the box's outside is background, whatever it says inside."""
    write_constant_model(models_folder, tiny_organ_manifest(), *LIVER_EVERYWHERE)
    fine = Geometry.from_axes(
        shape=(48, 48, 48), origin_lps_mm=(-60.0, -20.0, -440.0), spacing_ijk_mm=(4.0, 4.0, 4.0),
        frame_of_reference_uid="2.25.77",
    )  # fmt: skip
    hu = np.full(fine.shape, -1000, np.int16)
    hu[:, :, 24:] = 20
    labels = organ_unet.segment_organs(make_images(ct=ct_over(fine, hu))).value.labels
    lefts = pet_grid.lps_of_kji(np.argwhere(labels == 5))[:, 0]
    outside = pet_grid.lps_of_kji(np.argwhere(labels == 0))[:, 0]
    edge_mm = -60.0 + 23.5 * 4.0
    assert lefts.min() == pytest.approx(edge_mm, abs=10.0)
    assert outside.max() == pytest.approx(edge_mm, abs=10.0)


def test_a_random_network_gives_known_labels_alone(
    make_images: MakeImages, models_folder: Path, organ_unet: OrganUnet
) -> None:
    write_random_model(models_folder, tiny_organ_manifest())
    assert set(np.unique(organ_unet.segment_organs(make_images()).value.labels)) <= {0, 5, 21}


def test_without_ct_or_with_one_elsewhere_it_refuses(
    make_images: MakeImages, models_folder: Path, organ_unet: OrganUnet, pet_grid: Geometry
) -> None:
    write_constant_model(models_folder, tiny_organ_manifest(), *LIVER_EVERYWHERE)
    with pytest.raises(StudyContentError, match="CT"):
        organ_unet.segment_organs(make_images(read_ct=None))
    matrix = pet_grid.lps_from_ijk.copy()
    matrix[0, 3] -= 2000.0
    with pytest.raises(GeometryError, match="does not cover"):
        organ_unet.segment_organs(make_images(ct=ct_over(Geometry(SHAPE, matrix))))


def test_an_unknown_model_is_named(make_images: MakeImages, models_folder: Path) -> None:
    with pytest.raises(ModelMissingError, match="my-organs"):
        OrganUnet(Machine(ModelOptions(device="cpu")), "my-organs").segment_organs(make_images())
