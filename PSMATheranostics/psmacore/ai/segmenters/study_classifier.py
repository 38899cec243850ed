"""A study's PET to normal or abnormal, by a trained network."""

from __future__ import annotations

from dataclasses import dataclass

from psmacore.ai.segmenters.choosing import choose, range_warnings
from psmacore.ai.segmenters.running import Machine, RunningModel
from psmacore.errors import ModelMissingError
from psmacore.model.timepoint import StudyClassification, StudyLabel
from psmacore.pipeline.images import StudyImages
from psmacore.pipeline.models import Answer
from psmacore.registry.catalog import ModelFolder
from psmacore.registry.manifest import ChannelName, Task

FAMILIES = ("study-resnet50", "study-cnn")
"""In the order of their published accuracy: 73 % and 59 % (W75)."""


@dataclass(frozen=True)
class StudyCnn:
    """Classifies by the model of a name or family; without a name by the best family with weights."""

    machine: Machine
    name: str | None = None

    def classify(self, images: StudyImages) -> Answer[StudyClassification]:
        """Return the label and its probability: at or above the model's operating point a study is abnormal.

        Raises
        ------
        ModelError
            If there is no such model, it may not be used here, or its weights are altered.
        InputRefusedError
            If the PET holds values that are no finite numbers.

        References
        ----------
        W71 (PET only), W72 (z-score, 128 x 128 x 128), W75.
        """
        model = self._choose(images)
        running = RunningModel(model, self.machine)
        probability = running.study_probability(images.suv.geometry, {ChannelName.PET: images.suv.values})
        is_abnormal = probability >= running.manifest.operating_point
        classification = StudyClassification(
            label=StudyLabel.ABNORMAL if is_abnormal else StudyLabel.NORMAL,
            probability=probability if is_abnormal else 1.0 - probability,
            model=running.title,
        )
        return Answer(classification, running.use, (*running.warnings, *range_warnings(model, images)))

    def _choose(self, images: StudyImages) -> ModelFolder:
        allow = self.machine.options.allow_simulation_weights
        if self.name is not None:
            return choose(self.name, Task.CLASSIFICATION, images, allow_simulation=allow)
        for family in FAMILIES[:-1]:
            try:
                return choose(family, Task.CLASSIFICATION, images, allow_simulation=allow)
            except ModelMissingError:
                continue
        return choose(FAMILIES[-1], Task.CLASSIFICATION, images, allow_simulation=allow)
