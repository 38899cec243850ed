"""The shape of a volume and a gate to the windows that have to be run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from monai.data.utils import dense_patch_slices
from numpy.typing import NDArray

Shape = tuple[int, int, int]
Bounds = list[tuple[int, int]]
SIGMA_SCALE = 0.125


@dataclass(frozen=True, eq=False)
class WindowPlan:
    """Every window of a volume, and which of them are run.

    Parameters
    ----------
    shape : tuple of int
        ``(k, j, i)`` of the volume, as it is.
    patch : tuple of int
        ``(k, j, i)`` of a window.
    before : tuple of int
        Zeros put in front of each axis so that one window fits; all indices below count from the first of them.
    starts : numpy.ndarray
        ``(n, 3)``, the first voxel of every window, in the order in which MONAI runs them.
    run : numpy.ndarray
        Ascending numbers of the windows to run.
    """

    shape: Shape
    patch: Shape
    before: Shape
    starts: NDArray[np.intp]
    run: NDArray[np.intp]

    @property
    def padded_shape(self) -> Shape:
        """Shape of the volume once one window fits."""
        return _at_least(self.shape, self.patch)

    @property
    def n_all(self) -> int:
        """How many windows cover the volume."""
        return len(self.starts)

    @property
    def n_run(self) -> int:
        """How many of them are run."""
        return len(self.run)

    @cached_property
    def box(self) -> tuple[slice, slice, slice]:
        """The smallest box of the padded volume that holds every window to run; empty where none is."""
        if not self.n_run:
            return (slice(0, 0),) * 3
        first, last = self.starts[self.run].min(axis=0), self.starts[self.run].max(axis=0)
        k, j, i = (slice(int(a), int(b) + size) for a, b, size in zip(first, last, self.patch, strict=True))
        return k, j, i

    def window(self, number: int) -> tuple[slice, slice, slice]:
        """Return where window ``number`` lies within :attr:`box`."""
        origin = [part.start for part in self.box]
        k, j, i = (
            slice(int(start) - first, int(start) - first + size)
            for start, first, size in zip(self.starts[number], origin, self.patch, strict=True)
        )
        return k, j, i

    def exact_batches(self, size: int) -> list[list[int]]:
        """Return the windows to run in batches that round as MONAI's do.

        MONAI runs all windows in batches of ``size`` and what is left over in a smaller one; a network's last bits
        depend on the size of its batch but not on a window's place in it. So windows keep the size of the batch
        that MONAI would run them in, and a batch that has lost some of its windows is filled up with its last.
        """
        n_rest = self.n_all % size
        n_whole = self.n_all - n_rest
        whole, rest = self.run[self.run < n_whole], self.run[self.run >= n_whole]
        return [*_grouped(whole, size, is_filled=True), *_grouped(rest, max(n_rest, 1), is_filled=True)]

    def packed_batches(self, size: int, *, is_filled: bool) -> list[list[int]]:
        """Return the windows to run in as few batches as possible, the last one filled up or as small as it comes."""
        return _grouped(self.run, size, is_filled=is_filled)


def plan_windows(shape: Shape, patch: Shape, overlap: float, *, gate: NDArray[np.bool_] | None = None) -> WindowPlan:
    """Return the windows of MONAI's ``sliding_window_inference``, and of them those that the gate needs.

    Parameters
    ----------
    shape : tuple of int
        ``(k, j, i)`` of the volume; an axis shorter than the patch is padded evenly on both sides.
    overlap : float
        Of neighbouring windows, as a fraction of the patch, from 0 up to but not 1.
    gate : numpy.ndarray, optional
        ``shape``, true where a logit is wanted. Windows without such a voxel are not run; without a gate
        every window is.
    """
    padded = _at_least(shape, patch)
    before = tuple((long - short) // 2 for long, short in zip(padded, shape, strict=True))
    steps = tuple(
        size if size == length else max(int(size * (1 - overlap)), 1)
        for size, length in zip(patch, padded, strict=True)
    )
    starts = np.array(
        [[part.start for part in window] for window in dense_patch_slices(padded, patch, steps)], dtype=np.intp
    )
    run = np.arange(len(starts))
    if gate is not None:
        run = np.flatnonzero(_holds(gate, starts - before, patch))
    return WindowPlan(shape, patch, (before[0], before[1], before[2]), starts, run)


def _grouped(numbers: NDArray[np.intp], size: int, *, is_filled: bool) -> list[list[int]]:
    groups = [numbers[first : first + size].tolist() for first in range(0, len(numbers), size)]
    return [group + group[-1:] * (size - len(group)) if is_filled else group for group in groups]


def _at_least(shape: Shape, patch: Shape) -> Shape:
    k, j, i = (max(pair) for pair in zip(shape, patch, strict=True))
    return k, j, i


def _holds(gate: NDArray[np.bool_], starts: NDArray[np.intp], patch: Shape) -> NDArray[np.bool_]:
    """Return for every window whether it holds a true voxel; one axis after the other, as windows form a grid."""
    for axis, size in enumerate(patch):
        before = (slice(None),) * axis
        gate = np.stack(
            [
                gate[(*before, slice(max(start, 0), start + size))].any(axis=axis)
                for start in np.unique(starts[:, axis])
            ],
            axis=axis,
        )
    return gate.reshape(-1)
