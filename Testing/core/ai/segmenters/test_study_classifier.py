"""The study classifier as a step of the analysis (W71 to W75)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from psmacore.ai.segmenters.running import Machine
from psmacore.ai.segmenters.study_classifier import StudyCnn
from psmacore.errors import InputRefusedError, ModelUnfitError
from psmacore.model.volumes import SuvVolume
from psmacore.pipeline.images import StudyImages
from psmacore.pipeline.request import ModelOptions
from Testing.timepoints import FDG
from Testing.tiny_models import tiny_classifier_manifest, tiny_lesion_manifest, write_constant_model

MakeImages = Callable[..., StudyImages]


@pytest.fixture
def classifier() -> StudyCnn:
    return StudyCnn(Machine(ModelOptions(device="cpu")))


@pytest.mark.parametrize(("logit", "label"), [(2.0, "abnormal"), (0.0, "abnormal"), (-2.0, "normal")])
def test_the_label_comes_with_its_own_probability(
    make_images: MakeImages, models_folder: Path, classifier: StudyCnn, logit: float, label: str
) -> None:
    write_constant_model(models_folder, tiny_classifier_manifest(), logit)
    answer = classifier.classify(make_images())
    assert answer.value.label == label
    assert answer.value.probability == pytest.approx(1 / (1 + np.exp(-abs(logit))), rel=1e-6)
    assert answer.value.model == "study-cnn-own 1.0.0"
    assert answer.model.task == "study_classification"


def test_it_reads_no_ct_and_no_organs(make_images: MakeImages, models_folder: Path, classifier: StudyCnn) -> None:
    """W71: PET only."""
    write_constant_model(models_folder, tiny_classifier_manifest(), 2.0)
    assert classifier.classify(make_images(read_ct=None, organs=None)).value.label == "abnormal"


def test_its_own_operating_point_decides(make_images: MakeImages, models_folder: Path, classifier: StudyCnn) -> None:
    write_constant_model(models_folder, replace(tiny_classifier_manifest(), operating_point=0.3), -0.5)
    assert classifier.classify(make_images()).value.label == "abnormal"


def test_values_that_are_no_numbers_are_refused(
    make_images: MakeImages, models_folder: Path, classifier: StudyCnn
) -> None:
    write_constant_model(models_folder, tiny_classifier_manifest(), 2.0)
    images = make_images()
    values = np.full_like(images.suv.values, np.nan)
    with pytest.raises(InputRefusedError):
        classifier.classify(replace(images, suv=SuvVolume(values, images.suv.geometry, images.suv.derivation)))


def test_another_tracer_and_another_task_are_refused(make_images: MakeImages, models_folder: Path) -> None:
    manifest = tiny_classifier_manifest()
    psma_only = replace(manifest, validity=replace(manifest.validity, tracers=("psma",)))
    write_constant_model(models_folder, psma_only, 2.0)
    write_constant_model(models_folder, tiny_lesion_manifest(), 0.0, 0.0)
    machine = Machine(ModelOptions(device="cpu"))
    with pytest.raises(ModelUnfitError, match="may be used on psma PET"):
        StudyCnn(machine, "study-cnn-own").classify(make_images(FDG))
    with pytest.raises(ModelUnfitError, match="not for study classification"):
        StudyCnn(machine, "lesion-unet-own").classify(make_images())
