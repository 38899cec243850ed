"""Faults of server and network: retried within bounds, then named; nothing half-written stays."""

from __future__ import annotations

import itertools
import logging
import socket
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest

from psmacore.errors import CancelledError, PacsAccessError, PacsConnectionError, PacsError, PacsTransferError
from psmacore.pacs.dicomweb import DicomWebPacs
from psmacore.pacs.query import StudyQuery
from psmacore.pacs.store import reason_in_words

from .conftest import QUICK, SimulatedStudy, files_under
from .fault_server import Answer, FaultServer, Request, multipart

MakeStudy = Callable[..., SimulatedStudy]


def is_retrieve(request: Request) -> bool:
    return request.method == "GET" and request.path.rsplit("/", 1)[1] not in ("studies", "series", "instances")


def is_whole_series(request: Request) -> bool:
    return is_retrieve(request) and "/instances/" not in request.path


@pytest.fixture
def served(fault_server: FaultServer, a_study: SimulatedStudy) -> SimulatedStudy:
    fault_server.serve(a_study.paths)
    return a_study


def test_without_a_fault_the_study_comes(faulty: DicomWebPacs, served: SimulatedStudy, tmp_path: Path) -> None:
    """The fault server itself is sound: what follows is due to the faults."""
    assert faulty.fetch_study(served.study_uid, tmp_path / "f").n_fetched == 10


def test_a_busy_server_is_asked_again(
    faulty: DicomWebPacs, fault_server: FaultServer, served: SimulatedStudy, tmp_path: Path
) -> None:
    count = itertools.count()
    fault_server.fault = lambda _request: Answer(503) if next(count) % 2 == 0 else None
    assert faulty.fetch_study(served.study_uid, tmp_path / "f").n_fetched == 10


def test_a_server_that_stays_busy_is_given_up_within_bounds(faulty: DicomWebPacs, fault_server: FaultServer) -> None:
    fault_server.fault = lambda _request: Answer(503, headers=(("Retry-After", "3600"),))
    with pytest.raises(PacsConnectionError, match="HTTP 503") as caught:
        list(faulty.search_studies(StudyQuery()))
    assert len(fault_server.requests) == QUICK.n_attempts
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_not_tried_again(
    faulty: DicomWebPacs, fault_server: FaultServer, served: SimulatedStudy, tmp_path: Path, status: int
) -> None:
    fault_server.fault = lambda _request: Answer(status)
    for call in (
        lambda: list(faulty.search_studies(StudyQuery())),
        lambda: faulty.fetch_study(served.study_uid, tmp_path / "f"),
        lambda: faulty.store(served.paths),
    ):
        before = len(fault_server.requests)
        with pytest.raises(PacsAccessError, match=str(status)):
            call()
        assert len(fault_server.requests) == before + 1
    assert files_under(tmp_path / "f") == []


def test_a_server_that_is_down_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    pacs = DicomWebPacs(f"http://127.0.0.1:{port}/dicom-web", policy=QUICK)
    with pytest.raises(PacsConnectionError, match=f"127.0.0.1:{port}: not reachable"):
        list(pacs.search_studies(StudyQuery(patient_id="SECRET")))


def test_a_server_that_hangs_is_given_up(faulty: DicomWebPacs, fault_server: FaultServer) -> None:
    def hang(_request: Request) -> None:
        fault_server.release.wait(20)

    fault_server.fault = hang
    with pytest.raises(PacsConnectionError):
        list(faulty.search_studies(StudyQuery()))


@pytest.mark.parametrize("cut", [1, 40, 300, 2000])
def test_an_answer_cut_without_a_word_is_never_taken_for_whole(
    faulty: DicomWebPacs, fault_server: FaultServer, served: SimulatedStudy, tmp_path: Path, cut: int
) -> None:
    """The length that the server tells is that of the cut body: only the missing delimiter gives it away."""
    bodies = [path.read_bytes() for path in served.paths[:5]]
    fault_server.fault = lambda request: multipart(bodies, cut=cut + 4) if is_retrieve(request) else None
    with pytest.raises(PacsError):
        faulty.fetch_study(served.study_uid, tmp_path / "f")
    assert all(name.endswith(".dcm") for name in files_under(tmp_path / "f"))
    whole = {path.stat().st_size for path in served.paths}
    assert {path.stat().st_size for path in (tmp_path / "f").rglob("*.dcm")} <= whole


