"""Organ labels: 117 of TotalSegmentator, eight of our own, each with its code where one exists."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from pydicom.sr._concepts_dict import concepts

from psmacore.errors import GeometryError
from psmacore.model.geometry import Geometry
from psmacore.model.organs import KIDNEYS, LIVER, ORGAN_NUMBERS, ORGANS, PAROTIDS, URETERS
from psmacore.model.palette import segment_rgb
from psmacore.model.volumes import OrganMap


def test_numbers_are_those_of_totalsegmentator_and_ours_start_above_200() -> None:
    assert sorted(ORGANS) == [*range(1, 118), *range(201, 209)]
    assert (ORGAN_NUMBERS["spleen"], LIVER, ORGAN_NUMBERS["urinary_bladder"], ORGAN_NUMBERS["prostate"]) == (
        1,
        5,
        21,
        22,
    )
    assert (ORGAN_NUMBERS["rib_left_1"], ORGAN_NUMBERS["costal_cartilages"]) == (92, 117)
    assert set(KIDNEYS) == {2, 3}
    assert (PAROTIDS, URETERS) == ((201, 202), (207, 208))


def test_every_code_stands_in_the_dicom_context_groups() -> None:
    known = {value for values in concepts["SCT"].values() for value in values}
    assert {organ.code.value for organ in ORGANS.values() if organ.code is not None} <= known


def test_a_side_is_named_for_every_paired_organ() -> None:
    for organ in ORGANS.values():
        is_paired = organ.name.endswith(("_left", "_right")) or "_left_" in organ.name or "_right_" in organ.name
        assert (organ.side is not None) == (is_paired and organ.name != "atrial_appendage_left"), organ.name


def test_a_mask_holds_all_labels_asked_for() -> None:
    labels = np.array([[[0, 2, 3, 5]]], dtype=np.uint16)
    organs = OrganMap(labels, Geometry(labels.shape, np.eye(4)))
    assert organs.mask(*KIDNEYS).ravel().tolist() == [False, True, True, False]
    assert not organs.mask(99).any()


def test_voxels_that_do_not_fill_their_grid_are_refused() -> None:
    with pytest.raises(GeometryError, match="do not fill"):
        OrganMap(np.zeros((1, 1, 4), dtype=np.uint16), Geometry((1, 1, 5), np.eye(4)))


def test_neighbouring_segments_never_share_a_colour() -> None:
    colours = [segment_rgb(number) for number in range(1, 61)]
    assert len(set(colours)) == 60
    for first, second in pairwise(colours):
        assert max(abs(a - b) for a, b in zip(first, second, strict=True)) > 60
