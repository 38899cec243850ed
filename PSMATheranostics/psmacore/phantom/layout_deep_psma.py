"""A seed to a case of the DEEP-PSMA challenge's training set: both tracers of one simulated man.

A case ``train_0001`` holds ``PSMA`` and ``FDG``, each with ``CT``, ``PET`` (SUVbw), ``TTB`` (total tumour burden on
the PET grid) and ``totseg_24`` (organ labels on the CT grid) as ``.nii.gz``, ``threshold.json`` with the key
``suv_threshold``, and ``rigid.tfm``. The latter is an ITK ``Euler3DTransform`` whose fixed image is the folder's
own and whose moving image is the other tracer's: it takes a point (LPS, mm) of this folder's images to the same
point of the other folder's, as ``SimpleITK.Resample(other, own, transform)`` wants it. Both are inverses.
Source: deep-psma.grand-challenge.org/dataset-format, and the organisers' conversion script in
``JakobDexl/DEEP-PSMA`` (``00_copy_example_cases_to_input_format.py``); rows D01, D02, D07.

Beyond the published files a case holds ``simulated.json``. Its organ labels include 201 to 208, which
TotalSegmentator has not; the reader removes them (D10).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from psmacore.errors import UsageError
from psmacore.model.geometry import FloatArray, Geometry
from psmacore.phantom.companion import companion_from_lps, plan_pair
from psmacore.phantom.course import plan_course
from psmacore.phantom.folders import Progress, complete_folder, silent, write_json
from psmacore.phantom.layout_common import (
    FAST,
    MARKER,
    CaseRequest,
    SimulatedStudy,
    marker_json,
    simulate_study,
    study_json,
)
from psmacore.phantom.lesion_plan import N_CORE, draw_count
from psmacore.phantom.nifti import write_nifti

LAYOUT = "deep-psma"


def write_deep_psma_case(out: Path, request: CaseRequest, *, on_progress: Progress = silent) -> Path:
    """Write the case ``train_<seed>`` into the data set's folder ``out``, complete or absent.

    Lesions are in every case (D03): where their number is not given, it is drawn, and at least six. The FDG
    study is that of :func:`psmacore.phantom.companion.plan_pair`.

    Returns
    -------
    pathlib.Path
        The case's ``simulated.json``; a complete case of an equal request is kept.

    Raises
    ------
    UsageError
        If the tracer is FDG or unknown, a number is out of range, or the folder holds something else.
    """
    if request.tracer == "fdg":
        raise UsageError("the deep-psma layout holds FDG beside a PSMA tracer: name the PSMA tracer, not fdg")
    record = request.as_json(LAYOUT)

    def fill(folder: Path) -> None:
        n_lesions = max(N_CORE, draw_count(request.seed)) if request.n_lesions is None else request.n_lesions
        plan = plan_course(
            request.seed, n_timepoints=1, n_lesions=n_lesions, tracer=request.tracer, quick=request.quick
        )
        psma, fdg = plan_pair(plan)
        fdg_from_psma = companion_from_lps(psma, fdg, 0)
        studies = {}
        for place, (name, one, transform) in enumerate(
            (("PSMA", psma, fdg_from_psma), ("FDG", fdg, np.asarray(np.linalg.inv(fdg_from_psma), np.float64)))
        ):
            on_progress(f"{name}: simulating and writing", place / 2)
            study = simulate_study(one)
            _write_study(folder / name, study, transform)
            studies[name] = study_json(study)
        marker = marker_json(
            psma,
            record,
            layout=LAYOUT,
            studies=studies,
            fdg_lps_from_psma_lps=np.round(fdg_from_psma, 9).tolist(),
            truth_rule=(
                "TTB: noise-free SUV at or above the threshold, the lesions' noise-free part above the rest, and "
                "PET at or above the threshold; equal ids in both studies are the same tumour"
            ),
        )
        write_json(folder / MARKER, marker)
        on_progress("done", 1.0)

    return complete_folder(out / f"train_{request.seed:04d}", MARKER, record, fill)


def _write_study(folder: Path, study: SimulatedStudy, other_from_own: FloatArray) -> None:
    folder.mkdir()
    pet_grid, ct_grid = study.timepoint.pet_geometry, study.timepoint.ct_geometry
    write_nifti(folder / "PET.nii.gz", study.pet_suv, pet_grid, compress_level=FAST)
    write_nifti(folder / "TTB.nii.gz", study.burden, pet_grid, compress_level=FAST)
    write_nifti(folder / "CT.nii.gz", study.ct_hu, ct_grid, compress_level=FAST)
    write_nifti(folder / "totseg_24.nii.gz", study.ct_organs, ct_grid, compress_level=FAST)
    write_json(folder / "threshold.json", {"suv_threshold": study.timepoint.threshold_suv})
    sitk.WriteTransform(rigid_transform(other_from_own, pet_grid), str(folder / "rigid.tfm"))


def rigid_transform(other_from_own: FloatArray, own: Geometry) -> sitk.Euler3DTransform:
    """Return a rigid 4 x 4 matrix as ITK transform about the middle of ``own``, the fixed image's grid."""
    centre = own.lps_of_kji((np.array([own.shape]) - 1) / 2)[0]
    moved = other_from_own[:3, :3] @ centre + other_from_own[:3, 3]
    transform = sitk.Euler3DTransform()
    transform.SetCenter([float(value) for value in centre])
    transform.SetMatrix([float(value) for value in other_from_own[:3, :3].ravel()])
    transform.SetTranslation([float(value) for value in moved - centre])
    return transform
