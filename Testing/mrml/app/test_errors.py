"""VTK prints errors and goes on; here they fail the test that caused them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import slicer
import vtk

if TYPE_CHECKING:
    from Testing.host.start import Host


def test_an_error_event_of_vtk_is_recorded(host: Host) -> None:
    with host.vtk_errors.expected("no-such-file.vti", "returned failure"):
        reader = vtk.vtkXMLImageDataReader()
        reader.SetFileName("no-such-file.vti")
        reader.Update()


def test_an_exception_in_an_observer_is_recorded_with_file_and_line(host: Host) -> None:
    def misspelt(node: vtk.vtkObject, event: str) -> None:
        node.SetNaem("x")

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode")
    node.AddObserver(vtk.vtkCommand.ModifiedEvent, misspelt)
    with host.vtk_errors.expected("SetNaem", "test_errors.py", "line"):
        node.Modified()


def test_an_expected_error_that_does_not_come_is_a_failure(host: Host) -> None:
    with (
        pytest.raises(AssertionError, match="no error with 'cannot be read'"),
        host.vtk_errors.expected("cannot be read"),
    ):
        pass
