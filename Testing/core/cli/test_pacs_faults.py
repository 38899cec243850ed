"""An archive that is down, slow, strict or cut off: retried within bounds, then exit code 4, and nothing stays."""

from __future__ import annotations

import base64
import json
import socket
from pathlib import Path

import pytest

from Testing.core.cli.psma_process import Outcome, assert_refused, everything_below, psma
from Testing.core.cli.simulated_study import BIRTH_DATE, NAME, PATIENT_ID, SimulatedStudy
from Testing.core.pacs.fault_server import Answer, FaultServer, Handler, Request, multipart

Archive = tuple[FaultServer, SimulatedStudy]


def analyse(root: str, study: SimulatedStudy, out: Path, *options: str, **environment: str) -> Outcome:
    command = ("-v", "analyse", "--dicomweb", root, "--study", study.series.study_uid, "--out", out, *options)
    return psma(*command, **environment)


def hanging(server: FaultServer) -> Handler:
    """Answer nothing until the test is over."""

    def hang(_request: Request) -> None:
        server.release.wait(60)

    return hang


def cut_off(study: SimulatedStudy) -> Handler:
    """Break off in the middle of the last instance, whatever is retrieved."""
    bodies = [path.read_bytes() for path in study.paths]

    def half(request: Request) -> Answer | None:
        is_retrieve = "dicom+json" not in request.headers.get("Accept", "")
        return multipart(bodies, cut=len(bodies[-1]) // 2) if is_retrieve else None

    return half


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Result folder in a folder that is not there yet."""
    return tmp_path / "new" / "result"


def test_an_archive_that_is_down_is_named(an_archive: Archive, out: Path, tmp_path: Path) -> None:
    before = everything_below(tmp_path)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can take it
        port = unused.getsockname()[1]
        outcome = analyse(f"http://127.0.0.1:{port}/dicom-web", an_archive[1], out, "--json")
    assert_refused(outcome, 4, f"127.0.0.1:{port}", "not reachable")
    assert everything_below(tmp_path) == before


@pytest.mark.slow
def test_a_retrieve_that_is_always_cut_off_leaves_nothing(an_archive: Archive, out: Path, tmp_path: Path) -> None:
    server, study = an_archive
    server.fault = cut_off(study)
    before = everything_below(tmp_path)
    assert_refused(analyse(server.root, study, out), 4)
    assert everything_below(tmp_path) == before
    assert len(server.requests) < 20


@pytest.mark.slow
def test_an_archive_that_hangs_is_given_up(an_archive: Archive, out: Path, tmp_path: Path) -> None:
    server, study = an_archive
    server.fault = hanging(server)
    before = everything_below(tmp_path)
    assert_refused(analyse(server.root, study, out, PSMA_PACS_TIMEOUT_S="0.4"), 4, "no answer in time")
    assert everything_below(tmp_path) == before


@pytest.mark.slow
@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_user_is_told_at_once(an_archive: Archive, out: Path, tmp_path: Path, status: int) -> None:
    server, study = an_archive
    server.fault = lambda _request: Answer(status)
    before = everything_below(tmp_path)
    assert_refused(analyse(server.root, study, out), 4, f"HTTP {status}")
    assert len(server.requests) == 1
    assert everything_below(tmp_path) == before


@pytest.mark.slow
def test_an_archive_that_was_busy_twice_is_asked_again(an_archive: Archive, out: Path) -> None:
    server, study = an_archive
    n_busy = iter((503, 503))
    server.fault = lambda _request: Answer(status) if (status := next(n_busy, 0)) else None
    outcome = analyse(server.root, study, out, "--json")
    assert outcome.code == 0, outcome.err
    assert len(outcome.json["lesions"]) == 3
    assert everything_below(out.parent) == {"result", *(f"result/{path.name}" for path in out.iterdir())}
    assert not (out / ".fetched").exists()
    for secret in (NAME, PATIENT_ID, BIRTH_DATE):  # W07
        assert secret not in outcome.err


@pytest.mark.slow
def test_a_study_that_the_archive_lacks_is_refused(an_archive: Archive, out: Path, tmp_path: Path) -> None:
    server, _ = an_archive
    before = everything_below(tmp_path)
    outcome = psma("analyse", "--dicomweb", server.root, "--study", "2.25.1", "--out", out)
    assert_refused(outcome, 3, "2.25.1")
    assert everything_below(tmp_path) == before


@pytest.mark.slow
@pytest.mark.parametrize("status", [401, 409])
def test_results_stay_whole_where_publishing_fails(an_archive: Archive, out: Path, status: int) -> None:
    server, study = an_archive
    server.fault = lambda request: Answer(status) if request.method == "POST" else None
    outcome = analyse(server.root, study, out, "--publish", "--json")
    assert_refused(outcome, 4, str(out))
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    names = {*results["files"].values(), "results.json", "job.json"}
    assert {path.name for path in out.iterdir()} == names
    assert [path.name for path in out.parent.iterdir()] == ["result"]


@pytest.mark.slow
def test_a_password_reaches_the_archive_and_nothing_else(an_archive: Archive, out: Path, tmp_path: Path) -> None:
    """W06: it is in no file while the worker runs, and in no log."""
    server, study = an_archive
    user, password = "reader@site", "s3cr:t/päss"
    seen_on_disk: list[str] = []

    def look(_request: Request) -> None:
        seen_on_disk.extend(path.read_text(encoding="utf-8") for path in tmp_path.rglob("job.json"))

    server.fault = look
    root = server.root.replace("http://", "http://reader%40site:s3cr%3At%2Fp%C3%A4ss@")
    outcome = analyse(root, study, out)
    assert outcome.code == 0, outcome.err
    basic = base64.b64encode(f"{user}:{password}".encode()).decode()
    assert {request.headers.get("Authorization") for request in server.requests} == {f"Basic {basic}"}
    assert seen_on_disk != []
    for text in (*seen_on_disk, outcome.out, outcome.err):
        assert "s3cr" not in text
        assert "reader" not in text


@pytest.mark.slow
def test_a_time_that_is_none_is_a_usage_error(an_archive: Archive, out: Path) -> None:
    server, study = an_archive
    assert_refused(analyse(server.root, study, out, PSMA_PACS_TIMEOUT_S="soon"), 2, "PSMA_PACS_TIMEOUT_S", "'soon'")
