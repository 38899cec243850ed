"""A simulated patient to the picture of a fused PET/CT layout, rendered by the test host.

``python -m Testing.host.screenshots [FILE]`` writes ``Resources/Screenshots/host_fused_layout.png``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from psmacore.model.geometry import Geometry
    from psmacore.phantom.course import SimulatedTimepoint
    from Testing.host.start import Host

PICTURE = Path(__file__).parents[2] / "Resources" / "Screenshots" / "host_fused_layout.png"
SIZE = (1600, 1000)
LAYOUT_ID = 5590
AXIAL_WIDTH_MM = 440.0
DARK = "QWidget { background: #202428 }"
VIEWS = (
    ("CtAxial", "Axial", "CT", "#7f8c9b"),
    ("PetAxial", "Axial", "PET", "#7f8c9b"),
    ("FusedAxial", "Axial", "PET/CT", "#7f8c9b"),
    ("FusedCoronal", "Coronal", "PET/CT", "#7f8c9b"),
    ("FusedSagittal", "Sagittal", "PET/CT", "#7f8c9b"),
)
MIP = "Mip"
RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def layout_description() -> str:
    """Return the layout: three axial views above coronal, sagittal and the MIP."""
    cells = [
        f'<view class="vtkMRMLSliceNode" singletontag="{tag}"><property name="orientation" action="default">{plane}'
        f'</property><property name="viewlabel" action="default">{label}</property>'
        f'<property name="viewcolor" action="default">{color}</property></view>'
        for tag, plane, label, color in VIEWS
    ]
    cells.append(
        f'<view class="vtkMRMLViewNode" singletontag="{MIP}"><property name="viewlabel" action="default">MIP</property>'
        '<property name="viewcolor" action="default">#7f8c9b</property></view>'
    )
    items = "".join(
        f'<item row="{number // 3}" column="{number % 3}">{cell}</item>' for number, cell in enumerate(cells)
    )
    return f'<layout type="grid">{items}</layout>'


def add_volume(scene: Any, name: str, voxels: np.ndarray, geometry: Geometry, *, labels: bool = False) -> Any:
    """Return a volume node of voxels ``(k, j, i)`` on a grid in LPS."""
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk

    image = vtk.vtkImageData()
    image.SetDimensions(*reversed(voxels.shape))
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(voxels).ravel(), deep=True))
    kind = "vtkMRMLLabelMapVolumeNode" if labels else "vtkMRMLScalarVolumeNode"
    node = scene.AddNewNodeByClass(kind, name)
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy((RAS_FROM_LPS @ geometry.lps_from_ijk).ravel())
    node.SetIJKToRASMatrix(matrix)
    node.SetAndObserveImageData(image)
    node.CreateDefaultDisplayNodes()
    return node


def set_window(volume: Any, low: float, high: float, color_id: str, *, hide_below: float | None = None) -> None:
    display = volume.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(low, high)
    display.SetAndObserveColorNodeID(color_id)
    if hide_below is not None:
        display.AutoThresholdOff()
        display.SetThreshold(hide_below, 1e6)
        display.SetApplyThreshold(True)


def add_lesions(host: Host, labels: np.ndarray, geometry: Geometry) -> Any:
    """Return a segmentation with one outlined segment for each lesion."""
    scene = host.scene
    label_node = add_volume(scene, "lesions", labels.astype(np.int16), geometry, labels=True)
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Lesions")
    node.CreateDefaultDisplayNodes()
    was_modifying = node.StartModify()
    host.logics["Segmentations"].ImportLabelmapToSegmentationNode(label_node, node)
    segmentation = node.GetSegmentation()
    for index in range(segmentation.GetNumberOfSegments()):
        segmentation.GetNthSegment(index).SetColor(0.2, 1.0, 0.45)
    node.EndModify(was_modifying)
    scene.RemoveNode(label_node)
    display = node.GetDisplayNode()
    display.SetVisibility2DFill(False)
    display.SetVisibility2DOutline(True)
    display.SetSliceIntersectionThickness(2)
    display.SetVisibility3D(False)
    return node


def show_mip(host: Host, widget: Any, pet: Any, highest_suv: float) -> None:
    """Render the PET in a 3D widget as an inverted grey maximum intensity projection, seen from the front."""
    import slicer

    view = widget.mrmlViewNode()
    view.SetRaycastTechnique(slicer.vtkMRMLViewNode.MaximumIntensityProjection)
    view.SetBoxVisible(False)
    view.SetAxisLabelsVisible(False)
    view.SetRenderMode(slicer.vtkMRMLViewNode.Orthographic)
    view.SetOrientationMarkerType(slicer.vtkMRMLViewNode.OrientationMarkerTypeAxes)
    widget.threeDController().setWhiteBackground()
    display = host.logics["VolumeRendering"].CreateDefaultVolumeRenderingNodes(pet)
    display.SetViewNodeIDs([view.GetID()])
    volume_property = display.GetVolumePropertyNode().GetVolumeProperty()
    opacity, color = volume_property.GetScalarOpacity(), volume_property.GetRGBTransferFunction()
    opacity.RemoveAllPoints()
    color.RemoveAllPoints()
    for suv, value in ((0.0, 0.0), (highest_suv, 1.0)):
        opacity.AddPoint(suv, value)
    color.AddRGBPoint(0.0, 0.0, 0.0, 0.0)
    color.AddRGBPoint(highest_suv, 0.0, 0.0, 0.0)
    display.SetVisibility(True)
    bounds = [0.0] * 6
    pet.GetRASBounds(bounds)
    camera = widget.threeDView().cameraNode()
    center = [(bounds[2 * axis] + bounds[2 * axis + 1]) / 2 for axis in range(3)]
    camera.SetFocalPoint(center)
    camera.SetPosition(center[0], center[1] + 1500.0, center[2])
    camera.SetViewUp(0.0, 0.0, 1.0)
    camera.SetParallelScale(0.5 * (bounds[5] - bounds[4]))
    camera.ResetClippingRange()


def zoom(slice_node: Any, width_mm: float) -> None:
    """Show so many mm across; views of one size then have one scale."""
    n_columns, n_rows, _ = slice_node.GetDimensions()
    slice_node.SetFieldOfView(width_mm, width_mm * n_rows / n_columns, slice_node.GetFieldOfView()[2])
    slice_node.UpdateMatrices()


def middle_of_largest_lesion(labels: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Return the middle of its voxels, RAS in mm."""
    k, j, i = np.argwhere(labels == np.argmax(np.bincount(labels.ravel())[1:]) + 1).mean(axis=0)
    return (RAS_FROM_LPS @ geometry.lps_from_ijk @ (i, j, k, 1.0))[:3]


