"""A real OHIF in a real Chromium on the embedded archive: W01, W12 and the issue's picture test."""

from __future__ import annotations

import httpx
import numpy as np
import pytest

from Testing.conftest import skip_or_fail
from Testing.web.browser import OhifWindow, a_browser, coloured_change, why_no_browser
from Testing.web.client import multipart_body, stow_headers
from Testing.web.conftest import running_bridge
from Testing.web.synthetic import LESION_LPS_MM, SEGMENT_RGB, encoded, simulated_study
from web_bridge.errors import ViewerUnavailableError
from web_bridge.viewer import fetch_viewer

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def a_bridge(tmp_path_factory):
    reason = why_no_browser()
    if reason:
        skip_or_fail("chromium", reason)
    try:
        viewer = fetch_viewer()
    except ViewerUnavailableError as error:
        skip_or_fail("chromium", str(error))
    folder = tmp_path_factory.mktemp("ohif")
    with running_bridge(folder / "store", "--viewer", str(viewer), log=folder / "log") as bridge:
        yield bridge


@pytest.fixture(scope="module")
def a_window():
    with a_browser() as browser:
        yield browser


def stored(bridge, study):
    answer = httpx.post(
        f"{bridge.dicomweb_root}/studies",
        content=multipart_body(encoded(item) for item in study.all),
        headers=stow_headers(),
    )
    assert answer.status_code == 200, answer.text
    return study


@pytest.fixture(scope="module")
def a_study(a_bridge):
    return stored(a_bridge, simulated_study())


def test_launch_link_shows_the_segment_in_its_colour_on_the_lesion(a_bridge, a_window, a_study):
    """The picture with the SEG differs from the one without, in its colour, within 5 mm of the lesion."""
    ohif = OhifWindow(a_window)
    pet_uid = a_study.pet[0].SeriesInstanceUID

    a_window.open(f"{a_bridge.url}/viewer?StudyInstanceUIDs={a_study.study_uid}&SeriesInstanceUIDs={pet_uid}")
    ohif.wait_for_image(pet_uid)
    ohif.show_slice_at(LESION_LPS_MM)
    without = a_window.wait_until_still()

    a_window.open(f"{a_bridge.url}/psma/launch/{a_study.study_uid}")
    ohif.wait_for_image(pet_uid)
    a_window.wait_until_still()
    ohif.show_slice_at(LESION_LPS_MM)
    with_segment = a_window.wait_until_still()

    changed = coloured_change(without, with_segment, SEGMENT_RGB)
    assert len(changed) > 1000
    row, column = changed.mean(axis=0)
    expected_column, expected_row = ohif.window_point(LESION_LPS_MM)
    distance_mm = np.hypot(row - expected_row, column - expected_column) / ohif.pixels_per_mm(LESION_LPS_MM)
    assert distance_mm < 5.0

    assert a_window.foreign_requests() == []
    refused = [error for error in a_window.console_errors() if "Content Security Policy" in error or "404" in error]
    assert refused == []


def test_compressed_images_are_shown_alike(a_bridge, a_window, a_study):
    """W08: the same picture from JPEG-LS."""
    ohif = OhifWindow(a_window)
    pictures = []
    compressed = simulated_study(study_uid="2.25.4711")
    for image in compressed.pet:
        image.compress("1.2.840.10008.1.2.4.80", generate_instance_uid=False)
    for study in (a_study, stored(a_bridge, compressed)):
        pet_uid = study.pet[0].SeriesInstanceUID
        a_window.open(f"{a_bridge.url}/viewer?StudyInstanceUIDs={study.study_uid}&SeriesInstanceUIDs={pet_uid}")
        ohif.wait_for_image(pet_uid)
        ohif.show_slice_at(LESION_LPS_MM)
        pictures.append(ohif.viewport(a_window.wait_until_still()))
    assert np.array_equal(*pictures)


def test_warning_comes_before_a_viewer_that_would_be_wrong(a_bridge, a_window):
    study = simulated_study()
    for image in study.pet:
        image.DecayCorrection = "ADMIN"
    stored(a_bridge, study)
    a_window.open(f"{a_bridge.url}/psma/launch/{study.study_uid}")
    a_window.wait_for_text("1.85 times too high")
    a_window.click("a.button")
    OhifWindow(a_window).wait_for_image(study.pet[0].SeriesInstanceUID)
    assert "/viewer?" in a_window.url


def test_our_pages_are_drawn_without_complaint(a_bridge, a_window, a_study):
    before = len(a_window.console_errors())
    for path in ("/", f"/psma/studies/{a_study.study_uid}"):
        a_window.open(a_bridge.url + path)
        assert "SIM-001" in a_window.text
        assert a_window.screenshot().mean() < 60.0  # dark
    assert a_window.run("return [...document.images].every(i => i.complete && i.naturalWidth > 0)")
    assert a_window.console_errors()[before:] == []
