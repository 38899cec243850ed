"""Analysed studies to report about."""

from __future__ import annotations

import pytest

from psmacore.model.lesions import LesionState
from psmacore.model.timepoint import Timepoint
from psmacore.model.volumes import Segmentation, SuvVolume
from psmacore.report.mip import encode_png, render_mip
from Testing.timepoints import make_body, make_lesion, make_timepoint


@pytest.fixture
def a_timepoint() -> Timepoint:
    """Three lesions that count and one excluded candidate."""
    return make_timepoint(3, others=[make_lesion(4, LesionState.EXCLUDED_CANDIDATE)])


@pytest.fixture(scope="session")
def a_body() -> tuple[SuvVolume, Segmentation]:
    """PET and segments that fit ``a_timepoint``."""
    return make_body(4)


@pytest.fixture
def a_mip_png(a_timepoint: Timepoint, a_body: tuple[SuvVolume, Segmentation]) -> bytes:
    """The picture of ``a_timepoint``."""
    return encode_png(render_mip(*a_body, a_timepoint))