def fused_layout(host: Host, timepoint: SimulatedTimepoint) -> Any:
    """Show a simulated patient in the fused layout, every slice through the largest lesion; returns its point, RAS."""
    import slicer

    scene, manager = host.scene, host.layout_manager
    manager.layoutLogic().GetLayoutNode().AddLayoutDescription(LAYOUT_ID, layout_description())
    manager.setLayout(LAYOUT_ID)
    image, geometry = timepoint.pet, timepoint.pet_geometry
    ct = add_volume(scene, "CT", timepoint.ct_hu, timepoint.ct_geometry)
    pet = add_volume(scene, "PET SUV", image.suv, geometry)
    overlay = add_volume(scene, "PET SUV overlay", image.suv, geometry)
    set_window(ct, -135.0, 215.0, "vtkMRMLColorTableNodeGrey")
    set_window(pet, 0.0, 15.0, "vtkMRMLColorTableNodeInvertedGrey")
    set_window(overlay, 0.0, 15.0, "vtkMRMLPETProceduralColorNodePET-Heat", hide_below=2.0)
    add_lesions(host, image.lesion_labels, geometry)

    for name, _plane, _label, _color in VIEWS:
        widget = manager.sliceWidget(name)
        composite = widget.mrmlSliceCompositeNode()
        composite.SetBackgroundVolumeID((pet if name.startswith("Pet") else ct).GetID())
        if name.startswith("Fused"):
            composite.SetForegroundVolumeID(overlay.GetID())
            composite.SetForegroundOpacity(0.55)
        node = widget.mrmlSliceNode()
        node.SetRulerType(slicer.vtkMRMLSliceNode.RulerTypeThin)
        widget.sliceLogic().FitSliceToBackground()
        if name.endswith("Axial"):
            zoom(node, AXIAL_WIDTH_MM)

    point = middle_of_largest_lesion(image.lesion_labels, geometry)
    slicer.vtkMRMLSliceNode.JumpAllSlices(scene, *point, slicer.vtkMRMLSliceNode.OffsetJumpSlice)
    crosshair = scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    crosshair.SetCrosshairMode(slicer.vtkMRMLCrosshairNode.ShowIntersection)
    crosshair.SetCrosshairRAS(*point)
    show_mip(host, manager.threeDWidget(MIP), pet, 12.0)
    return point


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m Testing.host.screenshots", description=main.__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=PICTURE)
    file = parser.parse_args().file
    from psmacore.phantom.course import plan_course, simulate_timepoint
    from Testing.host.start import start
    from Testing.host.views.screenshots import screenshot

    host = start()
    viewport = host.layout_manager.viewport()
    viewport.setFixedSize(*SIZE)
    viewport.styleSheet = DARK
    host.main_window.visible = True
    fused_layout(host, simulate_timepoint(plan_course(1, n_timepoints=1, quick=True), 0))
    screenshot(viewport, file, n_colors=256)


if __name__ == "__main__":
    main()
