"""A man's build to the organs of chest and abdomen."""

from __future__ import annotations

import numpy as np

from psmacore.model.organs import ORGAN_NUMBERS
from psmacore.phantom.habitus import Frame, random_stream
from psmacore.phantom.outline import trunk
from psmacore.phantom.shapes import Capsule, Column, Common, Offset, Shape, Without, rotation_deg
from psmacore.phantom.skeleton import SIDES, cage
from psmacore.phantom.tissue import Region, Structure, Tissue, organ_part

WALL_MM = 13.0


def _domes(frame: Frame) -> tuple[Shape, Shape]:
    return frame.ball([-68, -2, 288], [80, 92, 92]), frame.ball([64, 2, 278], [74, 88, 84])


def abdominal_cavity(frame: Frame) -> tuple[Shape, ...]:
    """Return the space of the abdominal organs: a column from the pelvic floor to the domes of the diaphragm."""
    wall = trunk(frame)
    top = 300 * frame.scale[2]
    heights = np.linspace(-34 * frame.scale[2], top, 40)
    shrink = np.interp(
        heights / frame.scale[2], (-34, -20, -5, 30, 90, 130, 300), (0.12, 0.32, 0.46, 0.52, 0.66, 0.92, 0.93)
    )
    wide = np.interp(heights, wall.z_mm, wall.half_width_mm) - WALL_MM
    deep = np.interp(heights, wall.z_mm, wall.half_depth_mm)
    middle = np.interp(heights, wall.z_mm, wall.centre_y_mm)
    front = middle - deep + WALL_MM + np.interp(heights / frame.scale[2], (-34, 0), (46, 0)) * frame.scale[1]
    back = (
        np.interp(heights / frame.scale[2], (-34, -12, 30, 90, 140, 230, 300), (30, 52, 64, 62, 50, 72, 80))
        * frame.scale[1]
    )
    column = Column(heights, np.maximum(wide * shrink, 20), (back - front) / 2, (back + front) / 2, squareness=0.6)
    chest = cage(frame, 9.0)
    return column, *(Common(dome, chest) for dome in _domes(frame))


def chest(frame: Frame) -> list[Structure]:
    """Return lungs, mediastinum, heart and airways; the diaphragm's domes are cut out of the lungs."""
    inside: Shape = cage(frame, 8.0)
    for dome in _domes(frame):
        inside = Without(inside, Offset(dome, 3.0))
    result = []
    for word, side in SIDES:
        half = Common(inside, frame.ball([side * 92, 0, 430], [84, 130, 190]))
        upper = frame.ball([side * 90, -72, 515], [110, 96, 130], rotation_deg(28))
        lower, top = f"lung_lower_lobe_{word}", f"lung_upper_lobe_{word}"
        result += [
            organ_part(lower, Tissue.LUNG, Region.LUNG, half),
            organ_part(top, Tissue.LUNG, Region.LUNG, Common(half, upper)),
        ]
        if word == "right":
            middle = frame.ball([side * 70, -90, 385], [90, 70, 36])
            result.append(organ_part("lung_middle_lobe_right", Tissue.LUNG, Region.LUNG, Common(half, middle)))
    fat = (frame.ball([2, -18, 440], [40, 74, 120]), frame.ball([0, 0, 530], [46, 40, 60]))
    result.append(Structure("mediastinum", Tissue.VISCERAL_FAT, Region.BLOOD, 0, fat, hu=-40.0))
    result += _lung_vessels(frame) + _heart(frame)
    airway = frame.pipe([[0, -20, 640], [0, 2, 590], [0, 14, 540], [0, 20, 482]], 8.5)
    bronchi = [
        rod for _, side in SIDES for rod in frame.pipe([[0, 20, 484], [side * 22, 24, 462], [side * 44, 28, 440]], 6.0)
    ]
    walls = tuple(Offset(rod, 2.0) for rod in (*airway, *bronchi))
    result.append(Structure("airway_walls", Tissue.SOFT, Region.SOFT, 0, walls))
    result.append(organ_part("trachea", Tissue.AIR, Region.NONE, *airway, *bronchi))
    gullet = frame.pipe([[4, 18, 590], [6, 34, 500], [8, 30, 420], [18, 14, 352]], 7.0)
    result.append(organ_part("esophagus", Tissue.SOFT, Region.SOFT, *gullet))
    lobes = [frame.organ([side * 19, -4, 568], [9, 10, 22]) for _, side in SIDES]
    return [*result, organ_part("thyroid_gland", Tissue.THYROID, Region.THYROID, *lobes)]


