"""A course plan to what the layouts of published data sets have in common: voxels, truth and the simulated marker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from psmacore import __version__
from psmacore.errors import UsageError
from psmacore.model.geometry import Geometry
from psmacore.phantom.course import CoursePlan, SimulatedTimepoint, simulate_timepoint
from psmacore.phantom.shapes import Float32
from psmacore.phantom.truth import lesion_json, lesion_truths
from psmacore.phantom.version import PHANTOM_VERSION, phantom_stamp

MARKER = "simulated.json"
FAST = 1
_STATEMENT = "Simulated data, no real person; not for clinical use"


@dataclass(frozen=True)
class CaseRequest:
    """What a case of a published layout is asked to be.

    Parameters
    ----------
    seed : int
        The man; the same seed gives the same files.
    tracer : str
        ``psma-11``, ``psma-1007``, ``dcfpyl`` or ``fdg``; of a pair, that of the PSMA study.
    n_lesions : int or None
        Distinct lesions, 0 to 60; drawn where ``None``.
    quick : bool
        Coarse grids.
    """

    seed: int
    tracer: str = "psma-11"
    n_lesions: int | None = None
    quick: bool = False

    def as_json(self, layout: str, **more: object) -> dict[str, object]:
        """Return the request as the marker holds it."""
        return {"layout": layout, **asdict(self), **more, "phantom_version": PHANTOM_VERSION, "version": __version__}


def is_negative(seed: int, share: float) -> bool:
    """Return whether the man of ``seed`` is one of the ``share`` without lesions; exact in any row of seeds."""
    if not 0.0 <= share <= 1.0:
        raise UsageError(f"the share of patients without lesions must lie within 0 and 1, not {share}")
    return int((seed + 1) * share + 1e-9) > int(seed * share + 1e-9)


@dataclass(frozen=True, eq=False)
class SimulatedStudy:
    """One PET/CT study as published data sets hold it.

    Parameters
    ----------
    ct_hu, ct_organs : numpy.ndarray
        ``(k, j, i)`` on the CT grid: int16 HU, and uint8 organ labels as ``psmacore.model.organs`` numbers them.
    lesions : numpy.ndarray
        ``(k, j, i)``, uint16, on the PET grid: the phantom's truth where the PET with noise reaches the threshold
        too (D02: voxels below the threshold are no disease); 0 background, otherwise the lesion's id.
    """

    timepoint: SimulatedTimepoint
    ct_hu: NDArray[np.int16]
    ct_organs: NDArray[np.uint8]
    lesions: NDArray[np.uint16]

    @property
    def pet_suv(self) -> Float32:
        """SUVbw in g/ml, ``(k, j, i)``, float32."""
        return self.timepoint.pet.suv

    @property
    def burden(self) -> NDArray[np.uint8]:
        """All lesions as one mask, ``(k, j, i)``, uint8, 0 and 1."""
        return (self.lesions > 0).astype(np.uint8)


def simulate_study(plan: CoursePlan, date_index: int = 0) -> SimulatedStudy:
    """Simulate PET, CT, organ labels on the CT grid, and the truth."""
    timepoint = simulate_timepoint(plan, date_index)
    slabs = list(timepoint.iterate_labelled_ct())
    image = timepoint.pet
    return SimulatedStudy(
        timepoint=timepoint,
        ct_hu=np.concatenate([slab.hu for slab in slabs]),
        ct_organs=np.concatenate([slab.organs for slab in slabs]),
        lesions=np.where(image.suv >= np.float32(timepoint.threshold_suv), image.lesion_labels, 0).astype(np.uint16),
    )


def study_json(study: SimulatedStudy) -> dict[str, Any]:
    """Return what the marker says of one study; lesions are measured in the published mask."""
    timepoint = study.timepoint
    image = replace(timepoint.pet, lesion_labels=study.lesions)
    position = timepoint.plan.lps_from_body[timepoint.date_index]
    truths = lesion_truths(image, timepoint.pet_geometry, timepoint.plan.lesions, timepoint.date_index, position)
    lesions = [lesion_json(truth, "") for truth in truths]
    for lesion in lesions:
        del lesion["mask"], lesion["label"]
    acquisition = timepoint.acquisition
    return {
        "tracer": timepoint.plan.tracer.value,
        "date": acquisition.study_at.date().isoformat(),
        "threshold_suv": timepoint.threshold_suv,
        "burden_ml": round(float(np.count_nonzero(study.lesions)) * timepoint.pet_geometry.voxel_volume_ml, 6),
        "lesions": lesions,
        "liver_suv": round(image.liver_suv, 4),
        "weight_kg": acquisition.weight_kg,
        "injected_activity_bq": acquisition.activity_bq,
        "uptake_min": round(acquisition.uptake_min, 3),
        "scanner": {key: round(value, 4) for key, value in asdict(timepoint.scanner).items()},
    }


def marker_json(plan: CoursePlan, request: Mapping[str, object], **more: object) -> dict[str, object]:
    """Return the marker that every simulated case carries."""
    return {
        "simulated": True,
        "statement": _STATEMENT,
        "patient_id": plan.patient_id,
        "seed": plan.seed,
        "phantom": phantom_stamp(),
        **more,
        "request": dict(request),
    }


def itk_image(values: NDArray[Any], geometry: Geometry) -> sitk.Image:
    """Return voxels ``(k, j, i)`` as a SimpleITK image in LPS."""
    image = sitk.GetImageFromArray(values)
    image.SetSpacing([float(value) for value in geometry.spacing_ijk_mm])
    image.SetOrigin([float(value) for value in geometry.origin_lps_mm])
    image.SetDirection([float(value) for value in geometry.directions_lps.ravel()])
    return image


def ct_on_pet_grid(study: SimulatedStudy) -> NDArray[np.int16]:
    """Return the CT in HU on the PET grid, ``(k, j, i)``, int16: linear, rounded, -1024 beyond the CT."""
    grid = study.timepoint.pet_geometry
    reference = sitk.Image(grid.shape[::-1], sitk.sitkInt16)
    reference.CopyInformation(itk_image(np.zeros(grid.shape, np.int16), grid))
    moving = itk_image(study.ct_hu, study.timepoint.ct_geometry)
    moved = sitk.Resample(moving, reference, sitk.Transform(), sitk.sitkLinear, -1024.0, sitk.sitkFloat32)
    return np.asarray(np.rint(sitk.GetArrayFromImage(moved)), dtype=np.int16)
