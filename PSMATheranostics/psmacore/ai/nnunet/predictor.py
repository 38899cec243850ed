"""Images of one study to what an imported nnU-Net says of every voxel, by nnU-Net's own steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from psmacore.ai.nnunet.checkpoint import Checkpoint
from psmacore.ai.nnunet.orientation import Oriented, orient
from psmacore.ai.nnunet.quiet import quietly
from psmacore.ai.preprocess.grid import model_geometry, shifted
from psmacore.errors import InputRefusedError, ModelUnfitError
from psmacore.model.geometry import Geometry
from psmacore.registry.manifest import Grid
from psmacore.registry.nnunet_plans import read_configuration

with quietly():
    from nnunetv2.inference.export_prediction import convert_predicted_logits_to_segmentation_with_correct_shape
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
    from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
    from nnunetv2.utilities.label_handling.label_handling import determine_num_input_channels
    from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

FloatImage = NDArray[np.float32]
OnWindow = Callable[[int, int], None]
"""Called with the windows done and all windows, over all folds."""

STEP = 0.5
"""Of the patch between windows, as nnU-Net's own command has it."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """What a model says on the study's grid.

    Parameters
    ----------
    labels : numpy.ndarray
        ``(k, j, i)``, uint16, by the model's own numbers: what nnU-Net's own command writes.
    probabilities : numpy.ndarray
        ``(n, k, j, i)``, float32: background first of labels that exclude each other, else one channel a region.
    """

    labels: NDArray[np.uint16]
    probabilities: FloatImage


@dataclass(frozen=True, eq=False)
class Logits:
    """A network's output before it is brought to any image's grid.

    Parameters
    ----------
    values : numpy.ndarray
        ``(n, k, j, i)``, float32.
    geometry : Geometry
        Of ``values``: the spacing that the model was planned for, over the part of the images that is not zero.
    """

    values: FloatImage
    geometry: Geometry


class NnunetPredictor:
    """One trained configuration, all folds, ready to run.

    Parameters
    ----------
    plans, dataset : dict
        plans.json and dataset.json.
    configuration : str
        For example ``3d_fullres``.
    checkpoints : sequence of Checkpoint
        One a fold; their logits are averaged.
    device : torch.device
        Where it runs.
    use_mirroring : bool
        Whether each window is also seen in every mirror that the model was trained with, up to eight times.
    where : pathlib.Path
        Of the plans, for messages.

    Raises
    ------
    ModelUnfitError
        If the plans build no network, or the weights are of another one.
    """

    def __init__(
        self,
        plans: dict[str, Any],
        dataset: dict[str, Any],
        configuration: str,
        checkpoints: Sequence[Checkpoint],
        *,
        device: torch.device,
        use_mirroring: bool,
        where: Path,
    ) -> None:
        self._planned = read_configuration(plans, configuration, where)
        self._dataset = dataset
        self._n_folds = len(checkpoints)
        with quietly():
            manager = PlansManager(plans)
            configured = manager.get_configuration(configuration)
            self._labels = manager.get_label_manager(dataset)
            self._n_channels = int(determine_num_input_channels(manager, configured, dataset))
            network = _network(configured, self._n_channels, int(self._labels.num_segmentation_heads), where)
            for checkpoint in checkpoints:
                _check_fit(network, checkpoint, where)
            self._predictor: Any = _Counting(
                tile_step_size=STEP,
                use_gaussian=True,
                use_mirroring=use_mirroring,
                perform_everything_on_device=True,
                device=device,
                allow_tqdm=False,
            )
            self._predictor.manual_initialization(
                network,
                manager,
                configured,
                [checkpoint.weights for checkpoint in checkpoints],
                dataset,
                checkpoints[0].trainer,
                checkpoints[0].mirror_axes,
            )

    def label(self, images: FloatImage, geometry: Geometry, *, on_window: OnWindow | None = None) -> Labelled:
        """Return labels and probabilities on the study's grid, as nnU-Net's own command makes them.

        Parameters
        ----------
        images : numpy.ndarray
            ``(c, k, j, i)``, float32, in the units that the model was trained with, channels in its order.
        geometry : Geometry
            Of ``images``.

        Raises
        ------
        InputRefusedError
            If there are other channels than the model reads, or a value is no finite number.
        """
        oriented = self._oriented(images, geometry)
        with quietly():
            data, properties = self._preprocessed(oriented)
            logits = self._run(data, on_window)
            labels, probabilities = convert_predicted_logits_to_segmentation_with_correct_shape(
                logits,
                self._predictor.plans_manager,
                self._predictor.configuration_manager,
                self._labels,
                properties,
                return_probabilities=True,
                num_threads_torch=torch.get_num_threads(),
            )
        restored = [oriented.put_back(np.asarray(one, np.float32)) for one in np.asarray(probabilities)]
        return Labelled(oriented.put_back(np.asarray(labels).astype(np.uint16)), np.stack(restored))

    def logits(self, images: FloatImage, geometry: Geometry, *, on_window: OnWindow | None = None) -> Logits:
        """Return the logits on the model's own grid: for many labels, what the study's grid has no memory for.

        Parameters and errors are those of :meth:`label`.
        """
        oriented = self._oriented(images, geometry)
        with quietly():
            data, properties = self._preprocessed(oriented)
            planned_axes = self._run(data, on_window)
        back = self._planned.transpose_backward
        values = np.asarray(planned_axes.float().numpy().transpose(0, *(axis + 1 for axis in back)))
        box = [properties["bbox_used_for_cropping"][axis] for axis in back]
        cropped = shifted(
            oriented.geometry,
            (int(box[0][0]), int(box[1][0]), int(box[2][0])),
            (int(box[0][1] - box[0][0]), int(box[1][1] - box[1][0]), int(box[2][1] - box[2][0])),
        )
        size = (values.shape[1], values.shape[2], values.shape[3])
        return Logits(values, model_geometry(Grid(patch=size, resize_to=size), cropped))

    def _oriented(self, images: FloatImage, geometry: Geometry) -> Oriented:
        if images.shape != (self._n_channels, *geometry.shape):
            raise InputRefusedError(
                f"the model reads {self._n_channels} channels of {geometry.shape} voxels (k, j, i), not {images.shape}"
            )
        if not bool(np.isfinite(images).all()):
            raise InputRefusedError("an image holds values that are no finite numbers")
        return orient(images, geometry, self._planned.reader)

    def _preprocessed(self, oriented: Oriented) -> tuple[torch.Tensor, dict[str, Any]]:
        configured = self._predictor.configuration_manager
        preprocessor = configured.preprocessor_class(verbose=False)
        spacing = [float(mm) for mm in oriented.geometry.spacing_kji_mm]
        data, _no_target, properties = preprocessor.run_case_npy(
            oriented.values, None, {"spacing": spacing}, self._predictor.plans_manager, configured, self._dataset
        )
        return torch.from_numpy(np.ascontiguousarray(data)), properties

    def _run(self, data: torch.Tensor, on_window: OnWindow | None) -> torch.Tensor:
        self._predictor.follow(on_window, self._n_folds)
        logits: torch.Tensor = self._predictor.predict_logits_from_preprocessed_data(data).cpu()
        return logits


class _Counting(nnUNetPredictor):  # type: ignore[misc]
    """nnU-Net's predictor, telling of its windows."""

    def follow(self, on_window: OnWindow | None, n_folds: int) -> None:
        self._on_window = on_window or (lambda _done, _all: None)
        self._n_folds = n_folds
        self._n_all = self._n_done = 0

    def _internal_get_sliding_window_slicers(self, image_size: tuple[int, ...]) -> list[tuple[slice, ...]]:
        slicers: list[tuple[slice, ...]] = super()._internal_get_sliding_window_slicers(image_size)
        self._n_all = len(slicers) * self._n_folds
        return slicers

    def _internal_maybe_mirror_and_predict(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = super()._internal_maybe_mirror_and_predict(x)
        self._n_done += 1
        self._on_window(min(self._n_done, self._n_all), self._n_all)
        return found


def _network(configured: Any, n_inputs: int, n_outputs: int, where: Path) -> torch.nn.Module:
    try:
        network: torch.nn.Module = get_network_from_plans(
            configured.network_arch_class_name,
            configured.network_arch_init_kwargs,
            configured.network_arch_init_kwargs_req_import,
            n_inputs,
            n_outputs,
            allow_init=False,
            deep_supervision=False,
        )
    except (ImportError, TypeError, ValueError, AttributeError, LookupError, RuntimeError, AssertionError) as error:
        raise ModelUnfitError(f"{where} builds no network: {error}") from error
    return network


def _check_fit(network: torch.nn.Module, checkpoint: Checkpoint, where: Path) -> None:
    """Raise where weights are missing, unknown or of another shape than the network of the plans."""
    try:
        network.load_state_dict(checkpoint.weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:400]
        raise ModelUnfitError(f"the weights are not of the network that {where} plans: {reason}") from error
