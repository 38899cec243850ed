"""``psma demo``: what the README promises a newcomer (W01, W51)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from psmacore.pipeline.results import read_results
from psmacore.pipeline.truth import check_course
from Testing.core.cli.psma_process import Outcome, everything_below, psma


@pytest.fixture(scope="module")
def a_demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    out = tmp_path_factory.mktemp("demo") / "out"
    return out, psma("demo", "--quick", "--no-serve", "--out", out)


@pytest.mark.slow
def test_the_demo_leaves_phantom_archive_and_one_folder_a_date(a_demo: tuple[Path, Outcome]) -> None:
    out, outcome = a_demo
    assert outcome.code == 0, outcome.err
    assert {path.name for path in out.iterdir()} == {
        "phantom",
        "archive",
        "timepoint-1",
        "timepoint-2",
        "timepoint-3",
    }
    assert [name for name in everything_below(out) if "partial" in name or ".fetched" in name] == []
    assert everything_below(out.parent) == {"out", *(f"out/{name}" for name in everything_below(out))}


@pytest.mark.slow
def test_the_demo_measures_what_was_simulated(a_demo: tuple[Path, Outcome]) -> None:
    out, outcome = a_demo
    truth = json.loads((out / "phantom" / "truth.json").read_text())
    folders = {entry["study_uid"]: out / f"timepoint-{n}" for n, entry in enumerate(truth["timepoints"], 1)}
    for check in check_course(out / "phantom" / "truth.json", folders):
        assert check.n_true >= 5
        assert abs(check.tv_error_pct) <= 10
        assert abs(check.suv_max_error_pct) <= 3
        assert f"{check.measured_tv_ml:.2f}" in outcome.out
    dates = [read_results(folder).timepoint.study.date for folder in folders.values()]
    assert dates == sorted(dates)


@pytest.mark.slow
def test_at_least_two_lesions_of_each_date_touch_bladder_or_ureter(a_demo: tuple[Path, Outcome]) -> None:
    out, _ = a_demo
    for entry in json.loads((out / "phantom" / "truth.json").read_text())["timepoints"]:
        touching = [one for one in entry["lesions"] if any("bladder" in t or "ureter" in t for t in one["touches"])]
        assert len(touching) >= 2


def test_the_demo_does_not_overwrite_what_it_did_not_make(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    outcome = psma("demo", "--quick", "--no-serve", "--out", tmp_path)
    assert outcome.code == 2
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
