"""FDG-PET-CT-Lesions or PSMA-FDG-PET-CT-Lesions (autoPET) on disk to cases.

Two published forms, told apart by what lies in the folder:

- NIfTI as the challenge's converter writes it from TCIA's DICOM (``data_conversion/tcia2nifti.py`` of
  github.com/lab-midas/autoPET): ``PETCT_<patient>/<study>/`` with ``SUV`` (g/ml), ``CTres`` (CT on the PET grid,
  -1024 HU outside), ``SEG`` (1 = lesion), beside ``CT`` and ``PET`` that are not read. FDG only
  (Gatidis et al., Sci Data 2022;9:601; DOI 10.7937/gkr0-xv29).
- nnU-Net form of autoPET III (DOI 10.57754/FDAT.6gjsg-zcg93): ``imagesTr/<tracer>_<patient>_<study>_0000.nii.gz``
  = CT resampled to the PET, ``_0001`` = PET in SUV, ``labelsTr/<tracer>_<patient>_<study>.nii.gz``,
  ``splits_final.json`` (five folds, nnU-Net's own form). ``<tracer>`` is ``fdg`` or ``psma``; study names hold
  spaces and hyphens.

Whether a study has lesions (W71) is read from its own mask. The column ``diagnosis`` of the metadata tables
(``NEGATIVE`` or a disease) speaks of the patient: it calls lesion-free follow-up studies diseased, and the PSMA
table has none. It is read only where a study has no mask, and only ``NEGATIVE`` is believed.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from psmacore.ai.data.case import Case, CaseRef, Layout
from psmacore.ai.data.needs import Needs
from psmacore.ai.data.nifti import existing, read_image, read_labels, refuse_missing
from psmacore.registry.manifest import ChannelName, Manifest, Task

TASKS = frozenset({Task.LESIONS, Task.CLASSIFICATION})
LOOKED_FOR = (
    "autoPET: PETCT_<patient>/<study>/{SUV,CTres,SEG}.nii.gz, "
    "or imagesTr/{fdg,psma}_<patient>_<study>_0000.nii.gz (CT) and _0001 (SUV) with labelsTr"
)

_PREFIXES = {"PETCT_": "fdg", "PSMA_": "psma"}
_NNUNET_NAME = re.compile(r"^(?P<tracer>fdg|psma)_(?P<patient>[^_]+)_(?P<study>.+)_0001\.nii(?:\.gz)?$")
_IMAGES, _LABELS = "imagesTr", "labelsTr"
_TABLES = "*etadata*.csv"


@dataclass(frozen=True)
class _Files:
    """Where a study's files should lie."""

    pet: Path
    ct: Path
    mask: Path

    def needed(self, needs: Needs) -> list[Path]:
        return [self.pet, *([self.ct] if needs.has_ct else []), *([self.mask] if needs.has_target else [])]


def is_autopet(folder: Path) -> bool:
    """Return whether a folder is a data set of this layout in either form."""
    return _is_nnunet(folder) or bool(_patients(folder))


def find_autopet_cases(folder: Path, manifest: Manifest) -> tuple[CaseRef, ...]:
    """Return the studies of a data set by patient and study, not yet read; those of other tracers are left out.

    Raises
    ------
    InputRefusedError
        If a study lacks a file that the manifest's task needs; such files are named.
    """
    needs = Needs.of(manifest)
    refs = _nnunet_refs(folder) if _is_nnunet(folder) else _study_refs(folder)
    refs = [ref for ref in refs if needs.accepts_tracer(ref.tracer)]
    refuse_missing([path for ref in refs for path in _files(ref).needed(needs)])
    return tuple(refs)


def load_autopet_case(ref: CaseRef, manifest: Manifest) -> Case:
    """Return a study on its PET grid.

    Returns
    -------
    Case
        Channels ``pet`` (g/ml) and, where the manifest asks, ``ct`` (HU); target the number of the manifest's
        lesion output where the mask is set, ``None`` for classification.

    Raises
    ------
    InputRefusedError
        If a file is missing or unreadable, or a voxel is not finite.
    GeometryError
        If the study's files lie on different grids.
    """
    needs = Needs.of(manifest)
    files = _files(ref)
    refuse_missing(files.needed(needs))
    pet = read_image(files.pet)
    channels = {ChannelName.PET: pet.values}
    if needs.has_ct:
        ct = read_image(files.ct)
        ct.require_grid(pet)
        channels[ChannelName.CT] = ct.values
    if existing(files.mask) is None:
        return Case(ref, pet.geometry, channels, has_lesion=_by_diagnosis(ref))
    mask = read_labels(files.mask)
    mask.require_grid(pet)
    lesions = mask.values > 0
    target = (lesions * needs.lesion_label).astype(np.uint8) if needs.has_target else None
    return Case(ref, pet.geometry, channels, target, has_lesion=bool(lesions.any()))


def _is_nnunet(folder: Path) -> bool:
    images = folder / _IMAGES
    return images.is_dir() and any(_NNUNET_NAME.match(path.name) for path in images.iterdir())


def _patients(folder: Path) -> list[tuple[Path, str]]:
    """Return the patients' folders with their tracer."""
    found = []
    for path in sorted(folder.iterdir()):
        tracer = next((tracer for prefix, tracer in _PREFIXES.items() if path.name.startswith(prefix)), None)
        if tracer is not None and path.is_dir() and any(child.is_dir() for child in path.iterdir()):
            found.append((path, tracer))
    return found


def _study_refs(folder: Path) -> list[CaseRef]:
    refs = []
    for patient, tracer in _patients(folder):
        for study in sorted(path for path in patient.iterdir() if path.is_dir() and not path.name.startswith(".")):
            case_id = f"{patient.name}_{study.name}"
            refs.append(CaseRef(case_id, patient.name, Layout.AUTOPET, study, tracer=tracer))
    return refs


def _nnunet_refs(folder: Path) -> list[CaseRef]:
    refs = []
    for path in sorted((folder / _IMAGES).iterdir()):
        match = _NNUNET_NAME.match(path.name)
        if match is None:
            continue
        tracer, patient, study = match["tracer"], match["patient"], match["study"]
        case_id = f"{tracer}_{patient}_{study}"
        refs.append(CaseRef(case_id, f"{tracer}_{patient}", Layout.AUTOPET, folder, tracer=tracer))
    return refs


def _files(ref: CaseRef) -> _Files:
    images = ref.folder / _IMAGES
    if images.is_dir():
        return _Files(
            images / f"{ref.case_id}_0001.nii.gz",
            images / f"{ref.case_id}_0000.nii.gz",
            ref.folder / _LABELS / f"{ref.case_id}.nii.gz",
        )
    return _Files(ref.folder / "SUV.nii.gz", ref.folder / "CTres.nii.gz", ref.folder / "SEG.nii.gz")


def _by_diagnosis(ref: CaseRef) -> bool | None:
    """Return ``False`` where a metadata table calls the patient ``NEGATIVE``, else ``None``: not known."""
    patient = ref.patient_id.partition("_")[2]
    roots = (ref.folder, ref.folder.parent.parent, ref.folder.parent.parent.parent)
    for table in (path for root in roots for path in sorted(root.glob(_TABLES))):
        with table.open(newline="", encoding="utf-8-sig") as lines:
            rows = [row for row in csv.DictReader(lines) if row.get("Subject ID", "").endswith(patient)]
        diagnoses = {row.get("diagnosis", "").strip().upper() for row in rows}
        if rows and diagnoses == {"NEGATIVE"}:
            return False
    return None
