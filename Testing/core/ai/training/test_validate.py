from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from psmacore.ai.training.losses import build_loss  # noqa: E402
from psmacore.ai.training.recipe import LossKind, LossSettings  # noqa: E402
from psmacore.ai.training.result import best_operating_point  # noqa: E402
from psmacore.ai.training.validate import (  # noqa: E402
    SegmentationValidator,
    StudyValidator,
    balanced_accuracy,
)
from psmacore.registry.manifest import Manifest  # noqa: E402
from Testing.core.ai.preprocess.manifests import lesion_manifest, paired_manifest, study_manifest  # noqa: E402

CPU = torch.device("cpu")
VOXEL_ML = 0.5
SHAPE = (4, 4, 4)


def a_case(
    label: torch.Tensor, *, levels: list[float] | None = None, tracer: str = "", n_channels: int = 2
) -> dict[str, Any]:
    image = torch.zeros((n_channels, *SHAPE))
    image[:, 2:] = 1.0
    return {"image": image, "label": label, "gate_levels": levels, "voxel_ml": VOXEL_ML, "tracer": tracer}


def maps(n: int = 1, **parts: Any) -> torch.Tensor:
    label = torch.zeros((n, *SHAPE), dtype=torch.uint8)
    for number, part in parts.items():
        label[(int(number[1:]), *part)] = 1
    return label


def validated(
    manifest: Manifest, cases: list[Mapping[str, Any]], answers: list[torch.Tensor], *, is_gated: bool = False
) -> Any:
    """Validate a network that gives these logits ``(n, k, j, i)``, one a case."""
    loss = build_loss(LossSettings(LossKind.DICE), manifest.activation, supervision_decay=0.5)
    left = list(answers)
    done: list[float] = []
    validator = SegmentationValidator(
        manifest, cases, loss, lambda _network, _image, _gate: left.pop(0), CPU, is_gated=is_gated
    )
    found = validator(torch.nn.Identity(), done.append)
    assert done[-1] == 1.0
    return found


def figures(found: Any) -> dict[str, float]:
    return {item.name: item.value for item in found.watched}


def sure(found: torch.Tensor) -> torch.Tensor:
    """Logits of background and lesion for a binary map ``(1, k, j, i)``."""
    sign = 2.0 * found.float() - 1.0
    return torch.cat([-sign, sign]) * 10


def test_dsc_and_volumes_are_counted() -> None:
    """D15: 8 voxels true, 8 found, 4 of them right; FP and FN are 4 voxels each."""
    truth, found = maps(m0=np.s_[0:2, 0:2, 0:2]), maps(m0=np.s_[1:3, 0:2, 0:2])

    result = validated(lesion_manifest(), [a_case(truth)], [sure(found)])

    assert result.score == pytest.approx(0.5)
    assert figures(result) == pytest.approx({"dsc_lesion": 0.5, "fp_ml_lesion": 2.0, "fn_ml_lesion": 2.0})


def test_overlapping_outputs_are_counted_each() -> None:
    """D06, D15."""
    truth = maps(2, m0=np.s_[0:2, 0:2, 0:2], m1=np.s_[0:2, 0:2, 0:2])
    logits = 20.0 * maps(2, m0=np.s_[0:2, 0:2, 0:2], m1=np.s_[0:1, 0:2, 0:2]).float() - 10

    result = validated(paired_manifest(), [a_case(truth, n_channels=4)], [logits])

    assert figures(result) == pytest.approx(
        {
            "dsc_fdg_lesion": 1.0, "fp_ml_fdg_lesion": 0.0, "fn_ml_fdg_lesion": 0.0,
            "dsc_psma_lesion": 2 * 4 / 12, "fp_ml_psma_lesion": 0.0, "fn_ml_psma_lesion": 2.0,
        }
    )  # fmt: skip
    assert result.score == pytest.approx((1 + 2 / 3) / 2)


def test_a_thresholded_output_counts_above_the_threshold_only() -> None:
    """The image is 1 from k = 2 on: what is found below is none of the result."""
    truth = maps(m0=np.s_[2:4, 0:2, 0:2])
    found = maps(m0=np.s_[0:4, 0:2, 0:2])

    result = validated(lesion_manifest(), [a_case(truth, levels=[0.5])], [sure(found)])

    assert figures(result) == pytest.approx({"dsc_lesion": 1.0, "fp_ml_lesion": 0.0, "fn_ml_lesion": 0.0})


