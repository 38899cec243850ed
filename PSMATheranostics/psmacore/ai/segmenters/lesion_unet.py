"""A study's PET and CT to lesions, by a trained network and the tracer's SUV threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from psmacore.ai.preprocess.prepare import restore
from psmacore.ai.segmenters.choosing import choose, operating_point
from psmacore.ai.segmenters.drawing import draw
from psmacore.ai.segmenters.on_pet import channels_on_pet
from psmacore.ai.segmenters.running import Images, Machine, RunningModel
from psmacore.lesions.thresholds import Threshold, resolve
from psmacore.pipeline.images import StudyImages
from psmacore.pipeline.segmenters import Drawing, rule_of
from psmacore.registry.manifest import Activation, ChannelName, Manifest, Task

LESION_FAMILY = "lesion-unet"
NO_LESION_LOGIT = 1e4
_FRACTIONS = (0.45, 0.6)


@dataclass(frozen=True)
class LesionUnet:
    """Draws lesions by the lesion model of a name or family, each with the weight set of the study's tracer."""

    machine: Machine
    name: str = LESION_FAMILY
    reads_companion = False

    def segment(self, images: StudyImages) -> Drawing:
        """Return the voxels that the model and the threshold agree on, as lesions, and all that they disagree on.

        Raises
        ------
        ModelError
            If there is no such model, the tracer is none of its own, or its weights are altered.
        InputRefusedError
            If an image holds values that are no finite numbers, the study lacks a CT that the model reads, or the
            tracer's rule needs a liver that nothing shows.

        References
        ----------
        W82 to W87; D02, D25 and D28.
        """
        options = self.machine.options
        model = choose(self.name, Task.LESIONS, images, allow_simulation=options.allow_simulation_weights)
        point = operating_point(model.manifest, options.operating_point)
        threshold = resolve(rule_of(images.tracer), images.suv, images.organs)
        channels, warnings = channels_on_pet(model.manifest, images)
        running = RunningModel(model, self.machine)
        is_gated = model.manifest.validity.is_thresholded and not options.keep_below_threshold
        probability = self._probability(running, images, channels, threshold, is_gated=is_gated)
        return draw(
            images,
            running,
            probability,
            threshold,
            options=options,
            operating_point=point,
            parameters={
                "operating_point": point,
                "keep_below_threshold": options.keep_below_threshold,
                "inference": "fast" if options.is_fast else "exact",
            },
            warnings=(*warnings, *_not_looked_for(threshold, is_gated)),
        )

    def _probability(
        self,
        running: RunningModel,
        images: StudyImages,
        channels: Images,
        threshold: Threshold,
        *,
        is_gated: bool,
    ) -> NDArray[np.float32]:
        suv = images.suv
        gate = threshold.accepts(suv, images.organs) if is_gated else None
        logits, prepared = running.logits(
            suv.geometry,
            channels,
            {ChannelName.PET: threshold.lowest_suv},
            gate=gate,
            stage="segment",
            fractions=_FRACTIONS,
        )
        restored = restore(logits, prepared, fill=_no_lesion(running.manifest))
        probability = lesion_probability(running.manifest, restored)
        if gate is not None:  # beside it only those voxels are known that a coarser grid needed
            probability[~gate] = 0.0
        return probability


def lesion_probability(manifest: Manifest, logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the probability of being any lesion, ``(k, j, i)``, float32, of logits ``(n, k, j, i)``."""
    tensor = torch.from_numpy(logits)
    is_softmax = manifest.activation is Activation.SOFTMAX
    each = tensor.softmax(dim=0) if is_softmax else tensor.sigmoid()
    lesion = [index for index, output in enumerate(manifest.outputs) if output.label != 0]
    combined = each[lesion].sum(dim=0) if is_softmax else each[lesion].amax(dim=0)
    return np.asarray(combined.clamp(0.0, 1.0), dtype=np.float32)


def _no_lesion(manifest: Manifest) -> NDArray[np.float32]:
    """Return the logits of no lesion at all, ``(n,)``: what holds outside a crop."""
    if manifest.activation is Activation.SIGMOID:
        return np.full(len(manifest.outputs), -NO_LESION_LOGIT, np.float32)
    signs = [-1.0 if output.label else 1.0 for output in manifest.outputs]
    return np.asarray(np.multiply(signs, NO_LESION_LOGIT), np.float32)


def _not_looked_for(threshold: Threshold, is_gated: bool) -> tuple[str, ...]:
    """Say what a gated run does not see (D28)."""
    if not is_gated:
        return ()
    words = f"disease below the threshold of SUV {threshold.lowest_suv:.2f} was not looked for; --post-therapy does"
    return (words,)
