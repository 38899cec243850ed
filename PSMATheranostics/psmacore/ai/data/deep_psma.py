"""The DEEP-PSMA training data on disk to paired, single-tracer or organ cases.

``train_0001/{PSMA,FDG}/`` with, for each tracer:

- ``CT.nii.gz`` (HU), ``PET.nii.gz`` (SUV, g/ml), ``TTB.nii.gz`` (total tumour burden on the PET grid),
- ``totseg_24.nii.gz`` (TotalSegmentator labels of the CT),
- ``threshold.json``, ``{"suv_threshold": 3.0}``: no voxel below it is disease,
- ``rigid.tfm``, an ITK transform: this folder's tracer is the fixed image, the other one the moving one, so it
  takes LPS points of this tracer to LPS points of the other (PSMA/rigid.tfm brings FDG to PSMA).

Sources: deep-psma.grand-challenge.org/dataset-format; the organisers' conversion script as kept in
github.com/JakobDexl/DEEP-PSMA, ``00_copy_example_cases_to_input_format.py``, and that repository's
``scripts/preprocess_files_for_training.py`` for the pairing.

For paired lesions a patient is listed twice (D07), once on each tracer's own PET grid (D08). The other tracer
is brought there by its rigid transform: PET linearly, organs and labels by nearest neighbour; organs go to
their own PET grid first, as in the released code. Its target counts only where its moved PET still reaches its
threshold, as in the released code.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from psmacore.ai.data.case import Case, CaseRef, Layout, ReferenceTracer
from psmacore.ai.data.needs import Needs
from psmacore.ai.data.nifti import Volume, name_of, read_image, read_labels, refuse_missing
from psmacore.ai.preprocess.grid import AIR_HU, Interpolation, resample
from psmacore.ai.preprocess.pairing import PET_CHANNELS, TRACERS, Pair, TracerImages, images_on, other_of
from psmacore.errors import GeometryError, InputRefusedError
from psmacore.model.geometry import Geometry
from psmacore.registry.manifest import ChannelName, Manifest, Task

TASKS = frozenset({Task.PAIRED_LESIONS, Task.LESIONS, Task.ORGANS, Task.CLASSIFICATION})
LOOKED_FOR = "DEEP-PSMA: <case>/{PSMA,FDG}/{CT,PET,TTB,totseg_24}.nii.gz with threshold.json and, for pairs, rigid.tfm"

_FOLDERS = {ReferenceTracer.PSMA: "PSMA", ReferenceTracer.FDG: "FDG"}
_PAIR_IMAGES = ("PET.nii.gz", "TTB.nii.gz", "totseg_24.nii.gz", "threshold.json")
_RIGID = "rigid.tfm"


def is_deep_psma(folder: Path) -> bool:
    """Return whether a folder is a data set of this layout: a case has a PET of one tracer at least."""
    return bool(_cases(folder))


def find_deep_psma_cases(folder: Path, manifest: Manifest) -> tuple[CaseRef, ...]:
    """Return the cases that a manifest's task reads: two a patient for paired lesions, else one a tracer.

    Raises
    ------
    InputRefusedError
        If a case lacks a file that the task needs, or for pairs a tracer; such files are named.
    """
    is_paired = manifest.task is Task.PAIRED_LESIONS
    needs = Needs.of(manifest)
    refs = []
    for case in _cases(folder):
        for reference, name in _FOLDERS.items():
            tracer = reference.value
            if is_paired:
                case_id = f"{case.name}_to_{tracer}"
                refs.append(CaseRef(case_id, case.name, Layout.DEEP_PSMA, case, reference=reference))
            elif (case / name).is_dir() and (not needs.has_pet or needs.accepts_tracer(tracer)):
                case_id = f"{case.name}_{tracer}"
                refs.append(CaseRef(case_id, case.name, Layout.DEEP_PSMA, case, tracer=tracer))
    refuse_missing([path for ref in refs for path in _needed(ref, manifest)])
    return tuple(refs)


def load_deep_psma_case(ref: CaseRef, manifest: Manifest) -> Case:
    """Return a case on its reference PET grid (organs without a PET channel: on the CT grid).

    Returns
    -------
    Case
        Paired lesions: channels ``fdg_pet``, ``fdg_organs``, ``psma_pet``, ``psma_organs``, target
        ``(2, k, j, i)`` with FDG first. Lesions: ``pet`` and ``ct``. Organs: ``ct`` and, where asked, ``pet``,
        target the organ numbers that the manifest's outputs are written as. Classification: ``pet``.

    Raises
    ------
    InputRefusedError
        If a file is missing, unreadable or of no use (a threshold that is not positive, a voxel not finite).
    GeometryError
        If PET and TTB lie on different grids, or CT or the other tracer lie beside the PET.
    """
    refuse_missing(_needed(ref, manifest))
    if manifest.task is Task.PAIRED_LESIONS:
        return _paired_case(ref)
    tracer = ReferenceTracer(ref.tracer)
    folder = ref.folder / _FOLDERS[tracer]
    needs = Needs.of(manifest)
    if manifest.task is Task.ORGANS:
        return _organ_case(ref, folder, needs)
    pet = read_image(folder / "PET.nii.gz")
    channels = {ChannelName.PET: pet.values}
    if needs.has_ct:
        channels[ChannelName.CT] = _ct_on(folder, pet.geometry)
    tumour = _tumour(folder, pet)
    target = (tumour * needs.lesion_label).astype(np.uint8) if needs.has_target else None
    thresholds = {ChannelName.PET: _threshold(folder)}
    return Case(ref, pet.geometry, channels, target, thresholds, bool(tumour.any()))


def read_rigid(path: Path) -> Any:
    """Return an ITK transform file, SimpleITK.Transform: LPS points of the fixed to those of the moving image.

    Raises
    ------
    InputRefusedError
        If the file is no transform.
    """
    try:
        return sitk.ReadTransform(str(path))
    except RuntimeError as error:
        raise InputRefusedError(f"{name_of(path)} is no ITK transform: {str(error).splitlines()[-1]}") from error


def _cases(folder: Path) -> list[Path]:
    found = (path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith("."))
    return [path for path in found if any((path / name).is_dir() for name in _FOLDERS.values())]


def _needed(ref: CaseRef, manifest: Manifest) -> list[Path]:
    if manifest.task is Task.PAIRED_LESIONS and ref.reference is not None:
        both = [ref.folder / folder / name for folder in _FOLDERS.values() for name in _PAIR_IMAGES]
        return [*both, ref.folder / _FOLDERS[ref.reference] / _RIGID]
    needs = Needs.of(manifest)
    folder = ref.folder / _FOLDERS[ReferenceTracer(ref.tracer)]
    if manifest.task is Task.ORGANS:
        names = ("CT.nii.gz", "totseg_24.nii.gz", *(("PET.nii.gz",) if needs.has_pet else ()))
    else:
        names = ("PET.nii.gz", "TTB.nii.gz", "threshold.json", *(("CT.nii.gz",) if needs.has_ct else ()))
    return [folder / name for name in names]


def read_pair(ref: CaseRef) -> Pair:
    """Return both tracers of a patient, each with its organs on its own PET grid, and the transforms between them.

    Raises
    ------
    InputRefusedError
        If a file is missing, unreadable or of no use.
    """
    both = {tracer: ref.folder / name for tracer, name in _FOLDERS.items()}
    refuse_missing([folder / name for folder in both.values() for name in (*_PAIR_IMAGES, _RIGID)])
    return Pair(
        fdg=_read_tracer(both[ReferenceTracer.FDG]),
        psma=_read_tracer(both[ReferenceTracer.PSMA]),
        psma_from_fdg=read_rigid(both[ReferenceTracer.FDG] / _RIGID),
        fdg_from_psma=read_rigid(both[ReferenceTracer.PSMA] / _RIGID),
        name=f"case {ref.case_id}: {_RIGID}",
    )


def _paired_case(ref: CaseRef) -> Case:
    if ref.reference is None:
        raise InputRefusedError(f"case {ref.case_id} names no reference tracer")
    other = other_of(ref.reference)
    pair = read_pair(ref)
    images = images_on(pair, ref.reference)
    own, source = pair.of(ref.reference), pair.of(other)
    moved = resample(
        _tumour(ref.folder / _FOLDERS[other], _pet_of(pair, other, ref)).astype(np.uint8),
        source.geometry,
        own.geometry,
        interpolation=Interpolation.NEAREST,
        source_from_target=pair.other_from(ref.reference),
    )
    tumours = {
        ref.reference: _tumour(ref.folder / _FOLDERS[ref.reference], _pet_of(pair, ref.reference, ref)),
        other: (moved > 0) & (images.channels[PET_CHANNELS[other]] >= np.float32(source.threshold_suv)),
    }
    target = np.stack([tumours[tracer] for tracer in TRACERS]).astype(np.uint8)
    return Case(ref, images.geometry, images.channels, target, images.thresholds_suv, bool(target.any()))


def _pet_of(pair: Pair, tracer: ReferenceTracer, ref: CaseRef) -> Volume:
    images = pair.of(tracer)
    return Volume(images.pet, images.geometry, ref.folder / _FOLDERS[tracer] / "PET.nii.gz")


def _read_tracer(folder: Path) -> TracerImages:
    pet = read_image(folder / "PET.nii.gz")
    organs = read_labels(folder / "totseg_24.nii.gz")
    on_pet = resample(organs.values, organs.geometry, pet.geometry, interpolation=Interpolation.NEAREST)
    return TracerImages(pet.values, on_pet, pet.geometry, _threshold(folder))


def _organ_case(ref: CaseRef, folder: Path, needs: Needs) -> Case:
    organs = read_labels(folder / "totseg_24.nii.gz")
    channels: dict[ChannelName, NDArray[np.float32]] = {}
    if needs.has_pet:
        pet = read_image(folder / "PET.nii.gz")
        geometry = pet.geometry
        channels[ChannelName.PET] = pet.values
        channels[ChannelName.CT] = _ct_on(folder, geometry)
    else:
        ct = read_image(folder / "CT.nii.gz")
        geometry = ct.geometry
        channels[ChannelName.CT] = ct.values
    labels = resample(organs.values, organs.geometry, geometry, interpolation=Interpolation.NEAREST)
    return Case(ref, geometry, channels, np.where(np.isin(labels, sorted(needs.labels)), labels, 0).astype(np.uint16))


def _ct_on(folder: Path, geometry: Geometry) -> NDArray[np.float32]:
    ct = read_image(folder / "CT.nii.gz")
    moved = resample(ct.values, ct.geometry, geometry, interpolation=Interpolation.LINEAR, outside=AIR_HU)
    if not (moved > AIR_HU).any():
        raise GeometryError(f"{name_of(ct.path)} does not overlap the PET")
    return moved


def _tumour(folder: Path, pet: Volume) -> NDArray[np.bool_]:
    burden = read_labels(folder / "TTB.nii.gz")
    burden.require_grid(pet)
    return np.asarray(burden.values > 0)


def _threshold(folder: Path) -> float:
    path = folder / "threshold.json"
    try:
        value = float(json.loads(path.read_text(encoding="utf-8"))["suv_threshold"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputRefusedError(f"{name_of(path)} states no suv_threshold: {error}") from error
    if not math.isfinite(value) or value <= 0:
        raise InputRefusedError(f"{name_of(path)}: suv_threshold must be positive, not {value:g}")
    return value
