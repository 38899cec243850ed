"""Analytic bodies in patient coordinates to signed distances in mm, negative inside.

Every shape answers for any point, so that it can be sampled on any grid. Distances are exact for
capsules and first-order near the surface for the others, which is what a voxel's partial volume needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Bounds = tuple[Float64, Float64]


class Shape(Protocol):
    """A closed body in patient coordinates (mm; x to the left, y to the back, z to the head)."""

    def bounds(self) -> Bounds:
        """Return the lower and upper corner of a box that holds the body."""
        ...

    def distance(self, x: Float32, y: Float32, z: Float32) -> Float32:
        """Return the signed distance in mm of broadcastable coordinates; negative inside."""
        ...


def rotation_deg(about_x: float = 0.0, about_y: float = 0.0, about_z: float = 0.0) -> Float64:
    """Return the 3 x 3 rotation about x, then y, then z (right-handed, degrees)."""
    ax, ay, az = np.deg2rad([about_x, about_y, about_z])
    cx, sx, cy, sy, cz, sz = np.cos(ax), np.sin(ax), np.cos(ay), np.sin(ay), np.cos(az), np.sin(az)
    rx = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    ry = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    rz = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return np.asarray(rz @ ry @ rx, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Ellipsoid:
    """An ellipsoid with half axes ``radii_mm`` along the columns of ``axes`` (identity if ``None``)."""

    centre_mm: Float64
    radii_mm: Float64
    axes: Float64 | None = None

    def bounds(self) -> Bounds:
        """Return the box around the (rotated) ellipsoid."""
        if self.axes is None:
            half = self.radii_mm
        else:
            half = np.sqrt(np.sum((self.axes * self.radii_mm[None, :]) ** 2, axis=1))
        return self.centre_mm - half, self.centre_mm + half

    def distance(self, x: Float32, y: Float32, z: Float32) -> Float32:
        """Return ``k0 (k0 - 1) / k1`` with ``k0 = |p / r|`` and ``k1 = |p / r^2|``: first order at the surface."""
        cx, cy, cz = (np.float32(value) for value in self.centre_mm)
        u, v, w = x - cx, y - cy, z - cz
        if self.axes is not None:
            m = self.axes.astype(np.float32)
            u, v, w = (m[0, n] * u + m[1, n] * v + m[2, n] * w for n in range(3))
        ra, rb, rc = (np.float32(value) for value in self.radii_mm)
        a, b, c = (u / ra) ** 2, (v / rb) ** 2, (w / rc) ** 2
        k0 = np.sqrt(a + b + c + np.float32(1e-6))
        k1 = np.sqrt(a / ra**2 + b / rb**2 + c / rc**2 + np.float32(1e-6) / max(ra, rb, rc) ** 2)
        return np.asarray(k0 * (k0 - np.float32(1.0)) / k1, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Capsule:
    """A rod from ``start_mm`` to ``end_mm`` whose radius runs linearly between its two ends."""

    start_mm: Float64
    end_mm: Float64
    start_radius_mm: float
    end_radius_mm: float

    def bounds(self) -> Bounds:
        """Return the box around both end spheres."""
        lower = np.minimum(self.start_mm - self.start_radius_mm, self.end_mm - self.end_radius_mm)
        upper = np.maximum(self.start_mm + self.start_radius_mm, self.end_mm + self.end_radius_mm)
        return lower, upper

    def distance(self, x: Float32, y: Float32, z: Float32) -> Float32:
        """Return the distance to the axis less the radius there."""
        ax, ay, az = (np.float32(value) for value in self.start_mm)
        bx, by, bz = (np.float32(value) for value in self.end_mm - self.start_mm)
        length2 = max(float(bx * bx + by * by + bz * bz), 1e-9)
        u, v, w = x - ax, y - ay, z - az
        along = np.clip((u * bx + v * by + w * bz) / np.float32(length2), 0, 1)
        gap = np.sqrt((u - along * bx) ** 2 + (v - along * by) ** 2 + (w - along * bz) ** 2)
        slope = np.float32(self.end_radius_mm - self.start_radius_mm)
        return np.asarray(gap - (np.float32(self.start_radius_mm) + along * slope), dtype=np.float32)


_STEP_MM = 0.5


@dataclass(frozen=True, eq=False)
class Column:
    """A trunk-like body: rounded-rectangle sections whose size and centre run along z.

    Parameters
    ----------
    z_mm : numpy.ndarray
        ``(n,)``, rising: heights of the sections.
    half_width_mm, half_depth_mm, centre_y_mm : numpy.ndarray
        ``(n,)``: section sizes along x and y, and its centre.
    squareness : float
        0 ellipse to 1 rectangle (Fernandez-Guasti's squircle).
    """

    z_mm: Float64
    half_width_mm: Float64
    half_depth_mm: Float64
    centre_y_mm: Float64
    squareness: float = 0.7

    def bounds(self) -> Bounds:
        """Return the box around all sections."""
        wide = float(self.half_width_mm.max())
        front = float((self.centre_y_mm - self.half_depth_mm).min())
        back = float((self.centre_y_mm + self.half_depth_mm).max())
        return np.array([-wide, front, self.z_mm[0]]), np.array([wide, back, self.z_mm[-1]])

    def distance(self, x: Float32, y: Float32, z: Float32) -> Float32:
        """Return the distance along the ray from the section's centre, or to the end planes if that is more."""
        bottom, top = float(self.z_mm[0]), float(self.z_mm[-1])
        heights = np.arange(bottom, top + _STEP_MM, _STEP_MM)
        row = np.clip((z - np.float32(bottom)) / np.float32(_STEP_MM), 0, len(heights) - 1).astype(np.int32)
        wide, deep, middle = (
            np.interp(heights, self.z_mm, table).astype(np.float32)[row]
            for table in (self.half_width_mm, self.half_depth_mm, self.centre_y_mm)
        )
        v = y - middle
        xx, yy = x * x, v * v
        a, b = xx / (wide * wide), yy / (deep * deep)
        total = a + b
        bend = np.float32(4 * self.squareness**2)
        root = np.sqrt(np.maximum(total * total - bend * a * b, 0))
        k0 = np.sqrt((total + root) * np.float32(0.5)) + np.float32(1e-4)
        radial = np.sqrt(xx + yy) * (1 - 1 / k0)
        radial = np.where(k0 < 0.05, -np.minimum(wide, deep), radial)
        ends = np.maximum(np.float32(bottom) - z, z - np.float32(top))
        return np.asarray(np.maximum(radial, ends), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Common:
    """The part that two bodies share; ``inset_mm`` shrinks the second one."""

    first: Shape
    second: Shape
    inset_mm: float = 0.0

    def bounds(self) -> Bounds:
        """Return the overlap of both boxes."""
        (low_a, high_a), (low_b, high_b) = self.first.bounds(), self.second.bounds()
        low, high = np.maximum(low_a, low_b), np.minimum(high_a, high_b)
        return low, np.maximum(low, high)

    def distance(self, x: Float32, y: Float32, z: Float32) -> Float32:
        """Return the larger of both distances."""
        inner = self.second.distance(x, y, z) + np.float32(self.inset_mm)
        return np.asarray(np.maximum(self.first.distance(x, y, z), inner), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Without:
    """The first body less the second."""

    first: Shape
    second: Shape

    def bounds(self) -> Bounds:
        """Return the first body's box."""
        return self.first.bounds()

    def distance(self, x: Float32, y: Float32, z: Float32) -> Float32:
        """Return the larger of the first distance and the second's negative."""
        outer = np.maximum(self.first.distance(x, y, z), -self.second.distance(x, y, z))
        return np.asarray(outer, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Offset:
    """A body grown by ``by_mm`` (shrunk where negative)."""

    shape: Shape
    by_mm: float

    def bounds(self) -> Bounds:
        """Return the box grown alike."""
        low, high = self.shape.bounds()
        middle = (low + high) / 2
        return np.minimum(low - self.by_mm, middle), np.maximum(high + self.by_mm, middle)

    def distance(self, x: Float32, y: Float32, z: Float32) -> Float32:
        """Return the distance less the growth."""
        return np.asarray(self.shape.distance(x, y, z) - np.float32(self.by_mm), dtype=np.float32)


def ellipsoid(centre_mm: ArrayLike, radii_mm: ArrayLike, axes: Float64 | None = None) -> Ellipsoid:
    """Return an :class:`Ellipsoid` from plain sequences."""
    return Ellipsoid(np.asarray(centre_mm, np.float64), np.asarray(radii_mm, np.float64), axes)


def tube(points_mm: ArrayLike, radii_mm: float | Sequence[float], *, step_mm: float = 12.0) -> tuple[Capsule, ...]:
    """Return a smooth tube through ``points_mm`` as rods of at most about ``step_mm`` length.

    Parameters
    ----------
    points_mm : array_like
        ``(n, 3)``, n at least 2; a cubic spline over the chord length runs through them.
    radii_mm : float or sequence of float
        One radius, or one per point.
    """
    points = np.asarray(points_mm, dtype=np.float64)
    radii = np.full(len(points), radii_mm, np.float64) if np.isscalar(radii_mm) else np.asarray(radii_mm, np.float64)
    chord = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    n_rods = max(1, int(np.ceil(chord[-1] / step_mm)))
    at = np.linspace(0.0, chord[-1], n_rods + 1)
    bend = "natural" if len(points) > 2 else "not-a-knot"
    path = CubicSpline(chord, points, bc_type=bend)(at)
    width = np.interp(at, chord, radii)
    return tuple(Capsule(path[n], path[n + 1], float(width[n]), float(width[n + 1])) for n in range(n_rods))