def test_a_transfer_that_breaks_goes_on_where_it_stopped(
    faulty: DicomWebPacs, fault_server: FaultServer, make_study: MakeStudy, tmp_path: Path
) -> None:
    study = make_study(n_series=1, n_images=12, size=128)
    fault_server.serve(study.paths)

    def break_off(request: Request) -> Answer | None:
        if not is_whole_series(request):
            return None
        answer = fault_server.answer(request)
        size = study.paths[0].stat().st_size
        return Answer(200, answer.content_type, answer.body[: 9 * size], length=len(answer.body))

    fault_server.fault = break_off
    report = faulty.fetch_study(study.study_uid, tmp_path / "f")
    assert (report.n_instances, report.n_fetched) == (12, 12)
    singles = [request for request in fault_server.requests if "/instances/" in request.path]
    assert 4 <= len(singles) <= 6  # eight came whole, of which two lay in the last piece that broke


def test_a_half_sent_instance_leaves_nothing(
    faulty: DicomWebPacs, fault_server: FaultServer, make_study: MakeStudy, tmp_path: Path
) -> None:
    study = make_study(n_series=1, n_images=1)
    fault_server.serve(study.paths)
    half = study.paths[0].read_bytes()[:700]
    fault_server.fault = lambda request: multipart([half]) if is_retrieve(request) else None
    with pytest.raises(PacsTransferError, match="no whole DICOM file"):
        faulty.fetch_study(study.study_uid, tmp_path / "f")
    assert files_under(tmp_path / "f") == []


def test_another_instance_than_asked_for_is_refused(
    faulty: DicomWebPacs, fault_server: FaultServer, make_study: MakeStudy, tmp_path: Path
) -> None:
    ours, other = make_study(n_series=1, n_images=1), make_study(n_series=1, n_images=1)
    fault_server.serve(ours.paths)
    wrong = other.paths[0].read_bytes()
    fault_server.fault = lambda request: multipart([wrong]) if is_retrieve(request) else None
    with pytest.raises(PacsTransferError, match=f"asked for study {ours.study_uid} and sent {other.study_uid}"):
        faulty.fetch_study(ours.study_uid, tmp_path / "f")
    assert files_under(tmp_path / "f") == []


def test_a_series_that_comes_without_an_instance_is_completed(
    faulty: DicomWebPacs, fault_server: FaultServer, served: SimulatedStudy, tmp_path: Path
) -> None:
    def leave_out(request: Request) -> Answer | None:
        uid = request.path.split("/")[-1]
        mine = [path for path in served.paths if pydicom.dcmread(path).SeriesInstanceUID == uid]
        return multipart([path.read_bytes() for path in mine[1:]]) if is_whole_series(request) else None

    fault_server.fault = leave_out
    assert faulty.fetch_study(served.study_uid, tmp_path / "f").n_instances == 10
    assert len(files_under(tmp_path / "f")) == 10


def test_a_listed_instance_that_never_comes_is_an_error(
    faulty: DicomWebPacs, fault_server: FaultServer, served: SimulatedStudy, tmp_path: Path
) -> None:
    gone = served.paths[0].stem

    def hide(request: Request) -> Answer | None:
        if request.path.endswith(gone):
            return Answer(404)
        if is_whole_series(request):
            return multipart([])
        return None

    fault_server.fault = hide
    with pytest.raises(PacsTransferError, match="HTTP 404"):
        faulty.fetch_study(served.study_uid, tmp_path / "f")


def test_a_server_that_sends_no_whole_series_is_asked_for_instances(
    faulty: DicomWebPacs, fault_server: FaultServer, served: SimulatedStudy, tmp_path: Path
) -> None:
    fault_server.fault = lambda request: Answer(501) if is_whole_series(request) else None
    assert faulty.fetch_study(served.study_uid, tmp_path / "f").n_fetched == 10


def test_a_bare_instance_is_taken(
    faulty: DicomWebPacs, fault_server: FaultServer, make_study: MakeStudy, tmp_path: Path
) -> None:
    """Some servers send a single instance without the multipart that PS3.18 asks for."""
    study = make_study(n_series=1, n_images=1)
    fault_server.serve(study.paths)
    body = study.paths[0].read_bytes()
    fault_server.fault = lambda request: Answer(200, "application/dicom", body) if is_retrieve(request) else None
    assert faulty.fetch_study(study.study_uid, tmp_path / "f").n_fetched == 1


