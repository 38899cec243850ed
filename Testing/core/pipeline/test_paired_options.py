"""What a user says of a paired model's lesions to the request that reaches the worker."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from psmacore.cli.model_options import add_model_options, make_ready, model_options
from psmacore.errors import UsageError
from psmacore.pipeline.request import AnalyseRequest, ModelOptions, Postprocessing

ASKED = ModelOptions(postprocessing=Postprocessing.BOTHWAYS_PLUS, growth_mm=7.0, no_growth_organs=(2, 3, 5))


def parsed(*words: str) -> ModelOptions:
    parser = argparse.ArgumentParser()
    add_model_options(parser)
    return model_options(parser.parse_args(words))


def test_the_command_line_names_way_radius_and_organs() -> None:
    """D18 to D22."""
    words = ("--postprocessing", "bothways+", "--growth-mm", "7", "--no-growth-organs", "2, 3,5")
    assert parsed(*words) == ASKED
    assert parsed() == ModelOptions()
    assert parsed("--no-growth-organs", "none").no_growth_organs == ()


def test_a_job_carries_them() -> None:
    request = AnalyseRequest(dicom=Path("study"), companion=Path("other"), segmenter="deep-psma", models=ASKED)
    sent = json.loads(json.dumps([request.inputs(), request.parameters()]))
    assert AnalyseRequest.from_job(*sent) == request


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--postprocessing", "both"), "one of single, single\\+, bothways, bothways\\+, not 'both'"),
        (("--growth-mm", "-1"), "not by -1"),
        (("--growth-mm", "nan"), "not by nan"),
        (("--no-growth-organs", "liver"), "not 'liver'"),
    ],
)
def test_what_cannot_be_is_refused(words: tuple[str, ...], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        parsed(*words)


@pytest.mark.parametrize(
    "entry", [{"postprocessing": "both"}, {"no_growth_organs": ["liver"]}, {"no_growth_organs": 5}]
)
def test_a_job_that_asks_for_what_cannot_be_is_refused(entry: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        AnalyseRequest.from_job({"dicom": "study"}, {"models": entry})


def test_a_rule_has_no_post_processing() -> None:
    request = AnalyseRequest(dicom=Path("study"), models=ASKED)
    with pytest.raises(UsageError, match="--postprocessing is for trained lesion models"):
        make_ready(request)
