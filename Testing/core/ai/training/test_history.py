from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.image import imread

from psmacore.ai.training.cross_validation import write_summary
from psmacore.ai.training.history import EpochRecord, Validated, Watched, draw_curves, write_csv
from psmacore.ai.training.words import duration_words, record_words
from psmacore.registry.manifest import Metric
from Testing.core.ai.preprocess.manifests import lesion_manifest


@pytest.fixture
def a_history() -> list[EpochRecord]:
    validated = Validated(0.4, 0.75, (Watched("dsc_psma", 0.7), Watched("dsc_fdg", math.nan)))
    return [
        EpochRecord(1, 0.9, 1e-3, 12.0),
        EpochRecord(2, 0.5, 5e-4, 11.0, validated, is_best=True),
        EpochRecord(3, 0.4, 1e-4, 11.0, replace(validated, score=0.7)),
    ]


def test_curves_are_one_row_an_epoch(a_history: list[EpochRecord], tmp_path: Path) -> None:
    with write_csv(a_history, tmp_path / "curves.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))

    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert [row["validation_score"] for row in rows] == ["", "0.75", "0.7"]
    assert [row["is_best"] for row in rows] == ["0", "1", "0"]
    assert [row["dsc_psma"] for row in rows] == ["", "0.7", "0.7"]
    assert [row["dsc_fdg"] for row in rows] == ["", "", ""]


@pytest.mark.parametrize("n_epochs", [0, 1, 3])
def test_curves_are_drawn(n_epochs: int, a_history: list[EpochRecord], tmp_path: Path) -> None:
    picture = imread(draw_curves(a_history[:n_epochs], tmp_path / "curves.png", title="a test"))

    assert picture.shape[0] > 300
    assert picture.std() > 0.01


def test_an_epoch_is_told_in_one_line(a_history: list[EpochRecord]) -> None:
    assert record_words(a_history[0]) == "epoch 1: training loss 0.9000, 12 s"
    assert "score 0.7500 (dsc_psma 0.7, dsc_fdg nan); kept" in record_words(a_history[1])


@pytest.mark.parametrize(("seconds", "expected"), [(20, "about 20 s"), (720, "about 12 min"), (9000, "about 2.5 h")])
def test_times_are_told_in_words(seconds: float, expected: str) -> None:
    assert duration_words(seconds) == expected


def test_folds_are_summed_up(tmp_path: Path) -> None:
    """D16: mean and SD over the folds; a figure that a fold lacks is left out of them."""
    folds = [
        replace(lesion_manifest(), name=f"net-fold{number}", metrics=(Metric("score", value, "1", "five patients"),))
        for number, value in enumerate((0.6, 0.8))
    ]
    folds.append(replace(lesion_manifest(), name="net-fold2"))

    record = json.loads(write_summary(folds, tmp_path).read_text())

    assert record["summary"]["score"] == {"mean": pytest.approx(0.7), "sd": pytest.approx(math.sqrt(0.02))}
    assert [fold["metrics"] for fold in record["folds"]] == [{"score": 0.6}, {"score": 0.8}, {}]
    assert (tmp_path / "cross_validation.csv").read_text().splitlines() == [
        "fold,score", "net-fold0,0.6", "net-fold1,0.8", "net-fold2,",
    ]  # fmt: skip
