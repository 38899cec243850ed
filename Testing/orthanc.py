"""A real Orthanc with its DICOMweb plugin, seen from this machine alone.

Orthanc 1.10.1 ignores ``HttpBindAddresses`` and listens on every address. So it runs in a network
namespace of its own that holds nothing but a loopback device, and a relay in this process, which
listens on 127.0.0.1, carries connections into it: a socket belongs to the namespace that its thread
is in when it is made. The namespace has no name and goes with Orthanc; Orthanc goes with this process.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
_CLONE_NEWNET = 0x40000000
_START_S = 60.0
_STOP_S = 20.0
_PIECE_BYTES = 1024 * 1024


def why_not() -> str:
    """Return why Orthanc cannot run here, in words, or nothing where it can."""
    if not sys.platform.startswith("linux"):
        return "Orthanc runs in a network namespace, which only Linux has"
    missing = [name for name in ("Orthanc", "unshare", "setpriv", "ip") if shutil.which(name) is None]
    if missing:
        return f"not installed: {', '.join(missing)} (Debian: orthanc, util-linux, iproute2)"
    if not PLUGIN.exists():
        return "Orthanc's DICOMweb plugin is not installed (Debian: orthanc-dicomweb)"
    if subprocess.run(["unshare", "--net", "true"], check=False, capture_output=True).returncode != 0:
        return "this user may not make a network namespace; run as root"
    return ""


@contextlib.contextmanager
def running_orthanc(folder: Path) -> Iterator[str]:
    """Run Orthanc with an empty archive in ``folder`` and yield its DICOMweb root."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    with contextlib.ExitStack() as stack:
        stack.callback(listener.close)
        log = stack.enter_context((folder / "orthanc.log").open("wb"))
        process = _start(folder, port, log.fileno())
        stack.callback(_stop, process)
        namespace = _namespace_of(process)
        stack.callback(os.close, namespace)
        threading.Thread(target=_relay, args=(listener, namespace, port), daemon=True).start()
        _wait_until_it_answers(process, port, folder / "orthanc.log")
        yield f"http://127.0.0.1:{port}/dicom-web"


def _configuration(folder: Path, port: int) -> dict[str, object]:
    return {
        "Name": "test",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "Plugins": [str(PLUGIN)],
        "HttpPort": port,  # the same inside and outside, so that the URLs that Orthanc writes are right
        "DicomServerEnabled": False,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "HttpCompressionEnabled": False,  # it would gzip pixel data
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": False},
    }


def _start(folder: Path, port: int, log: int) -> subprocess.Popen[bytes]:
    path = folder / "orthanc.json"
    path.write_text(json.dumps(_configuration(folder, port)), encoding="utf-8")
    inside = 'ip link set lo up && exec Orthanc "$0"'
    argv = ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "sh", "-c", inside, str(path)]
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _namespace_of(process: subprocess.Popen[bytes]) -> int:
    """Return a descriptor of the namespace that the process has made for itself."""
    own = os.readlink("/proc/self/ns/net")
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        path = f"/proc/{process.pid}/ns/net"
        with contextlib.suppress(OSError):
            if os.readlink(path) != own:
                return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        time.sleep(0.01)
    raise RuntimeError("Orthanc did not enter a network namespace")


def _wait_until_it_answers(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            with opener.open(f"http://127.0.0.1:{port}/dicom-web/studies?limit=1", timeout=5) as answer:
                answer.read()
            return
        time.sleep(0.1)
    raise RuntimeError(f"Orthanc did not start:\n{log.read_text(errors='replace')[-2000:]}")


def _relay(listener: socket.socket, namespace: int, port: int) -> None:
    with contextlib.suppress(OSError):  # closed: the end
        while True:
            outer, _ = listener.accept()
            threading.Thread(target=_carry, args=(outer, namespace, port), daemon=True).start()


def _carry(outer: socket.socket, namespace: int, port: int) -> None:
    """Carry one connection into the namespace, in a thread that is given to it for good."""
    with outer, contextlib.suppress(OSError):
        if ctypes.CDLL(None, use_errno=True).setns(namespace, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        with socket.create_connection(("127.0.0.1", port)) as inner:
            back = threading.Thread(target=_pump, args=(inner, outer), daemon=True)
            back.start()
            _pump(outer, inner)
            back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(_PIECE_BYTES):
            sink.sendall(piece)
    for end, how in ((sink, socket.SHUT_WR), (source, socket.SHUT_RD)):
        with contextlib.suppress(OSError):
            end.shutdown(how)
