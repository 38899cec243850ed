"""A man's build to his bones, each with its label, cortex over spongiosa."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from psmacore.model.organs import ORGAN_NUMBERS
from psmacore.phantom.habitus import Frame
from psmacore.phantom.shapes import Capsule, Column, Common, Ellipsoid, Offset, Shape, Without, rotation_deg
from psmacore.phantom.tissue import Region, Structure, Tissue

SIDES = (("right", -1.0), ("left", 1.0))

# Vertebra: z of its centre, y of its body's centre, half width, half depth, half height (mm, template).
VERTEBRAE: dict[str, tuple[float, float, float, float, float]] = {
    "L5": (126, 30, 25, 17, 14.0), "L4": (160, 22, 24.5, 17, 14.0), "L3": (195, 18, 24, 17, 14.0),
    "L2": (229, 20, 23, 16.5, 13.5), "L1": (262, 25, 22, 16, 13.5), "T12": (292, 31, 21, 15.5, 12.5),
    "T11": (320, 36, 20, 15, 11.5), "T10": (346, 41, 18.5, 15, 11.0), "T9": (371, 46, 17.5, 15, 10.5),
    "T8": (396, 50, 16.5, 14.5, 10.5), "T7": (420, 52, 16, 14, 10.0), "T6": (444, 53, 15.5, 13.5, 9.8),
    "T5": (467, 52, 15, 13, 9.5), "T4": (489, 49, 14.5, 12.5, 9.2), "T3": (511, 45, 14.5, 12, 9.0),
    "T2": (532, 39, 15, 11.5, 8.8), "T1": (553, 32, 15.5, 11, 8.5), "C7": (573, 25, 14.5, 10, 8.0),
    "C6": (591, 19, 13.5, 9.5, 7.0), "C5": (608, 14, 13, 9.0, 6.8), "C4": (625, 11, 12.5, 9.0, 6.8),
    "C3": (642, 9, 12, 9.0, 6.8), "C2": (661, 8, 12, 9.0, 8.5), "C1": (680, 7, 17, 7.0, 5.5),
}  # fmt: skip

# Rib cage, outer surface: z, half width, half depth, centre y (mm, template).
CAGE = np.array(
    [
        [190, 122, 84, 6], [255, 128, 90, 4], [300, 134, 94, 0], [350, 139, 98, -1], [400, 139, 98, 0],
        [450, 128, 90, 4], [490, 106, 75, 10], [520, 80, 58, 18], [545, 52, 38, 26], [562, 26, 20, 28],
    ],
    dtype=np.float64,
)  # fmt: skip
_RIB_REACH = (0.97, 0.95, 0.92, 0.89, 0.87, 0.85, 0.83, 0.79, 0.74, 0.68, 0.52, 0.36)
_RIB_DROP_MM = (28, 38, 46, 54, 60, 66, 70, 74, 76, 74, 52, 34)


def cage(frame: Frame, inset_mm: float = 0.0) -> Column:
    """Return the rib cage's inside, ``inset_mm`` within its outer surface."""
    z, wide, deep, middle = CAGE.T
    sx, sy, sz = frame.scale
    return Column(
        z_mm=z * sz,
        half_width_mm=np.maximum(wide * sx - inset_mm, 4.0),
        half_depth_mm=np.maximum(deep * sy - inset_mm, 4.0),
        centre_y_mm=middle * sy,
        squareness=0.45,
    )


def _bone(name: str, parts: Sequence[Shape], cortex_mm: float = 2.5, label: int | None = None) -> list[Structure]:
    number = ORGAN_NUMBERS[name] if label is None else label
    inner = tuple(Offset(part, -cortex_mm) for part in parts if _thickness_mm(part) > cortex_mm + 0.5)
    return [
        Structure(name, Tissue.BONE, Region.MARROW, number, tuple(parts)),
        Structure(f"{name}_spongiosa", Tissue.SPONGIOSA, Region.MARROW, None, inner),
    ]


def _thickness_mm(part: Shape) -> float:
    if isinstance(part, Capsule):
        return min(part.start_radius_mm, part.end_radius_mm)
    low, high = part.bounds()
    return float((part.radii_mm if isinstance(part, Ellipsoid) else (high - low) / 2).min())


