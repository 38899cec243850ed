"""A simulated patient is shown in the fused layout that the README's picture comes from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def a_patient():
    from psmacore.phantom.course import plan_course, simulate_timepoint

    return simulate_timepoint(plan_course(1, n_timepoints=1, quick=True), 0)


@pytest.fixture
def a_fused_layout(host, views, a_patient):
    """Layout manager and the point, in RAS, where crosshair and slices are."""
    from Testing.host.screenshots import fused_layout

    views.viewport().setFixedSize(768, 536)
    return views, fused_layout(host, a_patient)


def is_green(picture: np.ndarray) -> np.ndarray:
    return (picture[..., 1] > picture[..., 0] + 80) & (picture[..., 1] > picture[..., 2] + 50)


def test_lesion_is_outlined_around_the_crosshair_in_every_slice(a_fused_layout, seen, pixel_of) -> None:
    from Testing.host.screenshots import VIEWS

    manager, point = a_fused_layout
    for name, *_ in VIEWS:
        widget = manager.sliceWidget(name)
        column, row = pixel_of(widget, tuple(point))
        rows, columns = np.nonzero(is_green(seen(widget)))
        assert np.hypot(rows - row, columns - column).min() < 25, name


def test_fused_view_has_colour_and_ct_has_none(a_fused_layout, seen) -> None:
    manager, _ = a_fused_layout
    ct, fused = (seen(manager.sliceWidget(name)) for name in ("CtAxial", "FusedCoronal"))
    is_hot = (fused[..., 0] > fused[..., 2] + 60) & ~is_green(fused)
    assert is_hot.mean() > 0.01
    assert ((np.ptp(ct, axis=2) > 60) & ~is_green(ct) & (ct[..., 0] < ct[..., 2] + 60)).mean() < 0.001


def test_mip_is_white_around_and_dark_in_the_kidneys(a_fused_layout, seen) -> None:
    from Testing.host.screenshots import MIP

    manager, _ = a_fused_layout
    picture = seen(manager.threeDWidget(MIP))
    assert (picture[:20, :20] == 255).all()
    assert (picture.max(axis=2) < 30).mean() > 0.01


def test_picture_is_small_enough_to_keep(a_fused_layout, tmp_path: Path) -> None:
    from Testing.host.views.screenshots import screenshot

    manager, _ = a_fused_layout
    path = screenshot(manager.viewport(), tmp_path / "fused.png", n_colors=256)
    with Image.open(path) as picture:
        assert picture.size == (768, 536)
    assert path.stat().st_size < 700_000
