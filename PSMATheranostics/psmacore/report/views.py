"""A volume in any orientation to the flat view of it that a reader expects: head up, seen from a named side."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import permutations
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from psmacore.model.geometry import Geometry

ScalarT = TypeVar("ScalarT", bound=np.generic)

_LEFT, _POSTERIOR, _SUPERIOR = 0, 1, 2


class View(Enum):
    """From where the patient is seen; the value is the name, and the letters at the picture's left and right."""

    ANTERIOR = ("anterior", "R", "L")
    LEFT_LATERAL = ("left lateral", "A", "P")


@dataclass(frozen=True)
class Projector:
    """Which array axis becomes depth, rows and columns of a view, and which of them are turned round.

    Parameters
    ----------
    depth_axis, row_axis, column_axis : int
        Axes of ``(k, j, i)``.
    is_row_flipped, is_column_flipped : bool
        Whether the last index comes first in the picture.
    row_mm, column_mm : float
        Distance between the picture's rows and between its columns.
    n_rows, n_columns : int
        Size of the picture.
    """

    depth_axis: int
    row_axis: int
    column_axis: int
    is_row_flipped: bool
    is_column_flipped: bool
    row_mm: float
    column_mm: float
    n_rows: int
    n_columns: int

    def picture(self, values: NDArray[ScalarT]) -> NDArray[ScalarT]:
        """Return the maximum intensity projection ``(rows, columns)`` of ``values`` ``(k, j, i)``."""
        flat = project(values, self.depth_axis)
        if self.row_axis > self.column_axis:
            flat = flat.T
        rows = slice(None, None, -1) if self.is_row_flipped else slice(None)
        columns = slice(None, None, -1) if self.is_column_flipped else slice(None)
        return flat[rows, columns]

    def pixels_of(self, indices_kji: NDArray[np.integer[Any]]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the rows and the columns, ``(n,)`` each, onto which voxels ``(n, 3)`` fall."""
        rows = indices_kji[:, self.row_axis].astype(np.intp)
        columns = indices_kji[:, self.column_axis].astype(np.intp)
        if self.is_row_flipped:
            rows = self.n_rows - 1 - rows
        if self.is_column_flipped:
            columns = self.n_columns - 1 - columns
        return rows, columns


def project(values: NDArray[ScalarT], axis: int) -> NDArray[ScalarT]:
    """Return the maximum along one axis of ``(k, j, i)``: the maximum intensity projection.

    The two axes that remain keep their order. No interpolation takes place.
    """
    projected: NDArray[ScalarT] = np.max(values, axis=axis)
    return projected


def projector_for(geometry: Geometry, view: View) -> Projector:
    """Return how voxels of ``geometry`` fall onto ``view``.

    Each array axis stands for the patient axis that it is nearest to, so an oblique grid is shown
    along its own axes. Seen from anterior, the patient's left is on the right of the picture; seen
    from the left, posterior is on the right (LPS: DICOM PS3.3 C.7.6.2.1.1).
    """
    cosines = geometry.directions_lps[:, ::-1]  # columns in array order k, j, i
    axis_of = max(permutations(range(3)), key=lambda axes: sum(abs(cosines[n, axis]) for n, axis in enumerate(axes)))
    depth, right = (_POSTERIOR, _LEFT) if view is View.ANTERIOR else (_LEFT, _POSTERIOR)
    row_axis, column_axis = axis_of[_SUPERIOR], axis_of[right]
    return Projector(
        depth_axis=axis_of[depth],
        row_axis=row_axis,
        column_axis=column_axis,
        is_row_flipped=bool(cosines[_SUPERIOR, row_axis] > 0),
        is_column_flipped=bool(cosines[right, column_axis] < 0),
        row_mm=geometry.spacing_kji_mm[row_axis],
        column_mm=geometry.spacing_kji_mm[column_axis],
        n_rows=geometry.shape[row_axis],
        n_columns=geometry.shape[column_axis],
    )