def test_a_gated_loss_is_validated_gated() -> None:
    truth, found = maps(m0=np.s_[2:4, 0:2, 0:2]), maps(m0=np.s_[0:4, 0:2, 0:2])
    cases = [a_case(truth, levels=[0.5])]

    gated = validated(lesion_manifest(), cases, [sure(found)], is_gated=True)
    plain = validated(lesion_manifest(), cases, [sure(found)])

    assert gated.loss == pytest.approx(0, abs=1e-4)
    assert plain.loss > 0.1


def test_a_case_without_a_lesion_counts_its_false_positives_alone() -> None:
    with_lesion, without = maps(m0=np.s_[0:2, 0:2, 0:2]), maps()
    cases = [a_case(with_lesion), a_case(without)]

    result = validated(lesion_manifest(), cases, [sure(with_lesion), sure(maps(m0=np.s_[0:1, 0:1, 0:2]))])

    assert figures(result) == pytest.approx({"dsc_lesion": 1.0, "fp_ml_lesion": 0.5, "fn_ml_lesion": 0.0})


def test_without_any_lesion_there_is_no_score() -> None:
    assert math.isnan(validated(lesion_manifest(), [a_case(maps())], [sure(maps())]).score)


def test_each_tracer_has_its_figure() -> None:
    """D15."""
    truth = maps(m0=np.s_[0:2, 0:2, 0:2])
    cases = [a_case(truth, tracer="psma"), a_case(truth, tracer="fdg")]

    result = validated(lesion_manifest(), cases, [sure(truth), sure(maps(m0=np.s_[1:3, 0:2, 0:2]))])

    assert figures(result)["dsc_of_psma"] == pytest.approx(1.0)
    assert figures(result)["dsc_of_fdg"] == pytest.approx(0.5)


def test_a_classifier_is_watched_by_balanced_accuracy_and_area() -> None:
    """W75: three of four positives and one of two negatives are right."""
    truth = [1, 1, 1, 1, 0, 0]
    logits = [2.0, 1.0, 0.5, -1.0, 0.2, -2.0]
    cases = [{"image": torch.zeros((1, 2, 2, 2)), "label": torch.tensor([float(one)])} for one in truth]
    manifest = study_manifest()
    loss = build_loss(LossSettings(LossKind.BCE), manifest.activation, supervision_decay=0.5)
    left = [torch.tensor([one]) for one in logits]
    validator = StudyValidator(manifest, cases, loss, lambda *_: left.pop(0), CPU)

    result = validator(torch.nn.Identity(), lambda _done: None)

    assert result.score == pytest.approx((0.75 + 0.5) / 2)
    assert figures(result)["auc"] == pytest.approx(7 / 8)
    expected = np.mean(
        [math.log1p(math.exp(-one if is_one else one)) for is_one, one in zip(truth, logits, strict=True)]
    )
    assert result.loss == pytest.approx(expected)


@pytest.mark.parametrize(
    ("truth", "found", "expected"),
    [
        ([1, 1, 0, 0], [1, 1, 0, 0], 1.0),
        ([1, 1, 1, 0], [1, 1, 1, 1], 0.5),
        ([1, 1], [1, 0], 0.5),
        ([0, 0], [0, 0], 1.0),
    ],
)
def test_balanced_accuracy(truth: list[int], found: list[int], expected: float) -> None:
    assert balanced_accuracy(np.array(truth, bool), np.array(found, bool)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("truth", "probabilities", "expected"),
    [
        ([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.9], 0.25),
        ([0, 1], [0.4, 0.6], 0.5),
        ([1, 1], [0.1, 0.2], 0.5),
        ([0, 1, 0, 1], [0.7, 0.8, 0.75, 0.95], 0.775),
    ],
)
def test_the_operating_point_tells_the_validation_cases_best_apart(
    truth: list[int], probabilities: list[float], expected: float
) -> None:
    assert best_operating_point(np.array(truth, bool), np.array(probabilities)) == pytest.approx(expected)
