"""Strokes in a slice view to changes of the selected segment: stand-ins for the segment editor's effects.

Painting and erasing go through the real vtkSlicerSegmentEditorLogic with its masks and its history. The effects that
Slicer has in Python are there to be listed and to hold parameters; to apply one is an error.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from Testing.host.qt_shim import qt_class, standin

Logic = slicer.vtkSlicerSegmentEditorLogic
BRUSH_DEFAULTS = {
    "BrushSphere": 0,
    "BrushDiameterIsRelative": 1,
    "BrushRelativeDiameter": 3.0,
    "BrushAbsoluteDiameter": 5.0,
    "BrushPixelMode": 0,
    "EraseAllSegments": 0,
    "ColorSmudge": 0,
}
MODES = {
    "ModificationModeSet": Logic.ModificationModeSet,
    "ModificationModeAdd": Logic.ModificationModeAdd,
    "ModificationModeRemove": Logic.ModificationModeRemove,
    "ModificationModeRemoveAll": Logic.ModificationModeRemoveAll,
}


def voxels(image: Any) -> np.ndarray:
    """Return the voxels of an image as (k, j, i), not copied."""
    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])


@standin(properties={"name": str, "title": str, "perSegment": (bool, True), "requireSegments": (bool, True)})
class qSlicerSegmentEditorAbstractEffect(qt_class("QObject")):
    """Parameters of one effect, kept as attributes of the editor node, and the logic's images."""

    locals().update(MODES)

    def __init__(self, editor: Any, name: str) -> None:
        super().__init__(editor)
        self._editor = editor
        self.name = self.title = name

    def active(self) -> bool:
        return self._editor.activeEffect() is self

    # --- parameters ---
    def parameterSetNode(self) -> Any:
        return self._editor.mrmlSegmentEditorNode()

    def parameterDefined(self, name: Any) -> bool:
        return self.parameterSetNode().GetAttribute(f"{self.name}.{name}") is not None

    def commonParameterDefined(self, name: Any) -> bool:
        return self.parameterSetNode().GetAttribute(name) is not None

    def parameter(self, name: Any) -> str:
        node = self.parameterSetNode()
        return node.GetAttribute(f"{self.name}.{name}") or node.GetAttribute(name) or ""

    def integerParameter(self, name: Any) -> int:
        return int(self.parameter(name) or 0)

    def doubleParameter(self, name: Any) -> float:
        return float(self.parameter(name) or 0)

    def setParameter(self, name: Any, value: Any) -> None:
        self._store(f"{self.name}.{name}", value)

    def setCommonParameter(self, name: Any, value: Any) -> None:
        self._store(name, value)

    def setParameterDefault(self, name: Any, value: Any) -> None:
        if not self.parameterDefined(name):
            self.setParameter(name, value)

    def setCommonParameterDefault(self, name: Any, value: Any) -> None:
        if not self.commonParameterDefined(name):
            self.setCommonParameter(name, value)

    def _store(self, attribute: str, value: Any) -> None:
        # Without a ModifiedEvent: a parameter does not refresh the whole editor.
        node = self.parameterSetNode()
        was_disabled = node.GetDisableModifiedEvent()
        node.SetDisableModifiedEvent(True)
        node.SetAttribute(attribute, str(int(value) if isinstance(value, bool) else value))
        node.SetDisableModifiedEvent(was_disabled)
        node.InvokeCustomModifiedEvent(node.EffectParameterModified)

    def _set_defaults(self) -> None:
        """Give the parameters their first values."""

    # --- images ---
    def defaultModifierLabelmap(self) -> Any:
        """Return the empty image into which an edit is drawn, in the geometry of the segmentation."""
        logic = self._editor._logic
        if not logic.UpdateReferenceGeometryImage() or not logic.ResetModifierLabelmapToDefault():
            raise RuntimeError("the segmentation has no geometry: select a source volume first")
        return logic.GetModifierLabelmap()

    def modifierLabelmap(self) -> Any:
        return self._editor._logic.GetModifierLabelmap()

    def selectedSegmentLabelmap(self) -> Any:
        self._editor._logic.UpdateSelectedSegmentLabelmap()
        return self._editor._logic.GetSelectedSegmentLabelmap()

    def sourceVolumeImageData(self) -> Any:
        self._editor._logic.UpdateAlignedSourceVolume()
        return self._editor._logic.GetAlignedSourceVolume()

    def saveStateForUndo(self) -> None:
        self._editor.saveStateForUndo()

    def modifySelectedSegmentByLabelmap(self, modifierLabelmap: Any, modificationMode: Any, *more: Any) -> None:
        is_bypassing = bool(more[-1]) if more and isinstance(more[-1], bool | int) else False
        segment_id = self._editor.currentSegmentID()
        if not segment_id:
            raise RuntimeError(f"{self.name}: no segment is selected")
        self._editor._logic.ModifySegmentByLabelmap(
            self._editor.segmentationNode(), segment_id, modifierLabelmap, modificationMode, False, is_bypassing
        )


