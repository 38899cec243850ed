"""Organs, classification and lesions one after the other: the gate, and who brings what along (W60)."""

from __future__ import annotations

import logging
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

pytest.importorskip("torch")

from psmacore.ai.segmenters.catalog import steps_of
from psmacore.ai.segmenters.running import Machine
from psmacore.errors import ModelMissingError
from psmacore.pipeline.finding import Findings, ModelSteps
from psmacore.pipeline.load import load_study
from psmacore.pipeline.request import AnalyseRequest, ModelOptions
from psmacore.pipeline.stages import Stages
from Testing.core.worker.conftest import PetCt
from Testing.tiny_models import (
    FAR,
    tiny_classifier_manifest,
    tiny_lesion_manifest,
    tiny_organ_manifest,
    write_constant_model,
)


@pytest.fixture(autouse=True)
def _one_thread(torch_or_skip: ModuleType) -> None:
    """Every test here runs networks."""


@pytest.fixture
def three_models(models_folder: Path) -> Path:
    """Organs: liver everywhere; classifier: normal; lesions: everywhere."""
    write_constant_model(models_folder, tiny_organ_manifest(), -FAR, FAR, -FAR)
    write_constant_model(models_folder, tiny_classifier_manifest(), -2.0)
    write_constant_model(models_folder, tiny_lesion_manifest(), -FAR, FAR)
    return models_folder


def run(study: PetCt, segmenter: str = "lesion-unet", **options: object) -> tuple[Findings, list[str]]:
    request = AnalyseRequest(
        dicom=study.folder,
        segmenter=segmenter,
        models=ModelOptions(device="cpu", **options),  # type: ignore[arg-type]
    )
    steps = steps_of(request, Machine(request.models))
    told: list[str] = []
    stages = Stages(lambda stage, _fraction: told.append(stage))
    loaded = load_study(request, study.folder)
    found = ModelSteps(request, steps.segmenter, steps.organ_segmenter, steps.classifier).run(loaded, None, stages)
    return found, told


def test_a_normal_study_is_not_segmented_and_says_so(a_real_study: PetCt, three_models: Path) -> None:
    """W60: lesion segmentation only in abnormal studies."""
    found, told = run(a_real_study)
    assert told == ["organs", "classify"]
    assert found.classification is not None
    assert found.classification.has_stopped_segmentation
    assert found.drawing.candidates.parts == ()
    assert found.drawing.info.name == "not-segmented"
    (words,) = found.drawing.candidates.warnings
    assert "calls this study normal (probability 0.88)" in words
    assert [use.task for use in found.models] == ["organ_segmentation", "study_classification"]


def test_the_gate_can_be_opened(a_real_study: PetCt, three_models: Path) -> None:
    """W60: overridden, the study is segmented, keeps its classification, and the results say both."""
    found, told = run(a_real_study, use_gate=False)
    assert told == ["organs", "classify", "segment"]
    assert found.classification is not None
    assert found.classification.label == "normal"
    assert not found.classification.has_stopped_segmentation
    assert len(found.drawing.candidates.parts) == 3
    assert [words for words in found.warnings if "segmented all the same" in words] != []


def test_an_abnormal_study_passes(a_real_study: PetCt, three_models: Path) -> None:
    write_constant_model(three_models, tiny_classifier_manifest(), 2.0)
    found, _ = run(a_real_study)
    assert [use.name for use in found.models] == ["organ-unet-own", "study-cnn-own", "lesion-unet-own"]
    assert np.unique(found.organs.labels).tolist() == [5] if found.organs is not None else False


def test_each_step_is_logged_with_version_and_hash(
    a_real_study: PetCt, three_models: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """W60."""
    with caplog.at_level(logging.INFO, "psmacore.pipeline"):
        found, _ = run(a_real_study, use_gate=False)
    for use in found.models:
        assert [line for line in caplog.messages if f"{use.name} {use.version}" in line and use.weights_sha256 in line]


def test_steps_that_nobody_named_may_lack_their_model(a_real_study: PetCt, models_folder: Path) -> None:
    write_constant_model(models_folder, tiny_lesion_manifest(), -FAR, FAR)
    found, _ = run(a_real_study)
    assert found.organs is None
    assert found.classification is None
    assert len(found.drawing.candidates.parts) == 3
    assert [words for words in found.warnings if "organ-unet" in words] != []
    assert [words for words in found.warnings if "study-cnn" in words] != []


@pytest.mark.parametrize("named", [{"organ_model": "organ-unet"}, {"classifier": "study-cnn"}])
def test_steps_that_were_named_must_have_their_model(
    a_real_study: PetCt, models_folder: Path, named: dict[str, str]
) -> None:
    write_constant_model(models_folder, tiny_lesion_manifest(), -FAR, FAR)
    with pytest.raises(ModelMissingError):
        run(a_real_study, **named)


def test_none_leaves_a_step_out(a_real_study: PetCt, three_models: Path) -> None:
    found, told = run(a_real_study, organ_model="none", classifier="none")
    assert told == ["segment"]
    assert (found.organs, found.classification) == (None, None)


def test_a_rule_takes_organs_and_gate_where_they_are_named(a_real_study: PetCt, three_models: Path) -> None:
    found, told = run(a_real_study, "threshold", organ_model="organ-unet", classifier="study-cnn")
    assert told == ["organs", "classify"]
    plain, told = run(a_real_study, "threshold")
    assert told == ["segment"]
    assert (plain.organs, plain.classification, plain.models) == (None, None, ())
    assert found.organs is not None
