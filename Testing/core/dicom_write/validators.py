"""DICOM files to what Debian's dicom3tools and plain pydicom say of them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from Testing.conftest import skip_or_fail


def _run(tool: str, *arguments: str) -> list[str]:
    program = shutil.which(tool)
    if program is None:
        skip_or_fail("dicom3tools", f"{tool} of dicom3tools is not installed")
    ran = subprocess.run([str(program), *arguments], capture_output=True, text=True, errors="replace", check=False)
    return [line for line in (ran.stdout + ran.stderr).splitlines() if line.startswith("Error")]


def object_errors(path: Path) -> list[str]:
    """Return what dciodvfy calls an error in one object."""
    return _run("dciodvfy", "-new", str(path))


def entity_errors(paths: Iterable[Path]) -> list[str]:
    """Return what dcentvfy calls an error among objects of one study."""
    return _run("dcentvfy", *map(str, paths))


def labels_by_position(seg: Dataset, sources: Iterable[Path]) -> NDArray[np.uint16]:
    """Return the segment numbers ``(k, j, i)`` of a BINARY SEG, each frame put where its position says.

    Raises
    ------
    KeyError
        If a frame lies at no source image's position.
    AssertionError
        If two segments cover one voxel.
    """
    headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in sources]
    slice_at = {tuple(map(float, header.ImagePositionPatient)): k for k, header in enumerate(headers)}
    labels = np.zeros((len(headers), seg.Rows, seg.Columns), dtype=np.uint16)
    bits = np.unpackbits(np.frombuffer(seg.PixelData, np.uint8), bitorder="little")
    frames = bits[: seg.NumberOfFrames * seg.Rows * seg.Columns].reshape(-1, seg.Rows, seg.Columns)
    for frame, groups in zip(frames, seg.PerFrameFunctionalGroupsSequence, strict=True):
        position = tuple(map(float, groups.PlanePositionSequence[0].ImagePositionPatient))
        target = labels[slice_at[position]]
        inside = frame.astype(bool)
        assert not target[inside].any()
        target[inside] = groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber
    return labels


def items(container: Dataset, value: str) -> list[Dataset]:
    """Return the content items of a container whose concept name has this code value."""
    return [item for item in container.get("ContentSequence", []) if item.ConceptNameCodeSequence[0].CodeValue == value]


def measurement(group: Dataset, name: str, derivation: str | None = None) -> tuple[float, str]:
    """Return value and unit of the one measurement of that name and derivation."""
    found = []
    for item in items(group, name):
        derivations = [one.ConceptCodeSequence[0].CodeValue for one in items(item, "121401")]
        if derivations == ([] if derivation is None else [derivation]):
            measured = item.MeasuredValueSequence[0]
            value = measured.get("FloatingPointValue", float(measured.NumericValue))
            found.append((float(value), str(measured.MeasurementUnitsCodeSequence[0].CodeValue)))
    assert len(found) == 1, f"{name} {derivation}: {len(found)} times"
    return found[0]


def groups_of(report: Dataset) -> dict[str, Dataset]:
    """Return the measurement groups of a TID 1500 report by tracking identifier."""
    (measurements,) = items(report, "126010")
    return {items(group, "112039")[0].TextValue: group for group in items(measurements, "125007")}