@standin()
class qSlicerSegmentEditorPaintEffect(qSlicerSegmentEditorAbstractEffect):
    """A ball (BrushSphere) or a disc in the slice that follows the mouse; one stroke is one edit."""

    _mode = Logic.ModificationModeAdd

    def __init__(self, editor: Any, name: str) -> None:
        super().__init__(editor, name)
        self._stroke: list[np.ndarray] = []

    def _set_defaults(self) -> None:
        for name, value in BRUSH_DEFAULTS.items():
            self.setCommonParameterDefault(name, value)

    def _diameter_mm(self, slice_node: Any) -> float:
        if not self.integerParameter("BrushDiameterIsRelative"):
            return self.doubleParameter("BrushAbsoluteDiameter")
        return self.doubleParameter("BrushRelativeDiameter") / 100 * slice_node.GetFieldOfView()[1]

    def _on_view_event(self, event: str, slice_node: Any, xy: tuple[int, int]) -> bool:
        """Take a mouse event of a slice view; return whether the view shall not have it."""
        if event == "LeftButtonPressEvent":
            self._stroke = [self._ras(slice_node, xy)]
            return True
        if self._stroke and event == "MouseMoveEvent":
            self._stroke.append(self._ras(slice_node, xy))
            return True
        if self._stroke and event == "LeftButtonReleaseEvent":
            stroke, self._stroke = self._stroke, []
            self._paint(stroke, slice_node)
            return True
        return False

    @staticmethod
    def _ras(slice_node: Any, xy: tuple[int, int]) -> np.ndarray:
        return np.array(slice_node.GetXYToRAS().MultiplyPoint((*map(float, xy), 0.0, 1.0))[:3])

    def _paint(self, stroke: list[np.ndarray], slice_node: Any) -> None:
        image = self.defaultModifierLabelmap()
        to_sliced = slice_node.GetSliceToRAS()
        normal = np.array([to_sliced.GetElement(row, 2) for row in range(3)])
        radius = self._diameter_mm(slice_node) / 2
        flat = not self.integerParameter("BrushSphere")
        mask = np.zeros(image.GetDimensions()[::-1], dtype=bool)
        brush = _Brush(image, self._editor.segmentationNode(), radius, normal if flat else None)
        for center in _densely(stroke, step=max(radius / 2, 0.5)):
            brush.add(mask, center)
        voxels(image)[:] = mask
        image.Modified()
        self.saveStateForUndo()
        self.modifySelectedSegmentByLabelmap(image, self._mode)


@standin()
class qSlicerSegmentEditorEraseEffect(qSlicerSegmentEditorPaintEffect):
    """The brush that takes away."""

    _mode = Logic.ModificationModeRemove


class _Brush:
    """One shape to add to a mask at points given in RAS."""

    def __init__(self, image: Any, segmentation: Any, radius_mm: float, normal: np.ndarray | None) -> None:
        matrix = vtk.vtkMatrix4x4()
        image.GetImageToWorldMatrix(matrix)
        self._ras_from_ijk = np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])
        self._ras_from_ijk[:3, 3] += self._ras_from_ijk[:3, :3] @ np.array(image.GetExtent()[::2])
        self._to_local = vtk.vtkGeneralTransform()
        slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(
            None, segmentation.GetParentTransformNode(), self._to_local
        )
        self._radius, self._normal = radius_mm, normal
        spacing = np.array(image.GetSpacing())
        self._reach = np.ceil(radius_mm / spacing).astype(int) + 1
        self._half_thickness = 0.0
        if normal is not None:
            # A disc is as thick as the voxels that the slice cuts.
            self._half_thickness = float(np.abs(normal @ self._ras_from_ijk[:3, :3]).max()) / 2

    def add(self, mask: np.ndarray, center_ras: np.ndarray) -> None:
        """Set the voxels whose centre is inside the shape."""
        center = np.array(self._to_local.TransformPoint(center_ras))
        at = np.rint(np.linalg.solve(self._ras_from_ijk, np.append(center, 1.0))[:3]).astype(int)
        low, high = np.maximum(at - self._reach, 0), np.minimum(at + self._reach + 1, mask.shape[::-1])
        if (low >= high).any():
            return
        ijk = np.stack(np.meshgrid(*map(np.arange, low, high), indexing="ij"), axis=-1)
        offset = ijk @ self._ras_from_ijk[:3, :3].T + self._ras_from_ijk[:3, 3] - center
        if self._normal is None:
            inside = (offset**2).sum(axis=-1) <= self._radius**2
        else:
            along = offset @ self._normal
            in_plane = (offset**2).sum(axis=-1) - along**2
            inside = (in_plane <= self._radius**2) & (np.abs(along + 1e-6) <= self._half_thickness)
        mask[low[2] : high[2], low[1] : high[1], low[0] : high[0]] |= inside.transpose(2, 1, 0)


def _densely(stroke: list[np.ndarray], step: float) -> list[np.ndarray]:
    """Return the stroke with points no farther apart than the step, in mm."""
    points = stroke[:1]
    for before, after in pairwise(stroke):
        n_parts = max(1, int(np.ceil(np.linalg.norm(after - before) / step)))
        points += [before + (after - before) * part / n_parts for part in range(1, n_parts + 1)]
    return points


@standin()
class qSlicerSegmentEditorScriptedEffect(qSlicerSegmentEditorAbstractEffect):
    """An effect that Slicer has in Python."""

    def self(self) -> Any:
        raise NotImplementedError(f"the host does not carry out the effect {self.name!r}")
