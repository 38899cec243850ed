"""Cases on disk to the tensors that training reads, prepared once and kept in files."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from psmacore.ai.data.case import Case, CaseRef, Layout
from psmacore.ai.data.open_data import load_case
from psmacore.ai.preprocess.assemble import normalise
from psmacore.ai.preprocess.grid import Interpolation, model_geometry, resample
from psmacore.ai.preprocess.prepare import prepare, prepare_target
from psmacore.ai.training.gates import is_gated, pet_channels
from psmacore.errors import InputRefusedError
from psmacore.lesions.thresholds import PSMA_SUV
from psmacore.registry.manifest import ChannelName, InputChannel, Manifest, Normalisation, Task
from psmacore.registry.read import manifest_to_json

logger = logging.getLogger(__name__)

_RESERVE = 2 << 30  # bytes of the disk that prepared cases leave free
_ML_PER_MM3 = 1e-3


class PreparedCases(Sequence[Mapping[str, Any]]):
    """Cases as the network reads them, each a mapping of tensors.

    The first time that a case is asked for it is read, brought to the model's grid and normalised, the way that
    inference goes, and written to ``folder``; later it is mapped into memory from there, so that a
    patch costs only its own voxels and all loading processes share one copy. A case that the disk has no room
    for is read anew each time.

    Parameters
    ----------
    manifest : Manifest
        Inputs, grid and outputs.
    refs : sequence of CaseRef
        The cases.
    folder : pathlib.Path
        Where prepared cases are kept; another manifest's or another case's files are never taken for one's own.
    """

    def __init__(self, manifest: Manifest, refs: Sequence[CaseRef], folder: Path) -> None:
        self._manifest = manifest
        self._refs = tuple(refs)
        self._folder = folder
        self._key = _key(manifest)

    @property
    def refs(self) -> tuple[CaseRef, ...]:
        """The cases as found on disk."""
        return self._refs

    def __len__(self) -> int:
        return len(self._refs)

    def chosen(self, places: Sequence[int]) -> PreparedCases:
        """Return the cases at these places."""
        return PreparedCases(self._manifest, [self._refs[place] for place in places], self._folder)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self.chosen(range(*index.indices(len(self))))
        ref = self._refs[index]
        stem = self._folder / f"{self._key}-{_digest(f'{ref.folder}|{ref.case_id}|{ref.reference}')}"
        item = _read(stem)
        if item is not None:
            return item
        item = prepare_case(self._manifest, load_case(ref, self._manifest))
        _write(item, stem)
        return item

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return (self[index] for index in range(len(self)))


def prepare_case(manifest: Manifest, case: Case) -> dict[str, Any]:
    """Return a case as training reads it.

    Returns
    -------
    dict
        ``image`` (C, k, j, i), float32; ``label`` (1 or n, k, j, i), uint8, or ``(1,)``, float32, of a
        classifier; ``gate_levels``, each PET channel's normalised threshold, or ``None``; ``voxel_ml``; ``tracer``.

    Raises
    ------
    InputRefusedError
        If the case lacks what training compares with: a target, a diagnosis, the SUV threshold of a gated model.
    """
    prepared = prepare(manifest, case.geometry, case.channels, case.thresholds_suv)
    return {
        "image": torch.from_numpy(np.ascontiguousarray(prepared.image)),
        "label": _label(manifest, case, prepared),
        "gate_levels": _gate_levels(manifest, case),
        "voxel_ml": float(np.prod(prepared.geometry.spacing_kji_mm)) * _ML_PER_MM3,
        "tracer": case.ref.tracer,
    }


def _label(manifest: Manifest, case: Case, prepared: Any) -> torch.Tensor:
    if manifest.task is Task.CLASSIFICATION:
        has_lesion = case.has_lesion
        if has_lesion is None and case.target is not None:
            has_lesion = bool(case.target.any())
        if has_lesion is None:
            raise InputRefusedError(f"case {case.ref.case_id} does not say whether there is a lesion")
        return torch.tensor([float(has_lesion)])
    if case.target is None:
        raise InputRefusedError(f"case {case.ref.case_id} has no segmentation to learn from")
    return torch.from_numpy(np.ascontiguousarray(prepare_target(manifest, case.target, prepared)))


def _gate_levels(manifest: Manifest, case: Case) -> list[float] | None:
    """Return the normalised SUV threshold of each PET channel; ``None`` where nothing is gated.

    autoPET states no thresholds: PSMA has its fixed one (D02), FDG's would need the liver.
    """
    if not is_gated(manifest):
        return None
    channels = [manifest.inputs[place] for place in pet_channels(manifest)]
    stated = dict(case.thresholds_suv)
    if case.ref.tracer == "psma":
        stated.setdefault(ChannelName.PET, PSMA_SUV)
    missing = [channel.name for channel in channels if channel.name not in stated]
    if missing and case.ref.layout is Layout.AUTOPET:
        return None
    if missing:
        raise InputRefusedError(f"case {case.ref.case_id} states no SUV threshold for {', '.join(missing)}")
    return [_level(channel, stated[channel.name]) for channel in channels]


def _level(channel: InputChannel, threshold_suv: float) -> float:
    return float(normalise(channel, np.array([threshold_suv], np.float32), threshold_suv)[0])


def as_recipe(manifest: Manifest) -> Manifest:
    """Return a manifest without what a training gives it: weights, their origin and their figures."""
    return replace(manifest, training=None, weights_sha256=None, metrics=(), costs=())


def with_measured_constants(manifest: Manifest, refs: Sequence[CaseRef]) -> Manifest:
    """Return the manifest with mean and SD of the training cases in each z-scored input (W72).

    Over all voxels of all cases on the model's grid; a manifest without such an input is returned as it is.

    Raises
    ------
    InputRefusedError
        If all voxels of a channel are equal.
    """
    wanted = [channel for channel in manifest.inputs if channel.normalisation is Normalisation.Z_SCORE]
    if not wanted:
        return manifest
    sums = {channel.name: np.zeros(3) for channel in wanted}
    for ref in refs:
        case = load_case(ref, manifest)
        grid = model_geometry(manifest.grid, case.geometry)
        for channel in wanted:
            values = resample(
                case.channels[channel.name], case.geometry, grid, interpolation=Interpolation.LINEAR, outside=None
            )
            sums[channel.name] += _moments(values)
    inputs = tuple(
        replace(channel, parameters=_mean_and_sd(channel, sums[channel.name])) if channel in wanted else channel
        for channel in manifest.inputs
    )
    return replace(manifest, inputs=inputs)


def _moments(values: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = values.astype(np.float64)
    return np.array([wide.size, wide.sum(), np.square(wide).sum()])


def _mean_and_sd(channel: InputChannel, moments: NDArray[np.float64]) -> dict[str, float]:
    n, total, squares = (float(value) for value in moments)
    mean = total / n
    sd = float(np.sqrt(max(squares / n - mean * mean, 0.0)))
    if not sd > 0:
        raise InputRefusedError(f"input {channel.name}: all voxels of the training cases hold {mean:g}")
    return {**channel.parameters, "mean": mean, "sd": sd}


def _key(manifest: Manifest) -> str:
    """Return what a prepared case depends on beside the case: inputs, grid, outputs and task."""
    return _digest(manifest_to_json(replace(as_recipe(manifest), version="0")))


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]


def _write(item: Mapping[str, Any], stem: Path) -> None:
    """Write a case's files; its record last, so that what has a record is whole."""
    image, label = item["image"].numpy(), item["label"].numpy()
    stem.parent.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(stem.parent).free < _RESERVE + image.nbytes + label.nbytes:
        logger.info("no room to keep a prepared case in %s", stem.parent)
        return
    for name, values in (("image", image), ("label", label)):
        _save_whole(_file(stem, name), values)
    record = {name: item[name] for name in ("gate_levels", "voxel_ml", "tracer")}
    aside = stem.with_name(f".{stem.name}.json")
    aside.write_text(json.dumps(record), encoding="utf-8")
    aside.replace(_record(stem))


def _save_whole(path: Path, values: NDArray[Any]) -> None:
    aside = path.with_name(f".{path.name}")
    with aside.open("wb") as stream:
        np.save(stream, values)
    aside.replace(path)


def _read(stem: Path) -> dict[str, Any] | None:
    if not _record(stem).is_file():
        return None
    record = json.loads(_record(stem).read_text(encoding="utf-8"))
    # copy-on-write: torch takes no read-only memory, and nothing may reach the file
    arrays = {name: torch.from_numpy(np.load(_file(stem, name), mmap_mode="c")) for name in ("image", "label")}
    return {**arrays, **record}


def _file(stem: Path, name: str) -> Path:
    return stem.with_name(f"{stem.name}-{name}.npy")


def _record(stem: Path) -> Path:
    return stem.with_name(f"{stem.name}.json")
