"""Prostate-Anatomical-Edge-Cases (TCIA) on disk to CT with a label map of the contoured organs.

One folder a patient (``Prostate-AEC-001`` …) with, at any depth, one CT series and one RT structure set as
DICOM; DOI 10.7937/QSTF-ST65, CC BY 4.0, 131 patients of whom the paper used 129 (W61). A few lack a contour.
Names of regions differ between treatment planning systems; :data:`REGION_NAMES` lists what is understood
(case, blanks and punctuation do not matter), with AAPM TG-263's ``Femur_Head_L`` first. Anything else, such as
``PTV prostate``, ``Prostate bed`` or a whole femur, is no match.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from psmacore.ai.data.case import Case, CaseRef, Layout
from psmacore.dicom.files import each_file
from psmacore.dicom.read_ct import read_ct_series
from psmacore.dicom.read_rtstruct import is_rtstruct, list_rois, read_roi_mask
from psmacore.dicom.scan import SeriesFiles, StudyContents, scan_folder
from psmacore.errors import InputRefusedError, ModelUnfitError, StudyContentError
from psmacore.registry.manifest import ChannelName, Manifest, Task

logger = logging.getLogger(__name__)

TASKS = frozenset({Task.PROSTATE})
LOOKED_FOR = "Prostate-Anatomical-Edge-Cases: <patient>/… with one CT series and one RTSTRUCT as DICOM"

_SIDES = {"left": ("l", "lt", "left"), "right": ("r", "rt", "right")}
_HEADS = ("femurhead", "femoralhead", "femhead", "femoralheads", "headoffemur", "caputfemoris", "fh")


def _head_names(side: str) -> frozenset[str]:
    return frozenset(name for mark in _SIDES[side] for head in _HEADS for name in (head + mark, mark + head))


REGION_NAMES: dict[str, frozenset[str]] = {
    "prostate": frozenset({"prostate", "prostategland", "prostata", "prost"}),
    "bladder": frozenset({"bladder", "urinarybladder", "bladderwhole", "blad", "vesica"}),
    "rectum": frozenset({"rectum", "rectumwhole", "rect"}),
    "femoral_head_left": _head_names("left"),
    "femoral_head_right": _head_names("right"),
}
"""Organ to the names, in small letters and digits alone, that a structure set may give it."""

_OUTPUTS: dict[str, tuple[str, ...]] = {
    "prostate": ("prostate",),
    "bladder": ("bladder",),
    "urinary_bladder": ("bladder",),
    "rectum": ("rectum",),
    "femoral_heads": ("femoral_head_left", "femoral_head_right"),
    "femoral_head_left": ("femoral_head_left",),
    "femoral_head_right": ("femoral_head_right",),
}
"""Name of a model's output to the organs that it covers."""


def is_prostate_ct(folder: Path) -> bool:
    """Return whether one of the first sub-folders holds an RT structure set."""
    return any(_structure_set(patient) is not None for patient in _patients(folder)[:3])


def find_prostate_cases(folder: Path, manifest: Manifest) -> tuple[CaseRef, ...]:
    """Return the patients whose structure set has every organ of the manifest; how many lack one is logged.

    Raises
    ------
    InputRefusedError
        If a patient has no structure set, or no patient has all organs.
    """
    wanted = _wanted(manifest)
    refs = []
    lacking: Counter[str] = Counter()
    without = []
    for patient in _patients(folder):
        path = _structure_set(patient)
        if path is None:
            without.append(patient.name)
            continue
        missing = _missing(list_rois(path), wanted)
        lacking.update(missing)
        if not missing:
            refs.append(CaseRef(patient.name, patient.name, Layout.PROSTATE_CT, patient))
    if without:
        raise InputRefusedError(f"no RT structure set in {len(without)} folders, the first is {without[0]!r}")
    words = ", ".join(f"{name} {count}" for name, count in sorted(lacking.items()))
    if not refs:
        raise InputRefusedError(f"no case has all regions that {manifest.name} needs; missing: {words}")
    if lacking:
        logger.warning("cases left out for lack of a region: %s", words)
    return tuple(refs)


def load_prostate_case(ref: CaseRef, manifest: Manifest) -> Case:
    """Return a patient's CT with the contoured organs.

    Returns
    -------
    Case
        Channel ``ct`` (HU) on the CT's own grid; target in the numbers of the manifest's outputs. Where organs
        overlap, the one that the manifest names first is kept.

    Raises
    ------
    InputRefusedError
        If the structure set lacks a region; it is named, with those that there are.
    StudyContentError
        If there is not one CT and one structure set that belongs to it.
    DicomInputError, GeometryError
        If CT or contours cannot be used.
    """
    contents = scan_folder(ref.folder)
    structures, ct_series = _pair(contents)
    ct = read_ct_series(ct_series.paths)
    path = structures.paths[0]
    names = list_rois(path)
    missing = _missing(names, _wanted(manifest))
    if missing:
        raise InputRefusedError(
            f"the structure set of {ref.case_id} has no region for {', '.join(missing)}; it has: {', '.join(names)}"
        )
    target = np.zeros(ct.geometry.shape, np.uint8)
    for output in reversed([one for one in manifest.outputs if one.label != 0]):
        for organ in _organs(output.name, manifest):
            target[read_roi_mask(path, _name_of(organ, names), ct.geometry)] = output.label
    channels: dict[ChannelName, NDArray[np.float32]] = {ChannelName.CT: ct.values.astype(np.float32)}
    return Case(ref, ct.geometry, channels, target)


def _patients(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _structure_set(patient: Path) -> Path | None:
    """Return the first structure set; folders with few files are looked at first, for CT series have many."""
    paths = list(each_file(patient))
    crowd = Counter(path.parent for path in paths)
    return next((path for path in sorted(paths, key=lambda one: (crowd[one.parent], one)) if is_rtstruct(path)), None)


def _pair(contents: StudyContents) -> tuple[SeriesFiles, SeriesFiles]:
    structures = contents.of_modality("RTSTRUCT")
    scans = contents.of_modality("CT")
    uids = {scan.ref.series_uid for scan in scans}
    pairs = [(one, scan) for one in structures for scan in scans if scan.ref.series_uid in one.referenced_series_uids]
    if not pairs and len(structures) == 1 and len(scans) == 1 and not uids & set(structures[0].referenced_series_uids):
        pairs = [(structures[0], scans[0])]
    if len(pairs) != 1 or len(pairs[0][0].paths) != 1:
        raise StudyContentError(
            f"study {contents.study.study_uid} needs one CT and one RTSTRUCT of it, "
            f"but has {len(scans)} CT and {len(structures)} RTSTRUCT series, {len(pairs)} of them belonging together"
        )
    return pairs[0]


def _wanted(manifest: Manifest) -> tuple[str, ...]:
    organs = [organ for output in manifest.outputs if output.label != 0 for organ in _organs(output.name, manifest)]
    return tuple(dict.fromkeys(organs))


def _organs(output_name: str, manifest: Manifest) -> tuple[str, ...]:
    organs = _OUTPUTS.get(output_name)
    if organs is None:
        raise ModelUnfitError(
            f"output {output_name!r} of {manifest.name} is no organ of this data set: {', '.join(_OUTPUTS)}"
        )
    return organs


def _missing(names: Iterable[str], organs: Iterable[str]) -> list[str]:
    there = {_plain(name) for name in names}
    return [organ for organ in organs if not there & REGION_NAMES[organ]]


def _name_of(organ: str, names: Iterable[str]) -> str:
    return next(name for name in names if _plain(name) in REGION_NAMES[organ])


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