@pytest.mark.parametrize(
    "body", [b"<html>Sign in</html>", b"[1, 2]", b'"text"', b'[{"0020000D": 5}]', b"[{}]", b"\xff\xfe"]
)
def test_what_is_no_dicom_json_is_an_error(faulty: DicomWebPacs, fault_server: FaultServer, body: bytes) -> None:
    fault_server.fault = lambda _request: Answer(200, body=body)
    with pytest.raises(PacsTransferError):
        list(faulty.search_studies(StudyQuery()))


def test_a_uid_that_is_a_path_makes_no_file(faulty: DicomWebPacs, fault_server: FaultServer, tmp_path: Path) -> None:
    body = b'[{"0020000E": {"vr": "UI", "Value": ["../../evil"]}}]'
    fault_server.fault = lambda _request: Answer(200, body=body)
    with pytest.raises(PacsTransferError, match="evil"):
        faulty.fetch_study("2.25.1", tmp_path / "f")
    assert files_under(tmp_path) == []


def test_a_server_that_ignores_the_offset_does_not_loop(
    faulty: DicomWebPacs, fault_server: FaultServer, served: SimulatedStudy
) -> None:
    record = b'[{"0020000D": {"vr": "UI", "Value": ["%s"]}}]' % served.study_uid.encode()
    fault_server.fault = lambda _request: Answer(200, body=record)
    assert [study.study_uid for study in faulty.search_studies(StudyQuery())] == [served.study_uid]
    assert len(fault_server.requests) == 2


def test_studies_of_another_patient_are_left_out(faulty: DicomWebPacs, fault_server: FaultServer) -> None:
    """A server that drops the filter sends everybody."""
    fault_server.fault = lambda _request: Answer(
        200,
        body=b'[{"0020000D": {"vr": "UI", "Value": ["1.1"]}, "00100020": {"vr": "LO", "Value": ["A"]}},'
        b'{"0020000D": {"vr": "UI", "Value": ["1.2"]}, "00100020": {"vr": "LO", "Value": ["B"]}}]',
    )
    assert [study.study_uid for study in faulty.search_studies(StudyQuery(patient_id="B"))] == ["1.2"]


def test_a_wait_can_be_cancelled(faulty: DicomWebPacs, fault_server: FaultServer, tmp_path: Path) -> None:
    study = "2.25.1"
    listing = b'[{"0020000E": {"vr": "UI", "Value": ["1.5"]}, "00080018": {"vr": "UI", "Value": ["1.6"]}}]'
    fault_server.fault = lambda request: Answer(503) if is_retrieve(request) else Answer(200, body=listing)
    with pytest.raises(CancelledError):
        faulty.fetch_study(study, tmp_path, is_cancelled=lambda: any(map(is_retrieve, fault_server.requests)))


