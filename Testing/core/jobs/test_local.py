"""A worker is a real process here: it succeeds, refuses, crashes, hangs and is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from psmacore import errors
from psmacore.jobs.events import Cancelled, Event, Failed, Log, Progress, Result, Started
from psmacore.jobs.job import Job, write_job
from psmacore.jobs.local import run_local

MakeWorker = Callable[[str], list[str]]
Leftovers = Callable[[], list[str]]

_SLEEP_AND_TELL_PID = """
    (Path(__file__).parent / "pid").write_text(str(os.getpid()))
    events.progress("sleep", 0.5)
    time.sleep(60)
"""


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(is_so: Callable[[], bool], seconds: float = 8.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_so():
            return True
        time.sleep(0.02)
    return False


def test_a_result_comes_back_and_the_folder_is_whole(a_job: Job, a_worker: MakeWorker, leftovers: Leftovers) -> None:
    command = a_worker("""
        events.progress("count", 0.5)
        (folder / "results.json").write_text(job.parameters["device"])
        return {"n": 3, "kind": job.kind}
    """)
    events: list[Event] = []
    assert run_local(a_job, on_event=events.append, command=command) == {"n": 3, "kind": "analyse"}
    assert events == [
        Started(a_job.job),
        Progress(a_job.job, "count", 0.5),
        Result(a_job.job, {"n": 3, "kind": "analyse"}),
    ]
    assert (a_job.out / "results.json").read_text() == "cpu"
    assert leftovers() == []


def test_what_libraries_print_does_not_disturb_the_events(
    a_job: Job, a_worker: MakeWorker, caplog: pytest.LogCaptureFixture
) -> None:
    command = a_worker("""
        print('{"event": "failed", "exit_code": 3, "message": "a library\\'s own words"}')
        os.system("echo from a child process")
        sys.stderr.write("to standard error\\n")
        return {}
    """)
    with caplog.at_level("INFO"):
        assert run_local(a_job, command=command) == {}
    assert "from a child process" in caplog.text
    assert "to standard error" in caplog.text


def test_a_worker_that_writes_plain_lines_is_logged(a_job: Job, tmp_path: Path) -> None:
    script = tmp_path / "plain.py"
    script.write_text("""print("hello"); print('{"event": "result", "result": {"a": 1}}')""")
    events: list[Event] = []
    assert run_local(a_job, on_event=events.append, command=[sys.executable, str(script)]) == {"a": 1}
    assert Log(a_job.job, "hello") in events


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        ("UsageError('words')", errors.UsageError),
        ("DicomInputError('words')", errors.InputRefusedError),
        ("PacsTransferError('words')", errors.PacsError),
        ("ModelUnfitError('words')", errors.ModelError),
    ],
)
def test_a_failure_keeps_its_exit_code_and_words(
    a_job: Job, a_worker: MakeWorker, leftovers: Leftovers, raised: str, expected: type[errors.PsmaError]
) -> None:
    events: list[Event] = []
    with pytest.raises(expected, match="words") as caught:
        run_local(a_job, on_event=events.append, command=a_worker(f"raise {raised}"))
    failed = events[-1]
    assert isinstance(failed, Failed)
    assert failed.exit_code == caught.value.exit_code
    assert not a_job.out.exists()
    assert leftovers() == []


def test_an_unexpected_error_has_exit_code_1_and_its_class(a_job: Job, a_worker: MakeWorker) -> None:
    with pytest.raises(errors.PsmaError, match="ZeroDivisionError") as caught:
        run_local(a_job, command=a_worker("1 / 0"))
    assert caught.value.exit_code == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise OSError(errno.ENOSPC, 'No space left on device', 'half.dcm')", "cannot be written: No space left"),
        (
            """
            try:
                raise OSError(errno.ENOSPC, "No space left on device")
            except OSError as error:
                raise RuntimeError("while writing") from error
            """,
            "cannot be written: No space left",
        ),
        ("raise ValueError('first line\\nTraceback (most recent call last):')", "^ValueError: first line$"),
    ],
)
def test_an_unexpected_error_is_told_in_one_line(
    a_job: Job, a_worker: MakeWorker, leftovers: Leftovers, body: str, words: str
) -> None:
    command = a_worker("import errno\n" + textwrap.dedent(body))
    with pytest.raises(errors.PsmaError, match=words) as caught:
        run_local(a_job, command=command)
    assert "\n" not in str(caught.value)
    assert leftovers() == []


def test_a_killed_worker_is_named_with_its_signal(a_job: Job, a_worker: MakeWorker, leftovers: Leftovers) -> None:
    command = a_worker("""
        (folder / "half").write_text("half")
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    events: list[Event] = []
    with pytest.raises(errors.PsmaError, match=r"signal 9 \(SIGKILL\)"):
        run_local(a_job, on_event=events.append, command=command)
    assert isinstance(events[-1], Failed)
    assert not a_job.out.exists()
    assert leftovers() == []


def test_the_last_words_of_a_worker_that_breaks_off_are_quoted(a_job: Job) -> None:
    command = [sys.executable, "-c", "import a_package_that_is_not_there"]
    with pytest.raises(errors.PsmaError, match="it said: ModuleNotFoundError: No module named 'a_package_that"):
        run_local(a_job, command=command)


def test_a_worker_without_a_result_is_no_success(a_job: Job) -> None:
    with pytest.raises(errors.PsmaError, match="without a result"):
        run_local(a_job, command=[sys.executable, "-c", "pass"])


def test_a_worker_that_cannot_start_is_an_error(a_job: Job, leftovers: Leftovers) -> None:
    with pytest.raises(errors.PsmaError, match="could not be started"):
        run_local(a_job, command=["/no/such/program"])
    assert leftovers() == []


def test_cancel_ends_the_worker_and_leaves_nothing(
    a_job: Job, a_worker: MakeWorker, leftovers: Leftovers, tmp_path: Path
) -> None:
    cancelled = threading.Event()

    def on_event(event: Event) -> None:
        events.append(event)
        if isinstance(event, Progress):
            cancelled.set()

    events: list[Event] = []
    before = time.monotonic()
    with pytest.raises(errors.CancelledError):
        run_local(a_job, on_event=on_event, is_cancelled=cancelled.is_set, command=a_worker(_SLEEP_AND_TELL_PID))
    assert time.monotonic() - before < 5
    assert events[-1] == Cancelled(a_job.job)
    assert not is_alive(int((tmp_path / "pid").read_text()))
    assert not a_job.out.exists()
    assert leftovers() == []


def test_a_worker_that_will_not_end_is_killed_after_the_grace(
    a_job: Job, a_worker: MakeWorker, tmp_path: Path, leftovers: Leftovers
) -> None:
    command = a_worker("signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + _SLEEP_AND_TELL_PID.replace("\n    ", "\n"))
    with pytest.raises(errors.CancelledError):
        run_local(a_job, is_cancelled=(tmp_path / "pid").exists, command=command, grace_s=0.3)
    assert not is_alive(int((tmp_path / "pid").read_text()))
    assert leftovers() == []


_LAUNCHER = """
import sys
from pathlib import Path
from psmacore.errors import CancelledError
from psmacore.jobs.job import Job
from psmacore.jobs.local import run_local
from psmacore.jobs.signals import cancel_on_signals
job = Job.from_json(Path(sys.argv[1]).read_text())
try:
    with cancel_on_signals() as is_cancelled:
        run_local(job, is_cancelled=is_cancelled, command=sys.argv[2:])
except CancelledError as error:
    sys.exit(error.exit_code)
"""


@pytest.fixture
def a_launcher(a_job: Job, a_worker: MakeWorker, tmp_path: Path) -> subprocess.Popen[bytes]:
    """A command's process with a sleeping worker under it."""
    (tmp_path / "job.json").write_text(a_job.to_json())
    argv = [sys.executable, "-c", _LAUNCHER, str(tmp_path / "job.json"), *a_worker(_SLEEP_AND_TELL_PID)]
    path = ":".join(path for path in sys.path if path)
    process = subprocess.Popen(argv, env={**os.environ, "PYTHONPATH": path})
    assert wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_command_ends_the_worker_and_cleans(
    a_launcher: subprocess.Popen[bytes], tmp_path: Path, leftovers: Leftovers, number: int
) -> None:
    a_launcher.send_signal(number)
    assert a_launcher.wait(10) == 130
    assert not is_alive(int((tmp_path / "pid").read_text()))
    assert leftovers() == []


def test_a_worker_does_not_outlive_a_killed_command(
    a_launcher: subprocess.Popen[bytes], tmp_path: Path, leftovers: Leftovers
) -> None:
    a_launcher.kill()
    a_launcher.wait()
    pid = int((tmp_path / "pid").read_text())
    assert wait_until(lambda: not is_alive(pid))
    assert wait_until(lambda: leftovers() == [])


def test_a_worker_that_someone_else_ends_counts_as_cancelled(
    a_job: Job, a_worker: MakeWorker, leftovers: Leftovers
) -> None:
    events: list[Event] = []
    command = a_worker("os.kill(os.getpid(), signal.SIGTERM); time.sleep(5)")
    with pytest.raises(errors.CancelledError):
        run_local(a_job, on_event=events.append, command=command)
    assert events[-1] == Cancelled(a_job.job)
    assert leftovers() == []


def test_what_a_worker_started_ends_with_it(a_job: Job, a_worker: MakeWorker, tmp_path: Path) -> None:
    command = a_worker("""
        import subprocess
        child = subprocess.Popen(["sleep", "60"])
        (Path(__file__).parent / "pid").write_text(str(child.pid))
        return {}
    """)
    before = time.monotonic()
    run_local(a_job, command=command)
    assert time.monotonic() - before < 10
    assert wait_until(lambda: not is_alive(int((tmp_path / "pid").read_text())))


def test_output_held_open_by_a_stray_process_does_not_hang(a_job: Job, tmp_path: Path) -> None:
    script = tmp_path / "plain.py"
    script.write_text("""
import subprocess
subprocess.Popen(["sleep", "60"])
print('{"event": "result", "result": {}}')
""")
    before = time.monotonic()
    assert run_local(a_job, command=[sys.executable, str(script)]) == {}
    assert time.monotonic() - before < 10


def test_a_worker_without_a_launcher_keeps_its_folder(a_job: Job, a_worker: MakeWorker, tmp_path: Path) -> None:
    """A scheduler starts it with no input: that must not be taken for a launcher's death."""
    folder = tmp_path / "result.partial-x"
    folder.mkdir()
    write_job(a_job, folder)
    command = [*a_worker('time.sleep(0.3); (folder / "done").touch(); return {}'), str(folder)]
    path = ":".join(path for path in sys.path if path)
    subprocess.run(
        command, stdin=subprocess.DEVNULL, check=True, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path}
    )
    assert (folder / "done").is_file()
