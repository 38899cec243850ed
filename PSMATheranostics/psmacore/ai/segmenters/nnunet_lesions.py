"""A study's PET and CT to lesions, by an imported nnU-Net and the tracer's SUV threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from psmacore.ai.nnunet.predictor import Labelled
from psmacore.ai.segmenters.choosing import choose, operating_point
from psmacore.ai.segmenters.drawing import draw
from psmacore.ai.segmenters.nnunet_running import RunningNnunet
from psmacore.ai.segmenters.on_pet import channels_on_pet
from psmacore.ai.segmenters.running import Images, Machine
from psmacore.errors import InputRefusedError
from psmacore.lesions.thresholds import resolve
from psmacore.model.geometry import Geometry
from psmacore.pipeline.images import StudyImages
from psmacore.pipeline.segmenters import Drawing, rule_of
from psmacore.registry.manifest import Activation, ChannelName, Manifest, Task
from psmacore.registry.nnunet_spec import NnunetSpec

FloatImage = NDArray[np.float32]
OWN_LABELS = "the model's labels"
_FRACTIONS = (0.45, 0.6)


@dataclass(frozen=True)
class NnunetLesions:
    """Draws lesions by an imported model, all folds, on the native PET grid.

    Without an operating point of the user's a voxel is lesion where the model's own labels say so.
    """

    machine: Machine
    name: str
    reads_companion = False

    def segment(self, images: StudyImages) -> Drawing:
        """Return the voxels that the model and the threshold agree on, as lesions, and all that they disagree on.

        Raises
        ------
        ModelError
            If there is no such model, the tracer is none of its own, or its files are altered.
        InputRefusedError
            If an image holds values that are no finite numbers, the study lacks a CT that the model reads, or the
            tracer's rule needs a liver that nothing shows.

        References
        ----------
        W87 (tracer), W88 (models are plug-ins), D02 (threshold).
        """
        options = self.machine.options
        model = choose(self.name, Task.LESIONS, images, allow_simulation=options.allow_simulation_weights)
        threshold = resolve(rule_of(images.tracer), images.suv, images.organs)
        channels, warnings = channels_on_pet(model.manifest, images)
        running = RunningNnunet(model, self.machine)
        labelled = label_lesions(
            running, images.suv.geometry, channels, threshold.lowest_suv, stage="segment", fractions=_FRACTIONS
        )
        point = operating_point(model.manifest, options.operating_point)
        is_own = options.operating_point is None
        return draw(
            images,
            running,
            lesion_probability(model.manifest, running.spec, labelled),
            threshold,
            options=options,
            operating_point=point,
            predicted=lesion_mask(model.manifest, running.spec, labelled) if is_own else None,
            parameters={
                "operating_point": OWN_LABELS if is_own else point,
                "mirroring": running.uses_mirroring,
                "folds": ", ".join(running.spec.parts[0].folds),
            },
            warnings=warnings,
        )


def label_lesions(
    running: RunningNnunet,
    geometry: Geometry,
    images: Images,
    threshold_suv: float,
    *,
    stage: str,
    fractions: tuple[float, float],
) -> Labelled:
    """Return what a lesion model says of images on one grid.

    Parameters
    ----------
    geometry : Geometry
        Grid of the images.
    images : mapping of ChannelName to numpy.ndarray
        ``(k, j, i)``, float32, in g/ml and HU.
    threshold_suv : float
        In g/ml; read by models that see PET as multiples of it.
    stage, fractions
        For the progress, as :meth:`RunningNnunet.each` has them.

    Raises
    ------
    InputRefusedError
        If an image is missing, or holds values that are no finite numbers.
    """
    channels = _stacked(running.manifest, running.spec, images, threshold_suv)
    answers = running.each(
        lambda predictor, follow: predictor.label(channels, geometry, on_window=follow),
        stage=stage,
        fractions=fractions,
    )
    return next(labelled for _part, labelled in answers)


def lesion_mask(manifest: Manifest, spec: NnunetSpec, labelled: Labelled) -> NDArray[np.bool_]:
    """Return where the model's own labels say lesion, ``(k, j, i)``."""
    if manifest.activation is Activation.SIGMOID:
        return np.asarray(lesion_probability(manifest, spec, labelled) > 0.5)
    return np.isin(labelled.labels, spec.lesion_labels)


def lesion_probability(manifest: Manifest, spec: NnunetSpec, labelled: Labelled) -> FloatImage:
    """Return the probability of being any lesion, ``(k, j, i)``, float32.

    Labels that exclude each other add up; of regions, which overlap, the most probable counts.
    """
    has_background = manifest.activation is Activation.SOFTMAX
    chosen = [label if has_background else label - 1 for label in spec.lesion_labels]
    each = labelled.probabilities[chosen]
    combined = each.sum(axis=0) if has_background else each.max(axis=0)
    return np.asarray(np.clip(combined, 0.0, 1.0), dtype=np.float32)


def _stacked(manifest: Manifest, spec: NnunetSpec, images: Images, threshold_suv: float) -> FloatImage:
    """Return the images in the model's order and units, ``(c, k, j, i)``, float32."""
    missing = [channel.name.value for channel in manifest.inputs if channel.name not in images]
    if missing:
        raise InputRefusedError(f"{manifest.name} reads {', '.join(missing)}, which is not there")
    units = {ChannelName.PET: np.float32(threshold_suv)} if spec.is_pet_in_thresholds else {}
    channels = [images[channel.name] / units.get(channel.name, np.float32(1.0)) for channel in manifest.inputs]
    return np.stack(channels).astype(np.float32, copy=False)