def _lung_vessels(frame: Frame) -> list[Structure]:
    rng = random_stream(int(frame.habitus.height_m * 100), "lung vessels")
    rods: list[Capsule] = []
    for _, side in SIDES:
        for _ in range(22):
            end = np.array([side * rng.uniform(55, 112), rng.uniform(-62, 68), rng.uniform(385, 515)])
            start = np.array([side * 38, 18, rng.uniform(425, 465)])
            bend = (start + end) / 2 + rng.normal(0, 6, 3)
            rods += frame.pipe([start, bend, end], (3.6, 2.2, 1.0), step_mm=22)
    return [Structure("lung_vessels", Tissue.BLOOD, Region.BLOOD, None, tuple(rods), hu=20.0)]


def _heart(frame: Frame) -> list[Structure]:
    tilt = rotation_deg(20, 30, -35)
    muscle = frame.organ([26, -34, 402], [46, 60, 48], tilt)
    cavities = (
        frame.ball([38, -28, 396], [21, 31, 21], tilt),
        frame.ball([2, -44, 402], [22, 30, 26], tilt),
        frame.ball([18, 4, 418], [28, 18, 20]),
    )
    trunk_vessel = frame.pipe([[12, -52, 420], [22, -34, 456], [8, -4, 468]], 13.0)
    return [
        organ_part("heart", Tissue.MYOCARDIUM, Region.MYOCARDIUM, muscle),
        Structure("heart_cavities", Tissue.BLOOD, Region.BLOOD, None, cavities),
        Structure("pulmonary_trunk", Tissue.BLOOD, Region.BLOOD, 0, trunk_vessel),
    ]


def vessels(frame: Frame) -> list[Structure]:
    """Return aorta, caval and iliac vessels and the vessels of the neck."""
    aorta = frame.pipe(
        [[0, -26, 425], [-16, -38, 462], [-8, -26, 492], [10, 4, 500], [20, 26, 484], [24, 32, 440], [22, 28, 370],
         [14, 10, 310], [8, -4, 250], [3, -10, 200], [2, -6, 162]],
        (15, 16, 15, 14, 13, 12.5, 12, 11, 10, 9.5, 9),
    )  # fmt: skip
    caval = frame.pipe([[-16, 2, 152], [-22, 2, 210], [-26, -4, 280], [-26, -14, 350], [-22, -22, 386]], 10.5)
    upper = frame.pipe([[-24, -20, 430], [-28, -22, 470], [-26, -30, 505]], 9.5)
    result = [
        organ_part("inferior_vena_cava", Tissue.BLOOD, Region.BLOOD, *caval),
        organ_part("superior_vena_cava", Tissue.BLOOD, Region.BLOOD, *upper),
    ]
    for word, side in SIDES:
        course = iliac_course(side)
        vein = [[x + 2 * side, y + 11, z] for x, y, z in course]
        result.append(organ_part(f"iliac_vena_{word}", Tissue.BLOOD, Region.BLOOD, *frame.pipe(vein, 6.5)))
        result.append(organ_part(f"iliac_artery_{word}", Tissue.BLOOD, Region.BLOOD, *frame.pipe(course, 5.5)))
        carotid = [[side * 12, -18, 502], [side * 22, -4, 560], [side * 27, -6, 640]]
        name = f"common_carotid_artery_{word}"
        result.append(organ_part(name, Tissue.BLOOD, Region.BLOOD, *frame.pipe(carotid, 4.0)))
        jugular = [[side * 30, -28, 512], [side * 34, -4, 570], [side * 34, -2, 650]]
        result.append(Structure(f"jugular_{word}", Tissue.BLOOD, Region.BLOOD, 0, frame.pipe(jugular, 6.0)))
    return [*result, organ_part("aorta", Tissue.BLOOD, Region.BLOOD, *aorta)]


