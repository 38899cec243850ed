"""Voxels on a grid to a compressed NIfTI-1 file."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from psmacore.errors import UsageError
from psmacore.model.geometry import Geometry

# NIfTI-1.1 data type codes (nifti1.h): int16 4, float32 16, uint8 2, uint16 512.
_TYPES: dict[str, int] = {"uint8": 2, "int16": 4, "float32": 16, "uint16": 512}
_HEADER_BYTES = 348
_DATA_OFFSET = 352


def write_nifti(path: Path, values: NDArray[Any], geometry: Geometry, *, compress_level: int = 3) -> None:
    """Write ``values``, ``(k, j, i)``, as ``.nii.gz`` with an sform in RAS; equal input gives equal bytes.

    ``compress_level`` is gzip's, 1 (fast) to 9.

    Raises
    ------
    UsageError
        If the voxels are not uint8, uint16, int16 or float32, or do not fill the grid.

    References
    ----------
    NIfTI-1.1 header, ``nifti1.h``: ``sform_code`` 1 (scanner), ``xyzt_units`` 2 (mm).
    """
    if values.dtype.name not in _TYPES or values.shape != geometry.shape:
        raise UsageError(f"cannot write {values.dtype} voxels {values.shape} on a grid {geometry.shape} as NIfTI")
    ras_from_ijk = np.diag([-1.0, -1.0, 1.0, 1.0]) @ geometry.lps_from_ijk
    k, j, i = geometry.shape
    header = bytearray(_DATA_OFFSET)
    struct.pack_into("<i", header, 0, _HEADER_BYTES)
    struct.pack_into("<8h", header, 40, 3, i, j, k, 1, 1, 1, 1)
    struct.pack_into("<hh", header, 70, _TYPES[values.dtype.name], values.dtype.itemsize * 8)
    struct.pack_into("<8f", header, 76, 1.0, *geometry.spacing_ijk_mm, 0.0, 0.0, 0.0, 0.0)
    struct.pack_into("<3f", header, 108, float(_DATA_OFFSET), 1.0, 0.0)
    header[123] = 2
    struct.pack_into("<hh", header, 252, 0, 1)
    struct.pack_into("<12f", header, 280, *ras_from_ijk[:3].ravel())
    header[344:348] = b"n+1\0"
    data = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).tobytes()
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=compress_level, mtime=0) as out,
    ):
        out.write(bytes(header))
        out.write(data)
