"""A network of ours and the images of a case to masks, labels or a probability on the case's own grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from psmacore.ai.inference.accumulate import BACKGROUND_LOGITS
from psmacore.ai.preprocess.prepare import Cropping, restore, restore_labels
from psmacore.ai.segmenters.lesion_unet import lesion_probability
from psmacore.ai.segmenters.running import Images, RunningModel, Thresholds
from psmacore.errors import InputRefusedError
from psmacore.model.geometry import Geometry
from psmacore.model.timepoint import ModelUse
from psmacore.registry.manifest import ChannelName, Manifest, Task

Mask = NDArray[np.bool_]

WHOLE = (0.0, 1.0)
"""A model's run on a case, of the progress that is told."""


class NetworkOnCases:
    """A :class:`psmacore.ai.evaluation.case_model.CaseModel` of a network and its weights.

    Parameters
    ----------
    operating_point : float
        Probability from which on a voxel is lesion.
    """

    def __init__(self, running: RunningModel, operating_point: float) -> None:
        self.manifest = running.manifest
        self._running = running
        self._operating_point = operating_point

    @property
    def use(self) -> ModelUse:
        """What the results record of this model."""
        return self._running.use

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was done otherwise than asked for."""
        return self._running.warnings

    @property
    def uses_own_labels(self) -> bool:
        """Never: the operating point decides."""
        return False

    def lesion_mask(self, geometry: Geometry, images: Images, thresholds_suv: Thresholds) -> Mask:
        """Return the voxels from the operating point on; of a thresholded model the PET must reach its threshold."""
        manifest = self.manifest
        gate = hot_voxels(manifest, images, thresholds_suv) if manifest.validity.is_thresholded else None
        logits, prepared = self._running.logits(
            geometry, images, thresholds_suv, gate=gate, stage="lesions", fractions=WHOLE
        )
        first, others = BACKGROUND_LOGITS
        native = restore(logits, prepared, fill=[first, *[others] * (len(manifest.outputs) - 1)])
        probability = lesion_probability(manifest, native)
        mask = np.asarray(probability >= np.float32(self._operating_point), dtype=np.bool_)
        return mask if gate is None else mask & gate

    def organ_labels(self, geometry: Geometry, images: Images, *, onto: Geometry | None = None) -> NDArray[np.uint16]:
        """Return the label numbers of exclusive outputs.

        Organ models read the box that the patient fills, as in the analysis of a study.
        """
        cropping = Cropping.BODY if self.manifest.task is Task.ORGANS else None
        logits, prepared = self._running.logits(
            geometry, images, {}, cropping=cropping, stage="organs", fractions=WHOLE
        )
        return restore_labels(self.manifest, logits, prepared if onto is None else replace(prepared, native=onto))

    def study_probability(self, geometry: Geometry, images: Images) -> float:
        """Return a classifier's probability for the whole study."""
        return self._running.study_probability(geometry, images)


def hot_voxels(manifest: Manifest, images: Images, thresholds_suv: Thresholds) -> Mask:
    """Return where the PET reaches its threshold, ``(k, j, i)``.

    Raises
    ------
    InputRefusedError
        If nothing states the threshold.
    """
    if ChannelName.PET not in thresholds_suv:
        raise InputRefusedError(
            f"{manifest.name} is thresholded, but nothing states the threshold of {ChannelName.PET}: "
            "for FDG it is measured in the liver, which needs an organ model"
        )
    return np.asarray(images[ChannelName.PET] >= np.float32(thresholds_suv[ChannelName.PET]), dtype=np.bool_)
