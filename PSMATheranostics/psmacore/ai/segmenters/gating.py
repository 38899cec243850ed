"""Where a result will be read, on the study's grid, to where a network's output is needed on the model's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from psmacore.ai.preprocess.grid import Interpolation, resample
from psmacore.ai.preprocess.prepare import Prepared


def on_model_grid(gate: NDArray[np.bool_], prepared: Prepared) -> NDArray[np.bool_]:
    """Return a gate on the grid of ``prepared.image``.

    On the same grid it is cut as the image was. On another one it is widened first, so that every voxel of the
    model's grid that an interpolation back reads is within.

    Parameters
    ----------
    gate : numpy.ndarray
        ``(k, j, i)``, bool, on ``prepared.native``.
    """
    if prepared.model is prepared.native:
        return prepared.crop.cut(gate)
    pairs = zip(prepared.model.spacing_kji_mm, prepared.native.spacing_kji_mm, strict=True)
    sizes = [2 * int(np.ceil(coarse / fine)) + 1 for coarse, fine in pairs]
    widened = ndimage.maximum_filter(gate.astype(np.float32), size=sizes)
    moved = resample(widened, prepared.native, prepared.model, interpolation=Interpolation.LINEAR, outside=None)
    return prepared.crop.cut(np.asarray(moved > 0.0))
