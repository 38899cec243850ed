"""What the analysis asks of trained models, without knowing how they run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from psmacore.model.timepoint import ModelUse, StudyClassification
from psmacore.model.volumes import OrganMap
from psmacore.pipeline.images import StudyImages

Value = TypeVar("Value")


@dataclass(frozen=True)
class Answer(Generic[Value]):
    """What a model answers, the model, and what the reader should know of how it ran."""

    value: Value
    model: ModelUse
    warnings: tuple[str, ...] = ()


class OrganSegmenter(Protocol):
    """Labels organs on the CT."""

    def segment_organs(self, images: StudyImages) -> Answer[OrganMap]:
        """Return the organ labels on the PET grid.

        Raises
        ------
        ModelError
            If there is no such model, or it may not be used on this study.
        StudyContentError
            If the study has no CT.
        """


class StudyClassifier(Protocol):
    """Tells studies with lesions from studies without."""

    def classify(self, images: StudyImages) -> Answer[StudyClassification]:
        """Return the answer for the whole study.

        Raises
        ------
        ModelError
            If there is no such model, or it may not be used on this study.
        """
