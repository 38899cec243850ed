"""A study's CT to organ labels on the PET grid, by a trained network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from psmacore.ai.preprocess.grid import argmax_on
from psmacore.ai.preprocess.prepare import Cropping
from psmacore.ai.preprocess.targets import labels_of_winners
from psmacore.ai.segmenters.choosing import choose
from psmacore.ai.segmenters.islands import without_islands
from psmacore.ai.segmenters.on_pet import coverage_warnings, covered_by
from psmacore.ai.segmenters.running import Machine, RunningModel
from psmacore.model.volumes import OrganMap
from psmacore.pipeline.images import StudyImages
from psmacore.pipeline.models import Answer
from psmacore.registry.manifest import ChannelName, Task

ORGAN_FAMILY = "organ-unet"


@dataclass(frozen=True)
class OrganUnet:
    """Labels organs by the organ model of a name or family.

    The network runs on the box that the patient fills; its logits, not its labels, are brought to the PET grid, so
    that borders are those of the network. Voxels outside the CT's field of view hold no organ, and neither do stray
    parts that are small beside their organ's largest.
    """

    machine: Machine
    name: str = ORGAN_FAMILY

    def segment_organs(self, images: StudyImages) -> Answer[OrganMap]:
        """Return the organ map on the grid of the SUV.

        Raises
        ------
        ModelError
            If there is no such model, it may not be used here, or its weights are altered.
        StudyContentError
            If the study has no CT.
        GeometryError
            If the CT does not cover the PET anywhere.
        """
        options = self.machine.options
        model = choose(self.name, Task.ORGANS, images, allow_simulation=options.allow_simulation_weights)
        ct, pet_grid = images.ct, images.suv.geometry
        covered = covered_by(ct, pet_grid)
        running = RunningModel(model, self.machine)
        logits, prepared = running.logits(
            ct.geometry,
            {ChannelName.CT: ct.values.astype(np.float32)},
            {},
            cropping=Cropping.BODY,
            stage="organs",
            fractions=(0.28, 0.38),
        )
        fill = np.full(logits.shape[0], logits.min(initial=0.0), np.float32)
        fill[0] = logits.max(initial=0.0) + 1
        winners = argmax_on(prepared.crop.put_back(logits, fill), prepared.model, pet_grid)
        labels = labels_of_winners(running.manifest, winners)
        labels[~covered] = 0
        organs = OrganMap(without_islands(labels), pet_grid, source=f"model {running.title}")
        return Answer(organs, running.use, (*running.warnings, *coverage_warnings(covered, images.suv)))
