"""A simulated image to the truth about its lesions, as values and as truth.json."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import binary_dilation, find_objects

from psmacore.model.geometry import FloatArray, Geometry
from psmacore.model.organs import BLADDER, KIDNEYS, ORGANS, URETERS
from psmacore.phantom.canvas import Canvas
from psmacore.phantom.decoys import Decoy
from psmacore.phantom.lesion_course import Fate
from psmacore.phantom.lesion_plan import PlannedLesion
from psmacore.phantom.pet import PetImage

_URINARY = (BLADDER, *URETERS, *KIDNEYS)


@dataclass(frozen=True)
class LesionTruth:
    """What is true of one lesion on one date.

    Parameters
    ----------
    id : int
        The same at all dates; also the lesion's label in the mask.
    fate : Fate
        Since the date before; ``BELOW_THRESHOLD`` where no voxel belongs to it, ``VANISHED`` where it is gone.
    kind, site : str
        Kind of lesion and its anatomical site.
    centroid_lps_mm : tuple of float
        Mean of its voxel centres; of its planned place where it has none.
    volume_ml : float
        Voxels of its mask times the voxel volume; 0 where it has none.
    suv_max : float
        Highest SUVbw (g/ml) in its mask in the image with noise, before quantisation; 0 where it has none.
    suv_max_noise_free, suv_mean : float
        The same without noise, and the mean with noise.
    size_ml : float
        Simulated volume of tumour tissue.
    touches : tuple of str
        Organs of the urinary tract that its mask touches (26 neighbours).
    """

    id: int
    fate: Fate
    kind: str
    site: str
    centroid_lps_mm: tuple[float, float, float]
    volume_ml: float
    suv_max: float
    suv_max_noise_free: float
    suv_mean: float
    n_voxels: int
    size_ml: float
    touches: tuple[str, ...]


def lesion_truths(
    image: PetImage, geometry: Geometry, lesions: tuple[PlannedLesion, ...], date_index: int, lps_from_body: FloatArray
) -> tuple[LesionTruth, ...]:
    """Return the truth of every lesion that has appeared by this date."""
    boxes = find_objects(image.lesion_labels)
    result = []
    for lesion in lesions:
        state = lesion.states[date_index]
        if state is None:
            continue
        box = boxes[lesion.id - 1] if lesion.id <= len(boxes) else None
        if box is None:
            fate = Fate.VANISHED if state.size_ml <= 0 else Fate.BELOW_THRESHOLD
            place = lps_from_body @ np.array([*state.centre_mm, 1.0])
            centroid = (float(place[0]), float(place[1]), float(place[2]))
            kind, size = lesion.kind.value, state.size_ml
            result.append(LesionTruth(lesion.id, fate, kind, lesion.site, centroid, 0.0, 0.0, 0.0, 0.0, 0, size, ()))
            continue
        result.append(_measured(image, geometry, lesion, state.fate, state.size_ml, box))
    return tuple(result)


def _measured(
    image: PetImage, geometry: Geometry, lesion: PlannedLesion, fate: Fate, size_ml: float, box: tuple[slice, ...]
) -> LesionTruth:
    grown = tuple(slice(max(s.start - 1, 0), s.stop + 1) for s in box)
    mask = image.lesion_labels[grown] == lesion.id
    indices = np.argwhere(mask) + [s.start for s in grown]
    centre = geometry.lps_of_kji(indices).mean(axis=0)
    values = image.suv[grown][mask]
    near = np.unique(image.organ_labels[grown][binary_dilation(mask, np.ones((3, 3, 3), bool))])
    return LesionTruth(
        id=lesion.id,
        fate=fate,
        kind=lesion.kind.value,
        site=lesion.site,
        centroid_lps_mm=(float(centre[0]), float(centre[1]), float(centre[2])),
        volume_ml=len(indices) * geometry.voxel_volume_ml,
        suv_max=float(values.max()),
        suv_max_noise_free=float(image.noise_free[grown][mask].max()),
        suv_mean=float(values.mean(dtype=np.float64)),
        n_voxels=len(indices),
        size_ml=size_ml,
        touches=tuple(ORGANS[int(number)].name for number in near if int(number) in _URINARY),
    )


def lesion_json(truth: LesionTruth, mask: str) -> dict[str, Any]:
    """Return one lesion as truth.json holds it; ``mask`` is the label map's path relative to the file."""
    return {
        "id": truth.id,
        "fate": truth.fate.value,
        "kind": truth.kind,
        "site": truth.site,
        "centroid_lps_mm": [round(value, 3) for value in truth.centroid_lps_mm],
        "volume_ml": round(truth.volume_ml, 6),
        "suv_max": round(truth.suv_max, 6),
        "suv_max_noise_free": round(truth.suv_max_noise_free, 6),
        "suv_mean": round(truth.suv_mean, 6),
        "n_voxels": truth.n_voxels,
        "size_ml": round(truth.size_ml, 4),
        "touches": list(truth.touches),
        "mask": mask,
        "label": truth.id,
    }


def decoy_json(decoy: Decoy, image: PetImage, canvas: Canvas, lps_from_body: FloatArray) -> dict[str, Any]:
    """Return one false lesion as truth.json lists it, with the noise-free maximum that the image shows there."""
    place = lps_from_body @ np.array([*decoy.shape.centre_mm, 1.0])
    box = canvas.box(decoy.shape)
    shown = 0.0 if box is None else float(image.noise_free[box][canvas.coverage(decoy.shape, box) > 0].max(initial=0.0))
    return {
        "kind": decoy.kind.value,
        "site": decoy.site,
        "centroid_lps_mm": [round(float(value), 3) for value in place[:3]],
        "suv_max_noise_free": round(shown, 4),
    }
