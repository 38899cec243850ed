"""job.json: what is written is read, and what is wrong is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from psmacore.errors import UsageError
from psmacore.jobs.job import Job, JobKind, read_job, write_job


def test_a_job_is_read_as_it_was_written(a_job: Job, tmp_path: Path) -> None:
    assert read_job(write_job(a_job, tmp_path).parent) == a_job


def test_the_file_has_the_keys_of_the_contract(a_job: Job) -> None:
    assert list(json.loads(a_job.to_json())) == ["job", "kind", "inputs", "parameters", "out"]


def test_writing_leaves_no_other_file(a_job: Job, tmp_path: Path) -> None:
    write_job(a_job, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["job.json"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "paint"}, "kind must be one of"),
        ({"inputs": []}, "inputs must be an object"),
        ({"out": ""}, "out must be text"),
        ({"job": "../../etc"}, "job must be"),
        ({"more": 1}, "more"),
    ],
)
def test_a_wrong_value_is_refused_by_name(a_job: Job, change: dict[str, object], words: str) -> None:
    record = {**json.loads(a_job.to_json()), **change}
    with pytest.raises(UsageError, match=words):
        Job.from_json(json.dumps(record))


@pytest.mark.parametrize("text", ["", "[]", "{", '{"job": "a"}'])
def test_what_is_no_job_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"job\.json"):
        Job.from_json(text)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_job(tmp_path)


def test_what_json_cannot_hold_is_refused() -> None:
    with pytest.raises(UsageError, match="JSON"):
        Job(JobKind.COMPARE, {"path": Path("a")}, {}, Path("out")).to_json()