def test_no_log_and_no_error_tells_the_patient(
    faulty: DicomWebPacs, fault_server: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    """W07."""
    fault_server.fault = lambda _request: Answer(503)
    with caplog.at_level(logging.DEBUG), pytest.raises(PacsError) as caught:
        list(faulty.search_studies(StudyQuery(patient_id="SECRET")))
    assert "503" in caplog.text
    error: BaseException | None = caught.value
    while error is not None:
        assert "SECRET" not in str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    assert "SECRET" not in caplog.text


@pytest.mark.parametrize("n_failures", [1, 2])
def test_a_store_is_tried_again_where_the_line_breaks(
    faulty: DicomWebPacs, fault_server: FaultServer, a_study: SimulatedStudy, n_failures: int
) -> None:
    count = itertools.count()
    fault_server.fault = lambda _request: Answer(503) if next(count) < n_failures else None
    assert faulty.store(a_study.paths).n_accepted == 10


def store_answer(status: int, *, failed: dict[str, int], accepted: list[str]) -> Answer:
    """Answer to a store, PS3.18 10.5.3."""
    dataset = pydicom.Dataset()
    dataset.FailedSOPSequence = [_reference(uid, code) for uid, code in failed.items()]
    dataset.ReferencedSOPSequence = [_reference(uid, None) for uid in accepted]
    return Answer(status, body=dataset.to_json().encode())


def _reference(uid: str, code: int | None) -> pydicom.Dataset:
    item = pydicom.Dataset()
    item.ReferencedSOPInstanceUID = uid
    if code is not None:
        item.FailureReason = code
    return item


def test_a_partial_failure_names_the_instance_and_the_reason(
    faulty: DicomWebPacs, fault_server: FaultServer, a_study: SimulatedStudy
) -> None:
    bad, *good = (path.stem for path in a_study.paths)
    fault_server.fault = lambda _request: store_answer(202, failed={bad: 0x0122}, accepted=good)
    report = faulty.store(a_study.paths)
    (failed,) = report.failed
    assert (failed.sop_instance_uid, failed.reason_code) == (bad, 0x0122)
    assert "SOP class is not supported" in failed.reason
    assert report.n_accepted == 9
    assert len(fault_server.requests) == 1


def test_what_fails_for_the_moment_is_sent_once_more(
    faulty: DicomWebPacs, fault_server: FaultServer, a_study: SimulatedStudy
) -> None:
    bad, *good = (path.stem for path in a_study.paths)
    answers = iter(
        [store_answer(202, failed={bad: 0xA700}, accepted=good), store_answer(200, failed={}, accepted=[bad])]
    )
    fault_server.fault = lambda _request: next(answers)
    assert faulty.store(a_study.paths).failed == ()
    assert len(fault_server.requests) == 2


def test_an_instance_that_the_answer_leaves_out_is_a_failure(
    faulty: DicomWebPacs, fault_server: FaultServer, a_study: SimulatedStudy
) -> None:
    silent, *good = (path.stem for path in a_study.paths)
    fault_server.fault = lambda _request: store_answer(200, failed={}, accepted=good)
    assert [one.sop_instance_uid for one in faulty.store(a_study.paths).failed] == [silent]


def test_a_batch_refused_as_a_whole_is_split_until_the_culprit_is_found(
    faulty: DicomWebPacs, fault_server: FaultServer, a_study: SimulatedStudy
) -> None:
    bad = a_study.paths[6]
    fault_server.fault = lambda request: Answer(400, body=b"no") if bad.stem.encode() in request.body else None
    report = faulty.store(a_study.paths)
    assert [one.path for one in report.failed] == [bad]
    assert "HTTP 400" in report.failed[0].reason


def test_the_body_sent_is_the_files_as_they_are(
    faulty: DicomWebPacs, fault_server: FaultServer, a_study: SimulatedStudy
) -> None:
    faulty.store(a_study.paths)
    (request,) = fault_server.requests
    assert all(path.read_bytes() in request.body for path in a_study.paths)
    assert int(request.headers["Content-Length"]) == len(request.body)


def test_a_server_without_a_store_is_an_error(
    faulty: DicomWebPacs, fault_server: FaultServer, a_study: SimulatedStudy
) -> None:
    fault_server.fault = lambda _request: Answer(405)
    with pytest.raises(PacsTransferError, match="405"):
        faulty.store(a_study.paths)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        *((0xA700, "out of resources"), (0xA7FF, "out of resources"), (0xA901, "SOP class")),
        *((0xC012, "cannot understand"), (0xC122, "transfer syntax"), (0x0111, "stored already")),
        (0x0BAD, "unknown reason (0BADH)"),
    ],
)
def test_a_reason_code_is_said_in_words(code: int, words: str) -> None:
    """DICOM PS3.18 Table I.2-2."""
    assert words in reason_in_words(code)


def test_a_failing_disk_behind_the_network_is_not_lost(
    faulty: DicomWebPacs, fault_server: FaultServer, make_study: MakeStudy, tmp_path: Path
) -> None:
    """Files are published in other threads; what fails there is raised here."""
    study = make_study(n_series=1, n_images=6)
    fault_server.serve(study.paths)
    series = faulty.list_series(study.study_uid)[0].series_uid
    blocked = tmp_path / "f" / series / f"{study.paths[2].stem}.dcm"
    blocked.mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        faulty.fetch_study(study.study_uid, tmp_path / "f")
    whole = {path.name for path in study.paths if path != study.paths[2]}
    assert set(files_under(tmp_path / "f")) <= whole  # nothing half-written; the rest may not have come yet
