"""Training cases to what a manifest says of them: which, whose terms, simulated or not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from psmacore.ai.data.case import CaseRef, Layout
from psmacore.errors import InputRefusedError
from psmacore.phantom.layout_common import MARKER
from psmacore.registry.manifest import Manifest, Training

_PUBLISHED = {
    Layout.AUTOPET: "autoPET (FDG-PET-CT-Lesions, PSMA-PET-CT-Lesions)",
    Layout.DEEP_PSMA: "DEEP-PSMA (CC BY-NC 4.0: weights are non-commercial)",
    Layout.PROSTATE_CT: "Prostate-Anatomical-Edge-Cases",
}


def describe_training(data: Path, refs: Sequence[CaseRef], *, licence: str) -> Training:
    """Return the manifest's account of the training cases.

    One simulated case makes the whole training simulated: its weights must never pass for clinical ones.

    Parameters
    ----------
    data : pathlib.Path
        The data set's folder; markers are looked for in a case's folder and up to this one.
    refs : sequence of CaseRef
        The training cases, at least one.
    licence : str
        Of weights that were trained on simulated cases alone.

    Raises
    ------
    InputRefusedError
        If cases were simulated by different versions of the phantom, or a marker cannot be read.
    """
    n_patients = len({ref.patient_id for ref in refs})
    counted = f"{len(refs)} cases of {n_patients} patients"
    markers = [marker for marker in (_marker(data, ref) for ref in refs) if marker is not None]
    layout = refs[0].layout
    if not markers:
        words = f"{counted} in the layout of {_PUBLISHED[layout]}"
        return Training(data=words, licence="as the training data", is_simulated=False)
    stamps = {(str(one["phantom"]["version"]), str(one["phantom"]["sha256"])) for one in markers}
    if len(stamps) > 1:
        versions = ", ".join(sorted(version for version, _ in stamps))
        raise InputRefusedError(f"the cases were simulated by different phantoms (versions {versions}); make them anew")
    version, digest = stamps.pop()
    if len(markers) < len(refs):
        words, licence = f"{counted}, {len(markers)} cases of them simulated, layout {layout}", "as the training data"
    else:
        seeds = sorted({int(one["seed"]) for one in markers})
        words = f"{counted}, simulated, seeds {_ranges(seeds)}, layout {layout}"
    return Training(words, licence, is_simulated=True, phantom_version=version, phantom_sha256=digest)


def trained_further(training: Training, start: Manifest) -> Training:
    """Return the account of a training that began with another model's weights, which it names.

    Whether it is simulated, the data it saw last says; terms of use are those of both.
    """
    before = start.training
    words = f"{training.data}; began with the weights of {start.name} {start.version} ({start.weights_sha256})"
    if before is None:
        return replace(training, data=words)
    licence = training.licence if before.licence == training.licence else f"{training.licence}; {before.licence}"
    return replace(training, data=f"{words}, trained on: {before.data}", licence=licence)


def _marker(data: Path, ref: CaseRef) -> dict[str, Any] | None:
    for path in _candidates(data, ref):
        if path.is_file():
            try:
                record = json.loads(path.read_text(encoding="utf-8"))
                stamp, _seed = record["phantom"], int(record["seed"])
                str(stamp["version"]), str(stamp["sha256"])
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise InputRefusedError(f"{path} cannot be read: {error}") from error
            return dict(record)
    return None


def _candidates(data: Path, ref: CaseRef) -> Iterator[Path]:
    folder = ref.folder
    yield folder / Path(MARKER).stem / f"{ref.case_id}.json"  # where the files of all cases lie together
    yield folder / MARKER
    while folder != data and data in folder.parents:
        folder = folder.parent
        yield folder / MARKER


def _ranges(numbers: Sequence[int]) -> str:
    """Return sorted numbers in words: ``1-3, 7``."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)
