"""Credentials reach the server, and nothing else (W06, W13)."""

from __future__ import annotations

import base64
import http.server
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from psmacore.errors import PacsConnectionError, UsageError
from psmacore.pacs.dicomweb import DicomWebPacs
from psmacore.pacs.query import StudyQuery
from psmacore.pacs.session import make_session, without_credentials

from .conftest import QUICK
from .fault_server import FaultServer


def authorization_seen(server: FaultServer, pacs: DicomWebPacs) -> str:
    list(pacs.search_studies(StudyQuery()))
    return server.requests[-1].headers.get("Authorization", "")


def test_basic_credentials_are_sent(fault_server: FaultServer) -> None:
    session = make_session(fault_server.root, user="reader", password="ü:s3cret")
    sent = authorization_seen(fault_server, DicomWebPacs(fault_server.root, session=session))
    assert base64.b64decode(sent.removeprefix("Basic ")).decode() == "reader:ü:s3cret"


def test_credentials_in_the_address_are_sent_and_not_kept_in_it(fault_server: FaultServer) -> None:
    url = fault_server.root.replace("http://", "http://reader:p%40ss@")
    pacs = DicomWebPacs(url)
    assert "p" not in pacs.root.split("//")[1].split(":")[0]
    assert base64.b64decode(authorization_seen(fault_server, pacs).removeprefix("Basic ")) == b"reader:p@ss"


def test_a_token_is_asked_for_anew_with_every_request(fault_server: FaultServer) -> None:
    tokens = iter(["first", "second", "third", "fourth"])
    session = make_session(fault_server.root, token=lambda: next(tokens))
    pacs = DicomWebPacs(fault_server.root, session=session)
    assert authorization_seen(fault_server, pacs) == "Bearer first"
    assert authorization_seen(fault_server, pacs) == "Bearer second"


def test_a_netrc_file_does_not_replace_the_token(
    fault_server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login someone password else")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    session = make_session(fault_server.root, token="mine")
    assert authorization_seen(fault_server, DicomWebPacs(fault_server.root, session=session)) == "Bearer mine"


def test_a_proxy_is_not_asked_for_this_machine(fault_server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert list(DicomWebPacs(fault_server.root, policy=QUICK).search_studies(StudyQuery())) == []


def test_the_host_header_has_the_port(fault_server: FaultServer) -> None:
    """Without it Orthanc writes wrong URLs."""
    list(DicomWebPacs(fault_server.root).search_studies(StudyQuery()))
    assert fault_server.requests[-1].headers["Host"] == f"127.0.0.1:{fault_server.server_port}"


def test_both_kinds_of_credentials_at_once_are_refused() -> None:
    with pytest.raises(UsageError, match="not both"):
        make_session("http://a", user="u", token="t")


def test_a_missing_certificate_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        make_session("https://a", ca_file=tmp_path / "ca.pem")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@pacs.example.org:8443/dicom-web/", "https://pacs.example.org:8443/dicom-web"),
        ("http://[::1]:80/d?token=x", "http://[::1]:80/d"),
    ],
)
def test_an_address_is_shown_without_secrets(url: str, shown: str) -> None:
    assert without_credentials(url) == shown


@pytest.mark.parametrize("url", ["", "pacs", "ftp://a/b", "file:///etc/passwd", "http://", "http://a:b/"])
def test_what_is_no_http_address_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        DicomWebPacs(url)


@pytest.fixture
def a_hospital_ca(tmp_path: Path) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key, PEM."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    key, certificate = tmp_path / "key.pem", tmp_path / "ca.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return certificate


class _EmptyList(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def a_tls_server(a_hospital_ca: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(a_hospital_ca, a_hospital_ca.with_name("key.pem"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _EmptyList)
    server.handle_error = lambda *_: None  # the refused handshake below
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}/dicom-web"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_private_authority_is_trusted_when_named(a_tls_server: str, a_hospital_ca: Path) -> None:
    pacs = DicomWebPacs(a_tls_server, session=make_session(a_tls_server, ca_file=a_hospital_ca), policy=QUICK)
    assert list(pacs.search_studies(StudyQuery())) == []


def test_an_unknown_authority_is_not_trusted(a_tls_server: str) -> None:
    with pytest.raises(PacsConnectionError, match="certificate is not trusted"):
        list(DicomWebPacs(a_tls_server, policy=QUICK).search_studies(StudyQuery()))