def _vertebra_body(frame: Frame, z: float, y: float, wide: float, deep: float, high: float) -> Column:
    sx, sy, sz = frame.scale
    waist = np.array([1.0, 0.92, 0.9, 0.92, 1.0])
    return Column(
        z_mm=(z + high * np.linspace(-1, 1, 5)) * sz,
        half_width_mm=wide * sx * waist,
        half_depth_mm=deep * sy * waist,
        centre_y_mm=np.full(5, y * sy),
        squareness=0.35,
    )


def _spine(frame: Frame) -> list[Structure]:
    path = [[0, y, z] for z, y, _, _, _ in VERTEBRAE.values()]
    widths = tuple(0.8 * deep for _, _, _, deep, _ in VERTEBRAE.values())
    discs = frame.pipe([[0, 38, 108], *path], (13.0, *widths), step_mm=14)
    result = [Structure("discs", Tissue.DISC, Region.SOFT, 0, discs)]
    for name, (z, y, wide, deep, high) in VERTEBRAE.items():
        size = deep / 17
        parts: list[Shape] = [_vertebra_body(frame, z, y, wide, deep, high)]
        for _, side in SIDES:
            root, tip = [side * 15 * size, y + deep + 12 * size, z], [side * 0.5, y + deep + 21 * size, z - 3]
            parts += frame.pipe([[side * 12 * size, y + deep - 3, z], root], 4.2)
            parts += frame.pipe([root, [side * 36 * size, y + deep + 16 * size, z + 1]], 4.0)
            parts += frame.pipe([root, tip], 3.8)
        parts += frame.pipe([[0, y + deep + 20 * size, z - 3], [0, y + deep + 40 * size, z - 12 * size]], 3.8)
        result += _bone(f"vertebrae_{name}", parts)
    canal = [[0, y + deep + 9, z] for z, y, _, deep, _ in VERTEBRAE.values()]
    cord = frame.pipe([[0, 62, 90], *canal, [0, 24, 695]], 6.5, step_mm=14)
    return [*result, Structure("spinal_cord", Tissue.SOFT, Region.SOFT, ORGAN_NUMBERS["spinal_cord"], cord)]


def rib_path(rib: int, side: float, n_points: int = 11) -> list[list[float]]:
    """Return the course of rib ``rib`` (1 to 12) in template coordinates, from its vertebra to its front end."""
    z, y, wide, _, _ = VERTEBRAE[f"T{rib}"]
    points = [[side * (wide + 6), y + 12, z]]
    for share in np.linspace(0.16, _RIB_REACH[rib - 1], n_points - 1):
        height = z - _RIB_DROP_MM[rib - 1] * share**1.2
        across, deep, middle = (float(np.interp(height, CAGE[:, 0], CAGE[:, n])) for n in (1, 2, 3))
        angle = np.pi * share
        points.append([side * (across - 5) * np.sin(angle), middle + (deep - 5) * np.cos(angle), height])
    return points


def _ribs(frame: Frame) -> list[Structure]:
    result = []
    cartilage: list[Shape] = []
    for word, side in SIDES:
        for rib in range(1, 13):
            path = rib_path(rib, side)
            result += _bone(f"rib_{word}_{rib}", frame.pipe(path, 5.2, step_mm=16), cortex_mm=1.8)
            if rib <= 10:
                target = max(352.0, 488.0 - 21 * (rib - 1))
                front = [side * 16, float(np.interp(target, (350, 495), (-100, -64))), target]
                cartilage += frame.pipe([path[-1], front], 4.6, step_mm=20)
    number = ORGAN_NUMBERS["costal_cartilages"]
    first = Structure("costal_cartilages", Tissue.CARTILAGE, Region.SOFT, number, tuple(cartilage))
    sternum = [
        frame.ball([0, -69, 482], [27, 7, 24], rotation_deg(-14)),
        frame.ball([0, -85, 418], [19, 6.5, 58], rotation_deg(-14)),
    ]
    return [first, *result, *_bone("sternum", sternum, cortex_mm=2.0)]


