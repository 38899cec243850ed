"""Views of the running host in a small window, and spheres to show in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from Testing.host.start import Host

WINDOW = (512, 548)
RADIUS_MM = 40.0
HALF_WIDTH_MM = 60
SPHERE_VALUE = 200.0


def volume(scene: Any, name: str, voxels: np.ndarray, *, spacing_mm: tuple[float, float, float], color: str) -> Any:
    """Return a volume node whose middle is the origin, shown between 0 and 400."""
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk

    image = vtk.vtkImageData()
    image.SetDimensions(*reversed(voxels.shape))
    image.GetPointData().SetScalars(numpy_to_vtk(voxels.ravel(), deep=True))
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    node.SetSpacing(spacing_mm)
    node.SetOrigin([-step * (count - 1) / 2 for step, count in zip(spacing_mm, reversed(voxels.shape), strict=True)])
    node.SetAndObserveImageData(image)
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().AutoWindowLevelOff()
    node.GetDisplayNode().SetWindowLevelMinMax(0.0, 400.0)
    node.GetDisplayNode().SetAndObserveColorNodeID(f"vtkMRMLColorTableNode{color}")
    return node


def ball(spacing_mm: tuple[float, float, float]) -> np.ndarray:
    """Return a sphere in a cube, ``(k, j, i)``."""
    x, y, z = (np.arange(-HALF_WIDTH_MM, HALF_WIDTH_MM + 1e-6, step) for step in spacing_mm)
    inside = x**2 + y[:, None] ** 2 + z[:, None, None] ** 2 < RADIUS_MM**2
    return np.where(inside, SPHERE_VALUE, 0.0).astype(np.float32)


@pytest.fixture
def views(host: Host) -> Iterator[Any]:
    """The layout manager, four views of some 256 pixels each on the screen; other views are gone afterwards."""
    from Testing.host.qt_shim import qt_class

    manager = host.layout_manager
    manager.setLayout(3)
    manager.viewport().setFixedSize(*WINDOW)
    host.main_window.visible = True
    for _ in range(3):  # a layout and the layouts inside it take a turn each
        qt_class("QApplication").processEvents()
    yield manager
    manager.setLayout(3)
    for widget in manager.viewWidgets():
        if not widget.mrmlAbstractViewNode().IsMappedInLayout():
            host.scene.RemoveNode(widget.mrmlAbstractViewNode())


@pytest.fixture
def a_sphere(host: Host, views: Any) -> Any:
    """A sphere of 40 mm around the origin, voxels of 2 x 2 x 4 mm, in all three slice views."""
    spacing = (2.0, 2.0, 4.0)
    node = volume(host.scene, "sphere", ball(spacing), spacing_mm=spacing, color="Grey")
    for name in ("Red", "Green", "Yellow"):
        widget = views.sliceWidget(name)
        widget.mrmlSliceCompositeNode().SetBackgroundVolumeID(node.GetID())
        widget.fitSliceToBackground()
        widget.mrmlSliceNode().JumpSlice(0.0, 0.0, 0.0)
    return node


@pytest.fixture
def seen() -> Callable[[Any], np.ndarray]:
    """Return what a view shows, ``(row, column, RGB)``, after everything due has been rendered."""
    from Testing.host.views.screenshots import grabbed

    return lambda widget: grabbed(widget.viewWidget()).astype(int)


@pytest.fixture
def pixel_of() -> Callable[[Any, tuple[float, float, float]], tuple[int, int]]:
    """Return column and row, from the top, of a point in RAS."""

    def of(widget: Any, ras: tuple[float, float, float]) -> tuple[int, int]:
        x, y, _ = widget.sliceView().convertRASToXYZ(ras)
        return round(x), widget.sliceView().height - 1 - round(y)

    return of
