"""A chosen model and a study's images to probabilities, labels or one probability, with the record of what ran."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from psmacore.ai.device import describe_device, explain_device, free_memory_mib
from psmacore.ai.gpu import identity_of
from psmacore.ai.inference.classify import predict_probability
from psmacore.ai.inference.engine import Predictor
from psmacore.ai.inference.gate import gate_on
from psmacore.ai.inference.settings import InferenceSettings, Mode
from psmacore.ai.networks.build import network_of
from psmacore.ai.preprocess.prepare import Cropping, Prepared, prepare
from psmacore.ai.weights import load_weights
from psmacore.model.geometry import Geometry
from psmacore.model.timepoint import ModelUse
from psmacore.pipeline.request import ModelOptions
from psmacore.pipeline.stages import OnProgress
from psmacore.registry.catalog import ModelFolder
from psmacore.registry.manifest import ChannelName

Images = Mapping[ChannelName, NDArray[np.float32]]
Thresholds = Mapping[ChannelName, float]
TakeTurn = Callable[[str], None]
"""Called with a GPU's identity before it is used; returns when it is this job's turn."""

_LEAST_FREE_MIB = 1024.0


def _at_once(_gpu: str) -> None:
    return


@dataclass
class Machine:
    """Where this job's models run: decided when the first of them does, so that a job without any takes no GPU.

    Parameters
    ----------
    options : ModelOptions
        The user's wishes.
    take_turn : callable
        Waits for the GPU.
    on_progress : callable
        Told a stage and the fraction of the whole job.
    """

    options: ModelOptions
    take_turn: TakeTurn = _at_once
    on_progress: OnProgress = lambda _stage, _fraction: None
    _device: torch.device | None = None

    def settings(self, model: ModelFolder) -> tuple[InferenceSettings, tuple[str, ...]]:
        """Return how and where a model runs, and in words what is otherwise than asked for.

        The first call waits until it is this job's turn on the GPU; each looks at the GPU's memory.
        """
        if self._device is None:
            device = explain_device(self.options.device).device
            gpu = identity_of(device)
            if gpu is not None:
                self.take_turn(gpu)
            self._device = device
        device, notices = self._with_memory(self._device, model)
        return InferenceSettings(mode=Mode.FAST if self.options.is_fast else Mode.EXACT, device=device), notices

    def _with_memory(self, device: torch.device, model: ModelFolder) -> tuple[torch.device, tuple[str, ...]]:
        """Return the device, or the CPU where ``auto`` may choose and other programs hold the GPU's memory."""
        free_mib = free_memory_mib(device)
        if free_mib is None or self.options.device != "auto":
            return device, ()
        stated = [cost.memory_mib for cost in model.manifest.costs if "cpu" not in cost.device.lower()]
        needed = max(stated, default=_LEAST_FREE_MIB)
        if free_mib >= needed:
            return device, ()
        words = f"{model.manifest.name} needs {needed:.0f} MiB, the GPU has {free_mib:.0f} MiB free: it ran on the CPU"
        return torch.device("cpu"), (words,)


class RunningModel:
    """A model with its weights in a network, ready to run on a study.

    Parameters
    ----------
    model : ModelFolder
        Its weights' checksum is compared before they are read.
    machine : Machine
        Where it runs.

    Raises
    ------
    ModelMissingError, ModelUnfitError
        If the weights are missing, altered or do not fit the manifest; a pickle is never executed.
    """

    def __init__(self, model: ModelFolder, machine: Machine) -> None:
        self.model = model
        self.manifest = model.manifest
        self._machine = machine
        self._network: nn.Module = network_of(model.manifest)
        load_weights(self._network, model)
        self._settings, notices = machine.settings(model)
        self._device_words = describe_device(self._settings.device)
        self._notices = list(notices)

    @property
    def use(self) -> ModelUse:
        """What the results record of this model."""
        manifest = self.manifest
        return ModelUse(
            task=manifest.task.value,
            name=manifest.name,
            version=manifest.version,
            weights_sha256=manifest.weights_sha256,
            device=self._device_words,
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

    def logits(
        self,
        geometry: Geometry,
        images: Images,
        thresholds_suv: Thresholds,
        *,
        gate: NDArray[np.bool_] | None = None,
        cropping: Cropping | None = None,
        stage: str,
        fractions: tuple[float, float],
    ) -> tuple[NDArray[np.float32], Prepared]:
        """Return the network's output and the way back to the study's grid.

        Parameters
        ----------
        geometry : Geometry
            Grid of the images.
        images : mapping of ChannelName to numpy.ndarray
            ``(k, j, i)``, float32, in g/ml, HU and label numbers.
        thresholds_suv : mapping of ChannelName to float
            In g/ml.
        gate : numpy.ndarray, optional
            ``(k, j, i)`` on ``geometry``: where the output will be read.
        stage : str
            For the progress.
        fractions : tuple of float
            Of the whole job, at the start and at the end.

        Returns
        -------
        tuple
            ``(n, k, j, i)`` on the grid of ``Prepared.image``, and that.

        Raises
        ------
        InputRefusedError
            If an image is missing, or holds a value that is no finite number.
        """
        prepared = prepare(self.manifest, geometry, images, thresholds_suv, cropping=cropping)
        inside = None if gate is None else gate_on(gate, prepared)
        start, stop = fractions
        predictor = Predictor(
            self._network, self.manifest.grid, settings=self._settings, n_outputs=len(self.manifest.outputs)
        )

        def follow(n_done: int, n_all: int) -> None:
            self._machine.on_progress(stage, start + (stop - start) * n_done / max(n_all, 1))

        found = predictor.predict(prepared.image, gate=inside, on_progress=follow)
        self._notices += found.notices
        if found.device != str(self._settings.device):
            self._device_words = describe_device(torch.device(found.device))
        return found.logits, prepared

    def study_probability(self, geometry: Geometry, images: Images) -> float:
        """Return a classifier's probability for the whole study."""
        prepared = prepare(self.manifest, geometry, images, {})
        return predict_probability(self._network, prepared.image, settings=self._settings)
