"""The server as a process: announces itself, ends well, leaves nothing."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from Testing.web.client import multipart_body, stow_headers
from Testing.web.conftest import child_environment, running_bridge
from Testing.web.synthetic import StudyIdentity, encoded, small_instance
from web_bridge.__main__ import main
from web_bridge.serve import NoValues, _listen

posix_only = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@pytest.fixture
def a_store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def test_first_line_is_the_address_and_it_answers(a_bridge):
    assert a_bridge.url == f"http://127.0.0.1:{a_bridge.port}"
    assert a_bridge.dicomweb_root == f"{a_bridge.url}/dicom-web"
    assert httpx.get(f"{a_bridge.dicomweb_root}/studies").status_code in (200, 204)


def test_only_the_loopback_interface_listens(a_bridge):
    listening = Path("/proc/net/tcp")
    if not listening.exists():
        pytest.skip("needs Linux's list of sockets")
    rows = [line.split()[1] for line in listening.read_text().splitlines()[1:] if line.split()[3] == "0A"]
    addresses = [row.split(":")[0] for row in rows if int(row.split(":")[1], 16) == a_bridge.port]
    assert addresses == ["0100007F"]


def test_small_answers_are_not_held_back():
    """asyncio sets TCP_NODELAY only where the listener names its protocol; else each waits 40 ms."""
    with _listen(0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


@posix_only
@pytest.mark.parametrize(("number", "options"), [(signal.SIGTERM, ["--exit-with-parent"]), (signal.SIGINT, [])])
def test_signal_ends_it_well_and_soon(a_store, tmp_path, number, options):
    with (
        running_bridge(a_store, "--viewer", "none", *options, log=tmp_path / "log") as bridge,
        httpx.Client(base_url=bridge.url) as client,
    ):
        client.get("/psma/studies")  # a connection that is kept alive
        bridge.process.send_signal(number)
        assert bridge.process.wait(timeout=10) == 0
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log
    assert "Fatal" not in log
    assert not (a_store / "index.sqlite-wal").exists()


def test_it_ends_with_its_parent(a_store, tmp_path):
    with running_bridge(a_store, "--viewer", "none", "--exit-with-parent", log=tmp_path / "log") as bridge:
        bridge.process.stdin.close()
        assert bridge.process.wait(timeout=5) == 0


@pytest.mark.slow
@posix_only
def test_killed_parent_leaves_no_child(a_store, tmp_path):
    script = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-m', 'web_bridge', 'serve', '--store', sys.argv[1], '--viewer',"
        " 'none', '--exit-with-parent'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "print(child.pid, child.stdout.readline().decode(), flush=True)\n"
        "import time; time.sleep(60)\n"
    )
    command = [sys.executable, "-c", script, str(a_store)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=child_environment()) as parent:
        pid = int(parent.stdout.readline().split()[0])
        parent.kill()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and _is_running(pid):
        time.sleep(0.1)
    assert not _is_running(pid)


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.fixture
def run_here(capsys):
    """Run the command in this process and return exit code, standard output and standard error."""
    logger = logging.getLogger("pydicom")
    level = logger.level

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            code = main(["serve", *arguments])
        except SystemExit as end:
            code = int(end.code)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    yield run
    logger.setLevel(level)


def test_second_server_on_one_folder_is_refused(a_bridge, run_here):
    code, out, err = run_here("--store", str(a_bridge.store), "--viewer", "none")
    assert (code, out) == (2, "")
    assert f"already served by another process (process id {a_bridge.process.pid})" in err


def test_taken_port_is_told(a_bridge, a_store, run_here):
    code, out, err = run_here("--store", str(a_store), "--viewer", "none", "--port", str(a_bridge.port))
    assert (code, out) == (1, "")
    assert f"port {a_bridge.port} cannot be used" in err


def test_folder_without_viewer_is_told(a_store, tmp_path, run_here):
    code, _, err = run_here("--store", str(a_store), "--viewer", str(tmp_path))
    assert code == 1
    assert "no index.html" in err


@pytest.mark.parametrize("arguments", [["--port", "99999"], ["--no-such-option"]])
def test_wrong_usage_is_exit_code_2(arguments, run_here):
    assert run_here(*arguments)[0] == 2


def test_unexpected_exception_is_logged_without_its_words(caplog):
    """An exception of a DICOM reader may quote a name."""
    logger = logging.getLogger("test of unexpected exceptions")
    hide = NoValues()
    logger.addFilter(hide)
    try:
        int("Simulated^Patient")
    except ValueError:
        logger.exception("Exception in ASGI application")
    finally:
        logger.removeFilter(hide)
    assert "unexpected ValueError at test_serve.py:" in caplog.text
    assert "Simulated" not in caplog.text


@posix_only
def test_address_is_announced_before_the_viewer_is_there(a_store, tmp_path, monkeypatch):
    """A slow npm neither delays the first line nor outlives the server."""
    folder = tmp_path / "bin"
    folder.mkdir()
    npm = folder / "npm"
    npm.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/npm.pid\nexec sleep 60\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with running_bridge(a_store, log=tmp_path / "log") as bridge:
        answer = httpx.get(f"{bridge.url}/viewer")
        assert answer.status_code == 503
        assert "is being fetched from npm" in answer.text
        deadline = time.monotonic() + 5
        while not (tmp_path / "npm.pid").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        bridge.process.terminate()
        assert bridge.process.wait(timeout=10) == 0
    assert not _is_running(int((tmp_path / "npm.pid").read_text()))


def test_client_that_goes_away_half_way_leaves_nothing(a_store, tmp_path):
    images = [small_instance(StudyIdentity("2.25.1"), series_uid="2.25.2", number=n) for n in range(3)]
    body = multipart_body(encoded(image) for image in images)
    with running_bridge(a_store, "--viewer", "none", log=tmp_path / "log") as bridge:
        with socket.create_connection(("127.0.0.1", bridge.port)) as connection:
            head = f"POST /dicom-web/studies HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
            head += "".join(f"{name}: {value}\r\n" for name, value in stow_headers().items())
            connection.sendall(head.encode() + b"\r\n" + body[: len(body) // 2])
            time.sleep(0.3)
        deadline = time.monotonic() + 5
        while list((a_store / "incoming").iterdir()) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert list((a_store / "incoming").iterdir()) == []
        assert httpx.get(f"{bridge.dicomweb_root}/studies").status_code == 204
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log


@pytest.mark.slow
def test_request_of_many_megabytes_is_not_held_in_memory(a_store, tmp_path):
    """256 MB in one part: the process stays far below that."""
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("needs Linux's account of memory")
    image = small_instance(StudyIdentity("2.25.1"), series_uid="2.25.2")
    image.Rows, image.Columns, image.NumberOfFrames = 1024, 1024, 64
    image.PixelData = b""
    head = encoded(image)[:-12]
    n_bytes = 1024 * 1024 * 64 * 2
    begin, _, end = multipart_body([b"@"]).partition(b"@")

    def body():
        yield begin + head + b"\xe0\x7f\x10\x00OW\x00\x00" + n_bytes.to_bytes(4, "little")
        for _ in range(n_bytes // (1 << 20)):
            yield bytes(1 << 20)
        yield end

    with running_bridge(a_store, "--viewer", "none", log=tmp_path / "log") as bridge:
        answer = httpx.post(f"{bridge.dicomweb_root}/studies", content=body(), headers=stow_headers(), timeout=60)
        assert answer.status_code == 200, answer.text
        text = Path(f"/proc/{bridge.process.pid}/status").read_text()
        peak_kb = int(next(line.split()[1] for line in text.splitlines() if line.startswith("VmHWM")))
    assert json.loads(answer.content)["00081199"]
    assert peak_kb < 200_000
