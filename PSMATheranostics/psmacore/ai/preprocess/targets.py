"""Label numbers to the target that a loss reads, and a network's winners back to label numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psmacore.errors import InputRefusedError
from psmacore.registry.manifest import Activation, Manifest

Labels = NDArray[np.uint8] | NDArray[np.uint16]


def encode_target(manifest: Manifest, target: Labels) -> NDArray[np.uint8]:
    """Return the target as the network's outputs are numbered.

    Parameters
    ----------
    target : numpy.ndarray
        ``(k, j, i)`` label numbers; or ``(n, k, j, i)`` binary maps of outputs that overlap.

    Returns
    -------
    numpy.ndarray
        uint8. Softmax: ``(1, k, j, i)``, index of the output; labels that no output is written as become the
        output of label 0. Sigmoid: ``(n, k, j, i)``, 0 and 1.

    Raises
    ------
    InputRefusedError
        If binary maps are given for a softmax, or another number of them than there are outputs.
    """
    outputs = manifest.outputs
    if manifest.activation is Activation.SOFTMAX:
        if target.ndim != 3:
            raise InputRefusedError(f"{manifest.name} has exclusive outputs, the target {target.shape} overlaps")
        top = max(int(target.max(initial=0)), max(output.label for output in outputs))
        index_of = np.zeros(top + 1, np.uint8)
        background = next((index for index, output in enumerate(outputs) if output.label == 0), 0)
        index_of[:] = background
        for index, output in enumerate(outputs):
            index_of[output.label] = index
        return index_of[target][None]
    if target.ndim == 3:
        return np.stack([target == output.label for output in outputs]).astype(np.uint8)
    if target.shape[0] != len(outputs):
        raise InputRefusedError(f"{manifest.name} has {len(outputs)} outputs, the target {target.shape[0]} maps")
    return np.asarray(target != 0, np.uint8)


def labels_of_winners(manifest: Manifest, winners: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return label numbers, uint16, of output indices ``(k, j, i)`` (softmax)."""
    numbers = np.array([output.label for output in manifest.outputs], np.uint16)
    return numbers[winners]
