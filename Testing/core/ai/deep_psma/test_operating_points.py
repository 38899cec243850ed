"""Validation figures to the point of each use, kept beside the weights."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

pytest.importorskip("torch")

from psmacore.ai.deep_psma.operating_points import (
    POINTS_FILE,
    OperatingPoint,
    Trial,
    choose_points,
    point_for,
    read_points,
    write_points,
)
from psmacore.errors import InputRefusedError, ModelUnfitError
from psmacore.pipeline.request import ModelOptions, Postprocessing, Purpose
from psmacore.registry.catalog import ModelFolder
from Testing.tiny_models import tiny_paired_manifest, write_constant_model

CHOSEN = {
    Purpose.SCREENING: OperatingPoint(0.3, Postprocessing.SINGLE, 0.8, 2.5),
    Purpose.BURDEN: OperatingPoint(0.6, Postprocessing.SINGLE_PLUS, 0.9, 4.5),
}


def trial(name: str, probability: float, dsc: list[float], fpv_ml: list[float], fnv_ml: list[float]) -> Trial:
    return Trial(Postprocessing(name), probability, np.array(dsc), np.array(fpv_ml), np.array(fnv_ml))


@pytest.fixture
def a_model(tmp_path: Path, torch_or_skip: ModuleType) -> ModelFolder:
    return write_constant_model(tmp_path, tiny_paired_manifest(), 0.0, 0.0)


def test_screening_takes_the_least_missed_and_invented_volume_and_burden_the_best_overlap() -> None:
    """D25, on the authors' own four configurations of fold 1 (their table 2, PSMA)."""
    published = [
        trial("single", 0.5, [0.9466], [6.9941], [4.0360]),
        trial("single+", 0.5, [0.9672], [12.3290], [4.0334]),
        trial("bothways", 0.5, [0.9685], [9.3548], [3.9083]),
        trial("bothways+", 0.5, [0.9672], [13.1942], [3.9070]),
    ]
    chosen = choose_points(published)
    assert chosen[Purpose.SCREENING] == OperatingPoint(0.5, Postprocessing.SINGLE, 0.9466, 11.0301)
    assert chosen[Purpose.BURDEN].postprocessing is Postprocessing.BOTHWAYS


def test_cases_without_a_figure_are_left_out() -> None:
    known = trial("single", 0.5, [0.8, np.nan], [1.0, 3.0], [2.0, np.nan])
    assert (known.mean_dsc, known.mean_missed_ml) == (0.8, 4.0)
    nothing = trial("bothways", 0.5, [np.nan], [0.0], [np.nan])
    assert choose_points([nothing, known])[Purpose.SCREENING].postprocessing is Postprocessing.SINGLE
    with pytest.raises(InputRefusedError, match="no validation case has a lesion"):
        choose_points([nothing])


def test_of_equals_the_middle_probability_and_the_simpler_way_win() -> None:
    alike = [trial(name, p, [0.8], [1.0], [1.0]) for p in (0.2, 0.4, 0.9) for name in ("bothways+", "single+")]
    assert choose_points(alike)[Purpose.BURDEN] == OperatingPoint(0.4, Postprocessing.SINGLE_PLUS, 0.8, 2.0)


def test_points_are_read_back_from_beside_the_weights(a_model: ModelFolder) -> None:
    path = write_points(CHOSEN, a_model, data="three validation patients")
    assert read_points(a_model) == CHOSEN
    assert json.loads(path.read_text(encoding="utf-8"))["data"] == "three validation patients"
    assert {one.name for one in a_model.folder.iterdir()} == {"manifest.json", "weights.safetensors", POINTS_FILE}


def test_each_use_has_its_point(a_model: ModelFolder) -> None:
    """D24, D25: chosen on validation, burden by default; what the user names wins."""
    write_points(CHOSEN, a_model, data="three validation patients")
    for wanted, purpose in ((None, Purpose.BURDEN), ("burden", Purpose.BURDEN), ("screening", Purpose.SCREENING)):
        assert point_for(a_model, ModelOptions(operating_point=wanted)) == CHOSEN[purpose]
    named = point_for(a_model, ModelOptions(operating_point="0.7", postprocessing=Postprocessing.BOTHWAYS))
    assert named == OperatingPoint(0.7, Postprocessing.BOTHWAYS)
    grown = point_for(a_model, ModelOptions(operating_point="screening", postprocessing=Postprocessing.BOTHWAYS_PLUS))
    assert grown == OperatingPoint(0.3, Postprocessing.BOTHWAYS_PLUS)


def test_where_nothing_was_chosen_the_submitted_way_runs_and_no_screening(a_model: ModelFolder) -> None:
    """D20, D24: both ways, region growing off."""
    for wanted in (None, "burden"):
        assert point_for(a_model, ModelOptions(operating_point=wanted)) == OperatingPoint(0.5, Postprocessing.BOTHWAYS)
    with pytest.raises(ModelUnfitError, match="no operating point for screening"):
        point_for(a_model, ModelOptions(operating_point="screening"))


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("weights_sha256", "0" * 64, "belongs to other weights"),
        ("points", {"screening": {"probability": 2.0, "postprocessing": "single"}}, "cannot be read"),
        ("points", {"screening": {"probability": 0.5, "postprocessing": "both"}}, "cannot be read"),
        ("points", {"triage": {"probability": 0.5, "postprocessing": "single"}}, "cannot be read"),
        ("points", [], "cannot be read"),
    ],
)
def test_points_that_cannot_be_these_weights_are_refused(
    a_model: ModelFolder, key: str, value: object, words: str
) -> None:
    path = write_points(CHOSEN, a_model, data="three validation patients")
    record = json.loads(path.read_text(encoding="utf-8")) | {key: value}
    path.write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(ModelUnfitError, match=words):
        point_for(a_model, ModelOptions())
