"""The main job end to end on a simulated patient: archive, analysis, publication, web viewer (W01, W03, W12, W51)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from psmacore.jobs.bridge import BridgeAddress, running_bridge
from psmacore.model.palette import segment_rgb
from psmacore.pacs.dicomweb import DicomWebPacs
from psmacore.phantom.write import write_course
from psmacore.pipeline.publish import store_all
from psmacore.pipeline.truth import TruthCheck, check_course
from Testing.conftest import ROOT, skip_or_fail
from Testing.web.browser import OhifWindow, a_browser, coloured_change, why_no_browser
from web_bridge.errors import ViewerUnavailableError
from web_bridge.viewer import fetch_viewer

pytestmark = pytest.mark.slow
SEED = 11


@dataclass(frozen=True)
class Phantom:
    folder: Path
    truth_file: Path
    study_uid: str
    pet_uid: str

    @property
    def paths(self) -> list[Path]:
        return sorted(self.folder.rglob("*.dcm"))


@dataclass(frozen=True)
class Chain:
    """One study that went through an archive and back."""

    root: str
    folder: Path
    results: dict[str, Any]


@pytest.fixture(scope="module")
def a_phantom(tmp_path_factory: pytest.TempPathFactory) -> Phantom:
    folder = tmp_path_factory.mktemp("chain") / "phantom"
    truth_file = write_course(folder, SEED, n_timepoints=1, quick=True)
    entry = json.loads(truth_file.read_text())["timepoints"][0]
    return Phantom(folder, truth_file, entry["study_uid"], entry["pet_uid"])


@pytest.fixture(scope="module")
def a_viewer() -> str:
    reason = why_no_browser()
    if reason:
        skip_or_fail("chromium", reason)
    try:
        return str(fetch_viewer())
    except ViewerUnavailableError as error:
        skip_or_fail("node", str(error))
    raise AssertionError


def psma(*arguments: object) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(ROOT / "PSMATheranostics"), str(ROOT)])
    return subprocess.run(
        [sys.executable, "-m", "psmacore", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )


def through(root: str, phantom: Phantom, out: Path) -> Chain:
    """Store, analyse from the archive and publish back, by the commands that a user has."""
    store_all(phantom.paths, DicomWebPacs(root))
    outcome = psma("analyse", "--dicomweb", root, "--study", phantom.study_uid, "--out", out, "--publish", "--json")
    assert outcome.returncode == 0, outcome.stderr
    return Chain(root, out, json.loads(outcome.stdout))


@pytest.fixture(scope="module")
def a_bridge(tmp_path_factory: pytest.TempPathFactory, a_viewer: str) -> Iterator[BridgeAddress]:
    with running_bridge(tmp_path_factory.mktemp("archive") / "store", viewer=a_viewer) as bridge:
        yield bridge


@pytest.fixture(scope="module")
def a_chain(a_bridge: BridgeAddress, a_phantom: Phantom, tmp_path_factory: pytest.TempPathFactory) -> Chain:
    return through(a_bridge.dicomweb_root, a_phantom, tmp_path_factory.mktemp("bridge") / "out")


@pytest.fixture(scope="module")
def a_chain_through_orthanc(orthanc: str, a_phantom: Phantom, tmp_path_factory: pytest.TempPathFactory) -> Chain:
    return through(orthanc, a_phantom, tmp_path_factory.mktemp("orthanc-chain") / "out")


@pytest.fixture(params=["embedded archive", "Orthanc"])
def either_chain(request: pytest.FixtureRequest) -> Chain:
    name = "a_chain" if request.param == "embedded archive" else "a_chain_through_orthanc"
    chain = request.getfixturevalue(name)
    assert isinstance(chain, Chain)
    return chain


def test_every_published_object_comes_back_from_the_archive_as_it_was_written(
    either_chain: Chain, a_phantom: Phantom, tmp_path: Path
) -> None:
    written = {pydicom.dcmread(path).SOPInstanceUID: path for path in either_chain.folder.glob("*.dcm")}
    fetched = DicomWebPacs(either_chain.root).fetch_study(a_phantom.study_uid, tmp_path)
    found = {path.stem: path for path in tmp_path.rglob("*.dcm")}
    assert len(written) == 7
    assert set(written) <= set(found)
    assert fetched.n_instances == len(a_phantom.paths) + len(written)
    for uid, path in written.items():
        assert pydicom.dcmread(found[uid]) == pydicom.dcmread(path)


def test_results_are_listed_in_the_study_by_their_modality(either_chain: Chain, a_phantom: Phantom) -> None:
    series = DicomWebPacs(either_chain.root).list_series(a_phantom.study_uid)
    assert sorted(one.modality for one in series) == sorted(
        ["PT", "CT", "SEG", "SEG", "SEG", "SR", "SR", "RWV", "OT", "DOC"]
    )
    ours = [one for one in series if one.description.startswith("AI, unconfirmed")]
    assert len(ours) == 7


def test_both_archives_give_the_same_numbers(a_chain: Chain, a_chain_through_orthanc: Chain) -> None:
    assert a_chain.results["totals"] == a_chain_through_orthanc.results["totals"]
    assert a_chain.results["suv"]["factor_g_per_bq"] == a_chain_through_orthanc.results["suv"]["factor_g_per_bq"]


def test_measured_values_agree_with_the_truth(a_chain: Chain, a_phantom: Phantom) -> None:
    check: TruthCheck = check_course(a_phantom.truth_file, {a_phantom.study_uid: a_chain.folder})[0]
    assert check.n_true >= 5
    assert check.n_found >= 0.75 * check.n_true
    assert abs(check.tv_error_pct) <= 10
    assert abs(check.suv_max_error_pct) <= 3


def test_a_second_analysis_starts_from_the_organ_map_and_not_from_our_own_segments(
    a_chain: Chain, a_phantom: Phantom, tmp_path: Path
) -> None:
    outcome = psma("analyse", "--dicomweb", a_chain.root, "--study", a_phantom.study_uid, "--out", tmp_path / "again")
    assert outcome.returncode == 0, outcome.stderr
    again = json.loads((tmp_path / "again" / "results.json").read_text())
    assert again["totals"] == a_chain.results["totals"]


def test_ohif_shows_the_segment_in_its_colour_on_the_lesion(
    a_bridge: BridgeAddress, a_chain: Chain, a_phantom: Phantom
) -> None:
    """The picture with the SEG differs from the one without, in the segment's colour, within 5 mm of the lesion."""
    lesion = max(
        (one for one in a_chain.results["lesions"] if one["state"] == "unconfirmed"), key=lambda one: one["volume_ml"]
    )
    place = lesion["centroid_lps_mm"]
    with a_browser() as browser:
        ohif = OhifWindow(browser)
        browser.open(
            f"{a_bridge.url}/viewer?StudyInstanceUIDs={a_phantom.study_uid}&SeriesInstanceUIDs={a_phantom.pet_uid}"
        )
        ohif.wait_for_image(a_phantom.pet_uid)
        ohif.show_slice_at(place)
        without = ohif.viewport(browser.wait_until_still())

        browser.open(f"{a_bridge.url}/psma/launch/{a_phantom.study_uid}")
        ohif.wait_for_image(a_phantom.pet_uid)
        browser.wait_until_still()
        ohif.show_slice_at(place)
        with_segment = ohif.viewport(browser.wait_until_still())

        changed = coloured_change(without, with_segment, segment_rgb(lesion["segment_number"]))
        assert len(changed) > 20
        row, column = changed.mean(axis=0)
        expected_column, expected_row = ohif.viewport_point(place)
        distance_mm = np.hypot(row - expected_row, column - expected_column) / ohif.pixels_per_mm(place)
        assert distance_mm < 5.0
        assert browser.foreign_requests() == []
