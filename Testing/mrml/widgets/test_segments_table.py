"""The table of segments."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def a_table(a_segmentation: Any) -> Any:
    """A table of the two lesions."""
    import slicer

    table = slicer.qMRMLSegmentsTableView()
    table.setMRMLScene(slicer.mrmlScene)
    table.setSegmentationNode(a_segmentation)
    return table


def test_segments_are_listed_in_their_order(a_table: Any) -> None:
    assert a_table.displayedSegmentIDs() == ("L1", "L2")
    assert (a_table.segmentCount, a_table.rowForSegmentID("L2"), a_table.segmentIDForRow(0)) == (2, 1, "L1")


def test_a_selection_is_told_and_survives_a_new_segment(a_table: Any, a_segmentation: Any) -> None:
    told: list[Any] = []
    a_table.selectionChanged.connect(lambda *_: told.append(a_table.selectedSegmentIDs()))
    a_table.setSelectedSegmentIDs(["L2"])
    a_segmentation.GetSegmentation().AddEmptySegment("L3", "Bone")
    assert told == [("L2",)]
    assert a_table.selectedSegmentIDs() == ("L2",)


def test_a_removed_segment_is_no_longer_selected(a_table: Any, a_segmentation: Any) -> None:
    a_table.setSelectedSegmentIDs(["L2"])
    a_segmentation.GetSegmentation().RemoveSegment("L2")
    assert (a_table.selectedSegmentIDs(), a_table.displayedSegmentIDs()) == ((), ("L1",))


def test_a_name_edited_in_the_table_is_the_segments(a_table: Any, a_segmentation: Any) -> None:
    told: list[str] = []
    a_table.segmentAboutToBeModified.connect(told.append)
    a_table.model().item(0, 3).setText("Urethra")
    assert a_segmentation.GetSegmentation().GetSegment("L1").GetName() == "Urethra"
    assert told == ["L1"]


def test_a_renamed_segment_is_shown_so(a_table: Any, a_segmentation: Any) -> None:
    a_segmentation.GetSegmentation().GetSegment("L2").SetName("Left iliac")
    assert a_table.model().item(1, 3).text() == "Left iliac"


def test_a_click_on_the_eye_hides_the_segment(a_table: Any, a_segmentation: Any) -> None:
    a_table.tableWidget().clicked.emit(a_table.model().index(1, 0))
    assert not a_segmentation.GetDisplayNode().GetSegmentVisibility("L2")
    assert a_table.model().item(1, 0).text() == "-"


def test_text_and_ids_filter_the_rows(a_table: Any) -> None:
    a_table.textFilter = "pro"
    assert a_table.displayedSegmentIDs() == ("L1",)
    a_table.textFilter = ""
    a_table.setHideSegments(["L1"])
    assert a_table.displayedSegmentIDs() == ("L2",)


def test_only_the_selected_segments_can_be_shown(a_table: Any, a_segmentation: Any) -> None:
    a_table.setSelectedSegmentIDs(["L2"])
    a_table.showOnlySelectedSegments()
    display = a_segmentation.GetDisplayNode()
    assert (display.GetSegmentVisibility("L1"), display.GetSegmentVisibility("L2")) == (False, True)


def test_a_closed_scene_empties_the_table(a_table: Any) -> None:
    import slicer

    slicer.mrmlScene.Clear(0)
    a_table.setSegmentationNode(None)
    assert a_table.segmentCount == 0