def _shoulders(frame: Frame) -> list[Structure]:
    result = []
    for word, side in SIDES:
        blade = frame.ball([side * 104, 76, 452], [44, 4.6, 66], rotation_deg(-8, side * 12, side * -28))
        spine = frame.pipe([[side * 78, 92, 486], [side * 128, 66, 508], [side * 160, 22, 520]], 5.5)
        socket = frame.ball([side * 134, 30, 500], [11, 10, 17])
        result += _bone(f"scapula_{word}", [blade, *spine, socket], cortex_mm=1.8)
        bend = [[side * 20, -62, 500], [side * 64, -66, 512], [side * 110, -26, 524], [side * 150, 2, 524]]
        result += _bone(f"clavicula_{word}", frame.pipe(bend, 6.0), cortex_mm=2.0)
        shaft = frame.pipe([[side * 156, 14, 508], [side * 180, 2, 600], [side * 186, -12, 900]], (14.0, 11, 11))
        head = frame.ball([side * 154, 16, 502], [23, 23, 24])
        result += _bone(f"humerus_{word}", [*shaft, head], cortex_mm=4.0)
    return result


def _pelvis(frame: Frame) -> list[Structure]:
    result = []
    path = [[0, 44, 104], [0, 62, 72], [0, 78, 40], [0, 76, 14], [0, 66, -6]]
    wings = [frame.ball([side * 34, 54, 86], [24, 18, 30], rotation_deg(0, side * 12, 0)) for _, side in SIDES]
    result += _bone("sacrum", [*frame.pipe(path, (21, 19, 15, 10, 5)), *wings])
    for word, side in SIDES:
        wing = frame.ball([side * 98, 28, 86], [9.5, 62, 62], rotation_deg(0, side * 22, side * -38))
        parts: list[Shape] = [wing]
        parts += frame.pipe([[side * 62, 62, 92], [side * 78, 46, 60], [side * 84, 20, 26]], 13.0)
        socket = Without(frame.ball([side * 88, 2, 4], [33, 31, 33]), frame.ball([side * 92, 0, 0], [26, 26, 26]))
        parts.append(socket)
        parts += frame.pipe([[side * 66, -20, 14], [side * 38, -48, 4], [side * 11, -58, -8]], (9.0, 7.5, 9.0))
        parts += frame.pipe([[side * 76, 26, -16], [side * 64, 34, -52]], (13.0, 14.0))
        parts += frame.pipe([[side * 60, 26, -62], [side * 34, -14, -52], [side * 13, -52, -22]], 6.5)
        result += _bone(f"hip_{word}", parts)
        neck = frame.pipe([[side * 90, 0, 0], [side * 128, 8, -26]], (17.0, 16.0))
        shaft = frame.pipe([[side * 130, 9, -24], [side * 120, 6, -110], [side * 104, 2, -340]], (19.0, 14.5, 14.0))
        knob = frame.ball([side * 136, 14, -16], [14, 16, 20])
        head = frame.ball([side * 90, 0, 0], [24, 24, 24])
        result += _bone(f"femur_{word}", [head, *neck, knob, *shaft], cortex_mm=4.5)
    return result


def _skull(frame: Frame) -> list[Structure]:
    outer, inner = frame.ball([0, -4, 748], [73, 93, 81]), frame.ball([0, -3, 749], [66.5, 86, 74.5])
    floor = frame.ball([0, 2, 700], [56, 66, 10])
    vault = Without(outer, inner)
    jaw = frame.pipe(
        [[-49, -14, 694], [-47, -30, 656], [-26, -82, 636], [0, -96, 634], [26, -82, 636], [47, -30, 656],
         [49, -14, 694]], 6.5,
    )  # fmt: skip
    face: list[Shape] = [frame.ball([0, -72, 682], [34, 22, 24])]
    for _, side in SIDES:
        face += frame.pipe([[side * 34, -78, 698], [side * 58, -56, 704], [side * 66, -22, 706]], 5.0)
        face.append(
            Without(frame.ball([side * 32, -82, 722], [24, 15, 21]), frame.ball([side * 32, -84, 722], [18, 20, 16]))
        )
    brain = Structure("brain", Tissue.BRAIN, Region.BRAIN, ORGAN_NUMBERS["brain"], (inner,))
    base = Common(floor, inner)
    skull = Structure("skull", Tissue.SKULL, Region.MARROW, ORGAN_NUMBERS["skull"], (vault, base, *jaw, *face))
    return [brain, skull]


def bones(frame: Frame) -> list[Structure]:
    """Return all bones in painting order, with the brain and the spinal cord that they hold."""
    return [*_skull(frame), *_spine(frame), *_ribs(frame), *_shoulders(frame), *_pelvis(frame)]
