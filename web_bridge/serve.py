"""A store folder to a running server on the loopback interface."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from traceback import extract_tb
from types import FrameType

import uvicorn

from web_bridge.app import build_app
from web_bridge.errors import BridgeError, ViewerUnavailableError
from web_bridge.routes.common import DICOMWEB_ROOT
from web_bridge.store import Archive
from web_bridge.viewer import Viewer, fetch_viewer, installed_viewer

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
_GRACE_S = 1
_FETCHING = (
    "The OHIF viewer is being fetched from npm (about 48 MB, once). Reload this page in a minute. "
    "Study list, reports and captures work already."
)


@dataclass(frozen=True)
class ServeOptions:
    """What ``python -m web_bridge serve`` was asked for.

    Parameters
    ----------
    store : Path
        Folder of the archive.
    port : int
        0 for a free one.
    viewer : str
        ``auto`` (fetch if absent), ``none``, or a folder with OHIF's ``index.html``.
    exit_with_parent : bool
        End when standard input closes.
    """

    store: Path
    port: int
    viewer: str
    exit_with_parent: bool


class NoValues(logging.Filter):
    """Keeps of an unexpected exception its type and place: its words may quote a data set."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record in place; keep it."""
        if record.exc_info and record.exc_info[0] is not None:
            kind, _, trace = record.exc_info
            places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in extract_tb(trace)[:-6:-1])
            record.msg, record.args = f"unexpected {kind.__name__} at {places}", ()
            record.exc_info = record.exc_text = None
        return True


class _Server(uvicorn.Server):
    """Announces itself when it answers, and takes a signal as a request to end well."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            self._announce()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End with exit code 0 after SIGTERM and SIGINT, where uvicorn would raise the signal again."""
        previous = {number: signal.signal(number, self._end) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self.should_exit = True


def serve(options: ServeOptions) -> None:
    """Serve until SIGTERM or SIGINT; the first line of standard output is JSON ``{url, dicomweb_root, port}``.

    Raises
    ------
    StoreLockedError
        If another process serves the folder.
    BridgeError
        If the port is taken, or the viewer's folder holds none.
    """
    viewer = _viewer(options.viewer)
    archive = Archive(options.store)
    stop = threading.Event()
    fetcher: threading.Thread | None = None
    try:
        with _listen(options.port) as listener:
            server = _server(archive, viewer, listener)
            if options.exit_with_parent:
                threading.Thread(target=_end_with_stdin, args=(server,), name="parent watch", daemon=True).start()
            if options.viewer == "auto" and viewer.root is None:
                fetcher = threading.Thread(target=_fetch, args=(viewer, server, stop), name="viewer fetch")
                fetcher.start()
            server.run(sockets=[listener])
    finally:
        stop.set()
        if fetcher is not None:
            fetcher.join()
        archive.close()


def _viewer(wish: str) -> Viewer:
    if wish == "none":
        return Viewer()
    root = installed_viewer() if wish == "auto" else Path(wish)
    viewer = Viewer(None, _FETCHING)
    if root is not None:
        if not (root / "index.html").is_file():
            raise BridgeError(f"--viewer {wish}: the folder holds no index.html")
        viewer.ready(root)
    return viewer


def _listen(port: int) -> socket.socket:
    # With the protocol named, asyncio sets TCP_NODELAY; else a small answer waits 40 ms for an acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise BridgeError(f"port {port} cannot be used: {error.strerror}; choose another with --port") from error
    return listener


def _server(archive: Archive, viewer: Viewer, listener: socket.socket) -> _Server:
    port = int(listener.getsockname()[1])
    url = f"http://{HOST}:{port}"

    def announce() -> None:
        line = json.dumps({"url": url, "dicomweb_root": f"{url}{DICOMWEB_ROOT}", "port": port})
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    config = uvicorn.Config(
        build_app(archive, viewer),
        access_log=False,  # addresses may carry names and patient IDs
        log_config=None,
        log_level="warning",
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
        timeout_keep_alive=30,
    )
    logging.getLogger("uvicorn.error").addFilter(NoValues())
    return _Server(config, announce)


def _end_with_stdin(server: _Server) -> None:
    """Wait for the end of standard input, which comes when the parent ends, however it ends.

    The descriptor is read directly: a thread inside ``sys.stdin`` holds its lock, and the interpreter aborts
    when it ends meanwhile.
    """
    while os.read(0, 4096):
        pass
    server.should_exit = True


def _fetch(viewer: Viewer, server: _Server, stop: threading.Event) -> None:
    while not server.started:  # the address is announced first
        if stop.wait(0.05):
            return
    try:
        viewer.ready(fetch_viewer(stop=stop))
    except (ViewerUnavailableError, OSError) as error:
        reason = str(error) if isinstance(error, ViewerUnavailableError) else "the disk refused the viewer's files"
        viewer.waiting(reason)
        if not stop.is_set():
            logger.warning("no viewer: %s", reason)
