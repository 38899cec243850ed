"""The viewer's files: fetched with npm, served with the right types, never outside their folder."""

import json
import os
import re
import shutil
import stat
import tarfile
import threading

import pytest

from Testing.web.client import InProcess
from web_bridge.app import build_app
from web_bridge.errors import ViewerUnavailableError
from web_bridge.viewer import Viewer, fetch_viewer, installed_viewer
from web_bridge.viewer.config import app_config
from web_bridge.viewer.fetch import OHIF_VERSION, find_npm


@pytest.fixture
def a_viewer_folder(tmp_path):
    folder = tmp_path / "viewer"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<html>index of the viewer</html>")
    (folder / "0ddf166f7a343eda.wasm").write_bytes(b"\0asm")
    (folder / "app.bundle.0f6159c501addfe9.js").write_text("run()")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


@pytest.fixture
def a_client(an_archive, a_viewer_folder):
    viewer = Viewer()
    viewer.ready(a_viewer_folder)
    return InProcess(build_app(an_archive, viewer))


@pytest.mark.parametrize(
    "path", ["/viewer", "/viewer?StudyInstanceUIDs=1.2", "/segmentation", "/tmtv", "/callback", "/?mrn=SIM-1"]
)
def test_routes_inside_the_viewer_give_its_index(a_client, path):
    answer = a_client.get(path)
    assert "index of the viewer" in answer.text
    assert answer.headers["cache-control"] == "no-cache"


def test_web_assembly_has_its_type_and_hashed_names_are_kept_for_good(a_client):
    answer = a_client.get("/0ddf166f7a343eda.wasm")
    assert answer.headers["content-type"] == "application/wasm"
    assert "immutable" in answer.headers["cache-control"]
    assert "immutable" in a_client.get("/app.bundle.0f6159c501addfe9.js").headers["cache-control"]


def test_unchanged_file_is_not_sent_again(a_client):
    etag = a_client.get("/viewer").headers["etag"]
    assert a_client.get("/viewer", headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize("path", ["/..%2fsecret.txt", "/assets/..%2f..%2fsecret.txt", "/%2e%2e/secret.txt"])
def test_files_beside_the_viewer_are_not_served(a_client, path):
    answer = a_client.get(path)
    assert "secret" not in answer.text


def test_missing_file_of_the_viewer_is_404_not_its_index(a_client):
    assert a_client.get("/missing.js").status_code == 404


def test_configuration_names_this_archive_and_no_other_host():
    text = app_config("/dicom-web")
    assert "window.location.origin" in text
    assert "http" not in re.sub(r"httpErrorHandler", "", text)
    config = json.loads(text[text.index("{") : text.index(";\n(function")])
    assert config["disableConfirmationPrompts"] is True
    source = config["dataSources"][0]["configuration"]
    assert "pdf" not in source["singlepart"]
    assert source["omitQuotationForMultipartRequest"] is True
    handlers = config["modesConfiguration"]["@ohif/mode-tmtv"]["sopClassHandlers"]["$push"]
    assert handlers == ["@ohif/extension-cornerstone-dicom-seg.sopClassHandlerModule.dicom-seg"]


def test_absent_viewer_is_explained_and_the_rest_works(an_archive):
    viewer = Viewer()
    viewer.waiting("npm is not there")
    client = InProcess(build_app(an_archive, viewer))
    answer = client.get("/viewer")
    assert answer.status_code == 503
    assert "npm is not there" in answer.text
    assert client.get("/psma/studies").status_code == 200
    assert client.get("/favicon.ico").status_code == 404


def test_absent_npm_is_told_in_words(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(ViewerUnavailableError, match="npm is not there"):
        fetch_viewer(tmp_path / "cache")


@pytest.fixture
def an_npm(tmp_path, monkeypatch):
    """Put a program called npm on the search path that runs the given shell lines."""

    def install(lines: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir()
        program = folder / "npm"
        program.write_text(f"#!/bin/sh\n{lines}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    return install


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_failing_npm_leaves_nothing(tmp_path, an_npm):
    an_npm("exit 1")
    with pytest.raises(ViewerUnavailableError, match="npm could not fetch"):
        fetch_viewer(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_another_package_than_the_pinned_one_is_refused(tmp_path, an_npm):
    other = tmp_path / "other.tgz"
    with tarfile.open(other, "w:gz") as package:
        package.add(__file__, "package/dist/index.html")
    an_npm(f'for last; do :; done; cp {other} "$last/ohif.tgz"')
    with pytest.raises(ViewerUnavailableError, match="checksum"):
        fetch_viewer(tmp_path / "cache")
    assert installed_viewer(tmp_path / "cache") is None


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_running_download_ends_when_told(tmp_path, an_npm):
    an_npm("exec sleep 60")
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    with pytest.raises(ViewerUnavailableError):
        fetch_viewer(tmp_path / "cache", stop=stop)
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.slow
def test_real_npm_fetches_the_pinned_viewer(tmp_path):
    if find_npm() is None or shutil.which("node") is None:
        pytest.skip("npm is not installed")
    try:
        folder = fetch_viewer(tmp_path)
    except ViewerUnavailableError as error:
        pytest.skip(str(error))
    assert folder.name == f"ohif-{OHIF_VERSION}"
    assert (folder / "index.html").is_file()
    assert fetch_viewer(tmp_path) == folder
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
