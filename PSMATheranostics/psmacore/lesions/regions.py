"""A confluent lesion to one lesion per anatomical region that it fills."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from psmacore.lesions.drafts import Draft, box_of, hills, voxels_kji
from psmacore.model.organs import LIVER, ORGAN_NUMBERS, ORGANS, PROSTATE
from psmacore.model.volumes import OrganMap, SuvVolume

_LEAST_PART_ML = 1.0  # smaller parts are the edge of a lesion that crosses a border
_DIFFUSE_PART_ML = 10.0  # a part this large is disease of its region also without a peak of its own
_DOMINANT = 0.5  # of a part's voxels inside its region's labels
_SIDED = ("hip", "femur", "humerus", "scapula", "clavicula")


def _region_table() -> NDArray[np.int64]:
    """Return the region's number by organ label; 0 for labels that lesions are not divided by."""
    names = ["cervical", "thoracic", "lumbar", "sacrum", "skull", "sternum", "prostate", "liver"]
    names += [f"{bone}_{side}" for bone in (*_SIDED, "rib") for side in ("left", "right")]
    regions = {name: number for number, name in enumerate(names, start=1)}
    spine = {"C": "cervical", "T": "thoracic", "L": "lumbar", "S": "sacrum"}
    table = np.zeros(max(ORGANS) + 1, np.int64)
    for name, number in ORGAN_NUMBERS.items():
        if name.startswith("vertebrae_"):
            table[number] = regions[spine[name.removeprefix("vertebrae_")[0]]]
        elif name.startswith("rib_"):
            table[number] = regions["_".join(name.split("_")[:2])]
        elif name in regions:
            table[number] = regions[name]
    table[LIVER], table[PROSTATE] = regions["liver"], regions["prostate"]
    return table


_REGION_OF = _region_table()


def split_by_region(draft: Draft, suv: SuvVolume, organs: OrganMap) -> list[Draft]:
    """Return the draft, or one draft per region where it is confluent disease of several.

    Spine sections, sacrum, hips, ribs of a side and so on are regions, and so are prostate and liver. A voxel
    outside of all belongs to the nearest. A part counts by itself if it holds at least 1 ml, lies mostly inside
    its region, and has either a peak of its own or at least 10 ml: a focal lesion at a border is not cut.

    Parameters
    ----------
    draft : Draft
        One connected component; one that does not count is returned as it is.
    suv : SuvVolume
        SUVbw in g/ml.
    organs : OrganMap
        On the same grid.

    Returns
    -------
    list of Draft
        Together they hold the draft's voxels.

    References
    ----------
    STANDARDS D.2: a lesion is a connected component after splitting by anatomical region.
    """
    if not draft.state.counts:
        return [draft]
    region = _regions(organs.labels.reshape(-1)[draft.voxels])
    voxel_ml = suv.geometry.voxel_volume_ml
    n_in = np.bincount(region)
    n_in[0] = 0
    standing = np.flatnonzero(n_in * voxel_ml >= _LEAST_PART_ML)
    if len(standing) < 2:
        return [draft]
    peaks = np.array([hill[np.argmax(suv.values.reshape(-1)[hill])] for hill in hills(draft, suv)])
    while len(standing) > 1:
        part = _nearest_of(draft, suv, region, standing)
        weak = [number for number in standing if not _stands(part == number, region == number, draft, peaks, voxel_ml)]
        if not weak:
            return [replace(draft, voxels=draft.voxels[part == number]) for number in standing]
        smallest = min(weak, key=lambda number: (n_in[number], number))
        standing = standing[standing != smallest]
    return [draft]


def _regions(labels: NDArray[np.uint16]) -> NDArray[np.int64]:
    known = labels < len(_REGION_OF)
    return np.where(known, _REGION_OF[np.where(known, labels, 0)], 0)


def _nearest_of(
    draft: Draft, suv: SuvVolume, region: NDArray[np.int64], standing: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return for each voxel of the draft the nearest standing region, by distance in mm."""
    at, shape = box_of(voxels_kji(draft, suv))
    seeds = np.zeros(shape, np.int64)
    seeds[at] = np.where(np.isin(region, standing), region, 0)
    nearest = ndimage.distance_transform_edt(
        seeds == 0, sampling=suv.geometry.spacing_kji_mm, return_distances=False, return_indices=True
    )
    return np.asarray(seeds[tuple(nearest)][at], dtype=np.int64)


def _stands(
    part: NDArray[np.bool_], inside: NDArray[np.bool_], draft: Draft, peaks: NDArray[np.int64], voxel_ml: float
) -> bool:
    n_voxels = np.count_nonzero(part)
    if np.count_nonzero(inside) < _DOMINANT * n_voxels:
        return False
    return bool(n_voxels * voxel_ml >= _DIFFUSE_PART_ML or np.isin(peaks, draft.voxels[part]).any())
