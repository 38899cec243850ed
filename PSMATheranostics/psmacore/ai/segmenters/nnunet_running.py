"""An imported model to predictors on this job's device, its files compared with their checksums as they are read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch

from psmacore.ai.device import describe_device
from psmacore.ai.inference.settings import Mode
from psmacore.ai.nnunet.checkpoint import read_checkpoint
from psmacore.ai.nnunet.predictor import NnunetPredictor, OnWindow
from psmacore.ai.segmenters.running import Machine
from psmacore.errors import ModelUnfitError
from psmacore.model.timepoint import ModelUse
from psmacore.registry.catalog import ModelFolder
from psmacore.registry.digest_list import check_one, place_of, read_list, sha256_of
from psmacore.registry.nnunet_results import DATASET_FILE, PLANS_FILE
from psmacore.registry.nnunet_spec import NnunetPart, spec_of
from psmacore.registry.verify import check_digest, weights_of

Value = TypeVar("Value")


class RunningNnunet:
    """An imported model, part by part, so that memory holds one part at a time: the latest, for the next images.

    Parameters
    ----------
    model : ModelFolder
        Its files' checksums are compared as they are read.
    machine : Machine
        Where it runs; its fast mode leaves out mirroring.

    Raises
    ------
    ModelMissingError, ModelUnfitError
        If files are missing or altered.
    """

    def __init__(self, model: ModelFolder, machine: Machine) -> None:
        self.model = model
        self.manifest = model.manifest
        self.spec = spec_of(model.manifest.architecture)
        self._machine = machine
        path = weights_of(model)
        check_digest(model, sha256_of(path))
        self._digests = read_list(path)
        self._settings, notices = machine.settings(model)
        self._device = self._settings.device
        self._notices = list(notices)
        self._kept: tuple[NnunetPart, NnunetPredictor] | None = None

    @property
    def use(self) -> ModelUse:
        """What the results record of this model."""
        return ModelUse(
            task=self.manifest.task.value,
            name=self.manifest.name,
            version=self.manifest.version,
            weights_sha256=self.manifest.weights_sha256,
            device=describe_device(self._device),
            is_trained_on_simulation=self.model.is_simulation_trained,
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was done otherwise than asked for."""
        return tuple(self._notices)

    @property
    def title(self) -> str:
        """Name and version."""
        return f"{self.manifest.name} {self.manifest.version}"

    @property
    def uses_mirroring(self) -> bool:
        """Whether windows are also seen in mirrors, as nnU-Net's own command does."""
        return self._settings.mode is Mode.EXACT

    def each(
        self, ask: Callable[[NnunetPredictor, OnWindow], Value], *, stage: str, fractions: tuple[float, float]
    ) -> Iterator[tuple[NnunetPart, Value]]:
        """Ask each part in turn and yield its answer; on the CPU where the GPU's memory does not suffice.

        Parameters
        ----------
        ask : callable
            Called with a part's predictor and where to tell of its windows.
        stage : str
            For the progress.
        fractions : tuple of float
            Of the whole job, at the start and at the end.
        """
        start, stop = fractions
        share = (stop - start) / len(self.spec.parts)
        for index, part in enumerate(self.spec.parts):
            begin = start + index * share

            def follow(n_done: int, n_all: int, begin: float = begin) -> None:
                self._machine.on_progress(stage, begin + share * n_done / max(n_all, 1))

            try:
                answer = ask(self._opened(part), follow)
            except torch.OutOfMemoryError:
                if self._device.type == "cpu" or self._machine.options.device == "cuda":
                    raise
                self._kept = None
                torch.cuda.empty_cache()
                self._device = torch.device("cpu")
                self._notices.append(f"{self.manifest.name}: the GPU's memory did not suffice, it ran on the CPU")
                answer = ask(self._opened(part), follow)
            yield part, answer

    def _opened(self, part: NnunetPart) -> NnunetPredictor:
        if self._kept is None or self._kept[0] != part:
            self._kept = None
            self._kept = (part, self._read(part))
        return self._kept[1]

    def _read(self, part: NnunetPart) -> NnunetPredictor:
        plans = self._json(f"{part.folder}/{PLANS_FILE}")
        dataset = self._json(f"{part.folder}/{DATASET_FILE}")
        names = [f"{part.folder}/fold_{fold}/{part.checkpoint}" for fold in part.folds]
        return NnunetPredictor(
            dict(plans),
            dict(dataset),
            part.configuration,
            [read_checkpoint(self._bytes(name), name) for name in names],
            device=self._device,
            use_mirroring=self.uses_mirroring,
            where=self._place(f"{part.folder}/{PLANS_FILE}"),
        )

    def _place(self, name: str) -> Path:
        return self.model.folder / name

    def _json(self, name: str) -> Mapping[str, Any]:
        record = json.loads(self._bytes(name))
        if not isinstance(record, dict):
            raise ModelUnfitError(f"{self._place(name)} holds no JSON object")
        return record

    def _bytes(self, name: str) -> bytes:
        """Return a listed file's bytes, compared with its checksum."""
        expected = self._digests.get(name)
        if expected is None:
            raise ModelUnfitError(f"model {self.manifest.name}: {name} is not among the files that were imported")
        content = place_of(self.model.folder, name).read_bytes()
        check_one(self.model.folder, name, expected, hashlib.sha256(content).hexdigest())
        return content
