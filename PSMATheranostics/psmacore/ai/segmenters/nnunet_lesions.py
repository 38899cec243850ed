"""A study's PET and CT to lesions, by an imported nnU-Net and the tracer's SUV threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from psmacore.ai.nnunet.predictor import Labelled
from psmacore.ai.segmenters.choosing import choose, operating_point, range_warnings
from psmacore.ai.segmenters.nnunet_running import RunningNnunet
from psmacore.ai.segmenters.on_pet import coverage_warnings, covered_by, hu_on
from psmacore.ai.segmenters.running import Machine
from psmacore.lesions.model_segment import body_mask, segment_by_probability
from psmacore.lesions.thresholds import Threshold, resolve
from psmacore.model.timepoint import SegmenterInfo
from psmacore.pipeline.images import StudyImages
from psmacore.pipeline.segmenters import Drawing, rule_of
from psmacore.registry.manifest import Activation, ChannelName, Manifest, Task
from psmacore.registry.nnunet_spec import NnunetSpec
from psmacore.suv.tracer import is_fdg

FloatImage = NDArray[np.float32]
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
        options, suv = self.machine.options, images.suv
        model = choose(self.name, Task.LESIONS, images, allow_simulation=options.allow_simulation_weights)
        threshold = resolve(rule_of(images.tracer), suv, images.organs)
        running = RunningNnunet(model, self.machine)
        channels, warnings = _channels(model.manifest, running.spec, images, threshold)
        answers = running.each(
            lambda predictor, follow: predictor.label(channels, suv.geometry, on_window=follow),
            stage="segment",
            fractions=_FRACTIONS,
        )
        labelled = next(labelled for _part, labelled in answers)
        probability = lesion_probability(model.manifest, running.spec, labelled)
        wanted = options.operating_point
        point = operating_point(model.manifest, wanted)
        is_own = wanted is None
        candidates = segment_by_probability(
            suv,
            probability,
            threshold,
            images.organs,
            operating_point=point,
            is_fdg=is_fdg(images.tracer),
            body=body_mask(hu_on(images.ct, suv.geometry)) if options.body_mask else None,
            predicted=lesion_mask(model.manifest, running.spec, labelled) if is_own else None,
        )
        info = SegmenterInfo(
            name=model.manifest.name,
            version=model.manifest.version,
            weights_sha256=model.manifest.weights_sha256,
            threshold_suv=threshold.lowest_suv,
            parameters={
                "rule": threshold.rule.kind.value,
                "operating_point": "the model's labels" if is_own else point,
                "body_mask": options.body_mask,
                "mirroring": running.uses_mirroring,
                "folds": ", ".join(running.spec.parts[0].folds),
            },
        )
        told = (*warnings, *range_warnings(model, images), *running.warnings)
        return Drawing(candidates, info, (running.use,), told)


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


def _channels(
    manifest: Manifest, spec: NnunetSpec, images: StudyImages, threshold: Threshold
) -> tuple[FloatImage, tuple[str, ...]]:
    """Return the images that the model reads, ``(c, k, j, i)`` on the PET grid, and what the reader should know."""
    suv, warnings = images.suv, tuple[str, ...]()
    unit = np.float32(threshold.lowest_suv) if spec.is_pet_in_thresholds else np.float32(1.0)
    channels = []
    for channel in manifest.inputs:
        if channel.name is ChannelName.CT:
            warnings = coverage_warnings(covered_by(images.ct, suv.geometry), suv)
            channels.append(hu_on(images.ct, suv.geometry))
        else:
            channels.append(suv.values / unit)
    return np.stack(channels).astype(np.float32, copy=False), warnings