def iliac_course(side: float) -> list[list[float]]:
    """Return the common and external iliac artery in template coordinates, from the bifurcation to the groin."""
    return [[side * 3, -6, 160], [side * 28, 8, 118], [side * 52, 2, 80], [side * 66, -24, 44], [side * 72, -56, 8],
            [side * 78, -58, -40]]  # fmt: skip


def abdomen(frame: Frame) -> list[Structure]:
    """Return the upper abdominal organs, from the fat around them to the adrenal glands."""
    cavity = abdominal_cavity(frame)
    result = [Structure("abdominal_fat", Tissue.VISCERAL_FAT, Region.FAT, 0, cavity)]
    psoas = {
        word: frame.pipe([[side * 28, 34, 265], [side * 42, 36, 190], [side * 52, 32, 130], [side * 66, 6, 60],
                          [side * 84, -20, 10]], (10, 19, 22, 19, 12))
        for word, side in SIDES
    }  # fmt: skip
    result += [organ_part(f"iliopsoas_{word}", Tissue.MUSCLE, Region.MUSCLE, *rods) for word, rods in psoas.items()]
    inner = cage(frame, 11.0)
    lobe = frame.organ([-64, 2, 292], [70, 76, 76], rotation_deg(0, 8, 0))
    tip = frame.organ([-84, 12, 238], [42, 54, 52])
    left = frame.organ([8, -44, 318], [62, 40, 34], rotation_deg(0, -12, 0))
    fits = Offset(_domes(frame)[0], -2.0)
    room = Offset(_domes(frame)[1], -2.0)
    liver = (
        Common(Common(lobe, fits), inner),
        Common(tip, inner),
        Common(Common(left, fits), inner),
        Common(Common(left, room), inner),
    )
    stomach: tuple[Shape, ...] = (
        frame.organ([56, 2, 312], [34, 36, 42]),
        *frame.pipe([[54, -14, 300], [46, -40, 265], [10, -52, 246]], (26, 23, 15)),
    )
    gas = frame.ball([54, -22, 322], [20, 12, 18])
    result += [
        organ_part("liver", Tissue.LIVER, Region.LIVER, *liver),
        organ_part("stomach", Tissue.BOWEL, Region.STOMACH, *stomach),
        Structure("stomach_gas", Tissue.AIR, Region.NONE, None, (gas,)),
        organ_part(
            "spleen",
            Tissue.SPLEEN,
            Region.SPLEEN,
            Common(frame.organ([98, 46, 302], [22, 42, 48], rotation_deg(25, 18, 0)), inner),
        ),
        organ_part(
            "pancreas",
            Tissue.GLAND,
            Region.PANCREAS,
            *frame.pipe([[-24, -14, 226], [2, -22, 244], [40, 2, 268], [72, 26, 284]], (13, 10, 9, 8)),
        ),
        organ_part(
            "gallbladder", Tissue.WATER, Region.GALLBLADDER, frame.organ([-46, -62, 248], [13, 16, 26], vary=0.15)
        ),
    ]
    for word, side in SIDES:
        rods = frame.pipe([[side * 30, 22, 296], [side * 38, 26, 278]], 4.0)
        result.append(organ_part(f"adrenal_gland_{word}", Tissue.SOFT, Region.ADRENAL, *rods))
    return [*result, *_kidneys(frame)]


KIDNEY_Z = {"right": 222.0, "left": 236.0}


