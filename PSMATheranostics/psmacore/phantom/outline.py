"""A man's build to his outline: skin, subcutaneous fat and the muscle below."""

from __future__ import annotations

import numpy as np

from psmacore.phantom.habitus import Frame
from psmacore.phantom.shapes import Column, Ellipsoid, Shape, rotation_deg
from psmacore.phantom.tissue import Region, Structure, Tissue

SKIN_MM = 2.0

# Surface of the muscles of a lean man: z, half width, half depth, centre y (mm); last column: share of the waist's fat.
_TRUNK = np.array(
    [
        [-62, 120, 78, 12, 0.9],
        [-30, 158, 94, 12, 1.1],
        [0, 166, 100, 12, 1.2],
        [50, 164, 100, 12, 1.2],
        [100, 154, 96, 12, 1.1],
        [150, 146, 94, 10, 1.0],
        [220, 144, 96, 8, 0.95],
        [300, 150, 104, 2, 0.8],
        [350, 154, 107, 0, 0.7],
        [400, 157, 108, 0, 0.65],
        [450, 164, 102, 4, 0.6],
        [490, 172, 92, 8, 0.55],
        [512, 158, 80, 14, 0.5],
        [532, 112, 66, 20, 0.45],
        [552, 66, 56, 22, 0.4],
    ],
    dtype=np.float64,
)
_BELLY_Z = (40.0, 190.0, 330.0)


def trunk(frame: Frame, layer_mm: float = 0.0, fat_share: float = 0.0) -> Column:
    """Return the trunk's surface, grown by ``layer_mm`` and by ``fat_share`` of the fat at each height."""
    z, wide, deep, middle, share = _TRUNK.T
    belly = np.interp(z, _BELLY_Z, (0.0, 1.0, 0.15), left=0.0, right=0.0) * frame.habitus.belly_mm
    fat = share * frame.habitus.fat_mm * fat_share + layer_mm
    sx, sy, sz = frame.scale
    return Column(
        z_mm=z * sz,
        half_width_mm=wide * sx + 0.45 * belly + fat,
        half_depth_mm=deep * sy + 0.5 * belly + fat,
        centre_y_mm=middle * sy - 0.5 * belly,
        squareness=0.72,
    )


def _limbs(frame: Frame, layer_mm: float, fat_share: float) -> list[Shape]:
    grow = layer_mm + fat_share * 0.75 * frame.habitus.fat_mm
    thin = layer_mm + fat_share * 0.30 * frame.habitus.fat_mm
    parts: list[Shape] = []
    for side in (-1.0, 1.0):
        thigh = (76 + grow, 74 + grow, 66 + grow)
        parts += frame.pipe([[side * 90, 14, -15], [side * 90, 12, -120], [side * 80, 10, -340]], thigh, step_mm=60)
        arm = (50 + thin, 42 + thin, 36 + thin)
        parts += frame.pipe([[side * 150, 12, 492], [side * 182, 0, 600], [side * 186, -14, 900]], arm, step_mm=60)
    neck = (62 + thin, 55 + thin, 58 + thin)
    parts += frame.pipe([[0, 24, 530], [0, 16, 600], [0, 2, 700]], neck, step_mm=30)
    parts += [_grown(frame, [0, -4, 748], [73, 93, 81], layer_mm + 4), _grown(frame, [0, -46, 690], [54, 58, 62], thin)]
    return parts


def _grown(frame: Frame, centre_mm: list[float], radii_mm: list[float], by_mm: float) -> Ellipsoid:
    shape = frame.ball(centre_mm, radii_mm)
    return Ellipsoid(shape.centre_mm, shape.radii_mm + by_mm)


def _buttocks(frame: Frame, by_mm: float) -> list[Shape]:
    return [_grown(frame, [side * 70, 62, -5], [74, 48, 66], by_mm) for side in (-1.0, 1.0)]


def outline(frame: Frame) -> list[Structure]:
    """Return skin, fat and muscle in painting order, without organ labels."""
    layers = (
        ("skin", Tissue.SKIN, Region.SOFT, SKIN_MM, 1.0),
        ("subcutaneous_fat", Tissue.FAT, Region.FAT, 0.0, 1.0),
        ("muscle", Tissue.MUSCLE, Region.MUSCLE, 0.0, 0.0),
    )
    result = []
    for name, tissue, region, layer, share in layers:
        parts = [trunk(frame, layer, share), *_limbs(frame, layer, share)]
        parts += _buttocks(frame, layer + share * 0.9 * frame.habitus.fat_mm)
        if share:
            parts.append(_grown(frame, [0, -70, -62], [30, 26, 34], layer))
        result.append(Structure(name, tissue, region, 0, tuple(parts)))
    return [*result, _muscle_seams(frame)]


def _muscle_seams(frame: Frame) -> Structure:
    """Thin sheets of fat between the large muscles, which give the muscle its texture on CT."""
    parts: list[Shape] = []
    for side in (-1.0, 1.0):
        lean = rotation_deg(0, 0, side * 25)
        parts.append(frame.ball([side * 62, 52, -8], [56, 2.2, 60], lean))
        parts.append(frame.ball([side * 108, 42, 50], [2.4, 38, 52], rotation_deg(0, 0, side * -20)))
        for degrees in (20, 80, 150):
            plane = rotation_deg(0, 0, degrees * side)
            parts.append(frame.ball([side * 92, 12, -150], [60, 1.8, 130], plane))
        parts.append(frame.ball([side * 120, 30, 450], [36, 2.0, 60], rotation_deg(0, 0, side * 40)))
        parts.append(frame.ball([side * 40, 74, 420], [34, 1.6, 150], rotation_deg(0, 0, side * -8)))
    return Structure("intermuscular_fat", Tissue.FAT, Region.FAT, 0, tuple(parts))
