"""NIfTI files of a data set to voxels with their geometry."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray

from psmacore.errors import GeometryError, InputRefusedError
from psmacore.model.geometry import Geometry

SAME_GRID_MM = 0.1
"""Corner voxels of one grid as several files state it; NIfTI's single precision costs some 0.01 mm."""

_GZIPPED = ".nii.gz"
_LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Volume:
    """Voxels ``(k, j, i)`` of one file and their grid (LPS; NIfTI's own RAS is converted at reading)."""

    values: NDArray[Any]
    geometry: Geometry
    path: Path

    def require_grid(self, other: Volume) -> None:
        """Refuse a volume that lies on another grid than ``other``.

        Raises
        ------
        GeometryError
            Naming both files and what differs.
        """
        if self.geometry.is_same_grid(other.geometry, tolerance_mm=SAME_GRID_MM):
            return
        raise GeometryError(
            f"{name_of(self.path)} {_words(self.geometry)} and {name_of(other.path)} {_words(other.geometry)} "
            "must lie on one grid"
        )


def existing(path: Path) -> Path | None:
    """Return a ``.nii.gz`` that is there, or its ``.nii`` twin, or ``None``."""
    plain = path.with_name(path.name.removesuffix(_GZIPPED) + ".nii")
    return next((one for one in (path, plain) if one.is_file()), None)


def refuse_missing(paths: Iterable[Path]) -> None:
    """Refuse incomplete cases.

    Raises
    ------
    InputRefusedError
        Naming the first five files that are not there.
    """
    missing = [name_of(path) for path in paths if existing(path) is None]
    if missing:
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise InputRefusedError(f"incomplete cases, missing: {', '.join(missing[:5])}{more}")


def read_image(path: Path) -> Volume:
    """Return an image as float32; ``path`` as :func:`existing` takes it.

    Raises
    ------
    InputRefusedError
        If the file is missing, cannot be read, is not one scalar volume, or a voxel is not finite.
    """
    values, geometry = _read(path)
    image = np.asarray(values, dtype=np.float32)
    if not np.isfinite(image).all():
        n_bad = int(image.size - np.count_nonzero(np.isfinite(image)))
        raise InputRefusedError(f"{name_of(path)} holds {n_bad} voxels that are no finite number")
    return Volume(image, geometry, path)


def read_labels(path: Path) -> Volume:
    """Return a label map as uint16; ``path`` as :func:`existing` takes it.

    Raises
    ------
    InputRefusedError
        If the file is missing, cannot be read, is not one scalar volume, or holds fractions, or numbers beyond 0
        to 65535.
    """
    values, geometry = _read(path)
    if not np.isfinite(values).all() or values.min() < 0 or values.max() > np.iinfo(np.uint16).max:
        raise InputRefusedError(f"{name_of(path)} holds no labels: values from {values.min()} to {values.max()}")
    labels = values.astype(np.uint16)
    if not np.array_equal(values, labels):
        raise InputRefusedError(f"{name_of(path)} holds fractions where labels are whole numbers")
    return Volume(labels, geometry, path)


def name_of(path: Path) -> str:
    """Return the last three parts of a path: patient or case, study or tracer, file."""
    return "/".join(path.parts[-3:])


def _read(path: Path) -> tuple[NDArray[Any], Geometry]:
    """Return voxels ``(k, j, i)``, C-ordered, and their grid.

    nibabel and not ITK, whose NIfTI reader turns voxels that are no number into zeros without a word.
    """
    there = existing(path)
    if there is None:
        raise InputRefusedError(f"{name_of(path)} is missing")
    try:
        image: Any = nibabel.load(there)
        values = np.asanyarray(image.dataobj)
    except (ImageFileError, OSError, EOFError, ValueError, zlib.error) as error:
        raise InputRefusedError(f"{name_of(path)} cannot be read as NIfTI: {error}") from error
    if values.ndim == 4 and values.shape[3] == 1:
        values = values[..., 0]
    if values.ndim != 3 or values.dtype.kind not in "iufb":
        raise InputRefusedError(f"{name_of(path)} is not one scalar volume: {values.shape}, {values.dtype}")
    kji = np.ascontiguousarray(values.T)
    return kji, Geometry((kji.shape[0], kji.shape[1], kji.shape[2]), _LPS_FROM_RAS @ image.affine)


def _words(geometry: Geometry) -> str:
    spacing = " x ".join(f"{value:g}" for value in geometry.spacing_kji_mm)
    return f"{geometry.shape} at {spacing} mm"