def _kidneys(frame: Frame) -> list[Structure]:
    result = []
    for word, side in SIDES:
        z = KIDNEY_Z[word]
        axes = rotation_deg(14, side * -12, side * 20)
        outer = frame.organ([side * 66, 44, z], [28, 26, 56], axes, vary=0.06)
        middle = outer.centre_mm / frame.scale
        sinus = frame.ball(middle + np.array([side * -8, -2, 0]), [13, 12, 30], axes)
        hilum = frame.pipe(
            [middle + np.array([side * -10, -4, 0]), middle + np.array([side * -27, -10, -6])], (8.0, 5.5)
        )
        result += [
            Structure(f"perirenal_fat_{word}", Tissue.VISCERAL_FAT, Region.FAT, None, (Offset(outer, 3.0),)),
            organ_part(f"kidney_{word}", Tissue.KIDNEY, Region.KIDNEY_CORTEX, outer),
            Structure(f"kidney_sinus_{word}", Tissue.VISCERAL_FAT, Region.KIDNEY_PELVIS, None, (sinus,), hu=-20.0),
            Structure(
                f"kidney_pelvis_{word}", Tissue.WATER, Region.KIDNEY_PELVIS, ORGAN_NUMBERS[f"kidney_{word}"], hilum
            ),
        ]
    return result


def _coil(frame: Frame, rng: np.random.Generator, low: list[float], high: list[float], n_points: int) -> list[Capsule]:
    points = [rng.uniform(low, high)]
    for _ in range(n_points - 1):
        drawn = rng.uniform(low, high, (12, 3))
        gap = np.linalg.norm(drawn - points[-1], axis=1)
        points.append(drawn[np.argmin(np.abs(gap - 48))])
    return list(frame.pipe(np.array(points), 11.5, step_mm=16))


def bowel(frame: Frame, rng: np.random.Generator) -> list[Structure]:
    """Return small and large bowel; ``rng`` lays the loops."""
    front = -58 - frame.habitus.belly_mm * 0.55
    ileum = _coil(frame, rng, [-66, front, 92], [66, -14, 190], 34)
    jejunum = _coil(frame, rng, [8, front, 168], [78, -18, 228], 14)
    loop = [
        [2, -46, 246],
        [-26, -38, 250],
        [-40, -14, 240],
        [-42, -6, 206],
        [-22, -6, 186],
        [10, -14, 190],
        [30, -24, 212],
    ]
    frame_front = front - 4
    colon: list[list[float]] = [
             [-92, 2, 108], [-96, 12, 160], [-92, 6, 206], [-70, frame_front + 16, 224], [0, frame_front, 206],
             [66, frame_front + 14, 236], [94, 6, 262], [100, 22, 220], [100, 18, 150], [90, -6, 104], [48, -24, 92],
             [20, 12, 96], [2, 42, 78], [0, 50, 48], [0, 42, 18], [0, 44, -12], [0, 52, -38]]  # fmt: skip
    wide = (24, 23, 21, 19, 18, 18, 17, 15, 14, 14, 14, 14, 16, 18, 17, 12, 9)
    rods = frame.pipe(colon, wide, step_mm=15)
    lumen = tuple(Offset(rod, -3.0) for rod in rods)
    bubbles = tuple(Offset(rod, -5.5) for rod in rods if rng.random() < 0.33)
    return [
        organ_part("small_bowel", Tissue.BOWEL, Region.ILEUM, *ileum),
        Structure("jejunum", Tissue.BOWEL, Region.JEJUNUM, ORGAN_NUMBERS["small_bowel"], tuple(jejunum)),
        organ_part("duodenum", Tissue.BOWEL, Region.DUODENUM, *frame.pipe(loop, 11.5)),
        organ_part("colon", Tissue.BOWEL, Region.COLON, *rods),
        Structure("colon_content", Tissue.STOOL, Region.COLON, None, lumen, hu=-25.0),
        Structure("colon_gas", Tissue.AIR, Region.NONE, None, bubbles, hu=-850.0),
    ]
