"""A loaded study to organs, classification and lesions, in that order and as the request wants them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from psmacore import __version__
from psmacore.errors import ModelMissingError, StudyContentError
from psmacore.lesions.candidates import Candidates
from psmacore.model.timepoint import ModelUse, SegmenterInfo, StudyClassification, StudyLabel
from psmacore.model.volumes import OrganMap, Segmentation
from psmacore.pipeline.companion import beside
from psmacore.pipeline.images import StudyImages
from psmacore.pipeline.load import LoadedStudy
from psmacore.pipeline.models import Answer, OrganSegmenter, StudyClassifier
from psmacore.pipeline.request import AnalyseRequest
from psmacore.pipeline.segmenters import Drawing, Segmenter
from psmacore.pipeline.stages import Stages

logger = logging.getLogger(__name__)

NOT_SEGMENTED = "not-segmented"
Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class Findings:
    """What was found in a study, before it is measured."""

    drawing: Drawing
    organs: OrganMap | None
    classification: StudyClassification | None
    models: tuple[ModelUse, ...]
    warnings: tuple[str, ...]


@dataclass
class ModelSteps:
    """The three services of W60 in order: organs, classification as the gate, lesions."""

    request: AnalyseRequest
    segmenter: Segmenter
    organ_segmenter: OrganSegmenter | None
    classifier: StudyClassifier | None
    models: list[ModelUse] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def run(self, study: LoadedStudy, other: LoadedStudy | None, stages: Stages) -> Findings:
        """Return what was found; every model that ran is logged with version and hash.

        Raises
        ------
        ModelError
            If a model that the request names is missing, or any may not be used on this study.
        InputRefusedError
            If a model cannot read the study, or the companion cannot be brought to it.
        """
        images = self._with_organs(study.images, stages)
        if other is not None:
            companion = self._with_organs(other.images, stages)
            with stages.stage("register companion", 0.38):
                images = replace(images, companion=beside(images, companion))
            self.warnings += [f"companion: {words}" for words in other.warnings]
        classification = self._classified(images, stages)
        if classification is not None and classification.has_stopped_segmentation:
            drawing = _not_segmented(images, classification)
        else:
            with stages.stage("segment", 0.45):
                drawing = self.segmenter.segment(images)
            for use in drawing.models:
                self._note(use)
            self.warnings += drawing.warnings
        return Findings(drawing, images.organs, classification, tuple(self.models), tuple(self.warnings))

    def _with_organs(self, images: StudyImages, stages: Stages) -> StudyImages:
        """Return the images with an organ map: the study's own, or the model's where that is wanted."""
        segmenter, named = self.organ_segmenter, self.request.models.organ_model is not None
        if segmenter is None or (images.organs is not None and not named):
            return images
        with stages.stage("organs", 0.28):
            answer = self._unless_missing(lambda: segmenter.segment_organs(images), is_named=named)
        return images if answer is None else replace(images, organs=answer)

    def _classified(self, images: StudyImages, stages: Stages) -> StudyClassification | None:
        classifier, options = self.classifier, self.request.models
        if classifier is None:
            return None
        with stages.stage("classify", 0.4):
            answer = self._unless_missing(lambda: classifier.classify(images), is_named=options.classifier is not None)
        if answer is None or answer.label != StudyLabel.NORMAL:
            return answer
        if not options.use_gate:
            self.warnings.append(f"{answer.model} calls this study normal; it was segmented all the same, as asked for")
            return answer
        return replace(answer, has_stopped_segmentation=True)

    def _unless_missing(self, step: Callable[[], Answer[Value]], *, is_named: bool) -> Value | None:
        """Return a step's answer; ``None`` with a warning where a step that nobody named has no model or no CT."""
        try:
            answer = step()
        except (ModelMissingError, StudyContentError) as error:
            if is_named:
                raise
            logger.warning("%s", error)
            self.warnings.append(str(error))
            return None
        self._note(answer.model)
        self.warnings += answer.warnings
        return answer.value

    def _note(self, use: ModelUse) -> None:
        logger.info(
            "%s: %s %s, weights sha256 %s, on %s", use.task, use.name, use.version, use.weights_sha256, use.device
        )
        self.models.append(use)


def _not_segmented(images: StudyImages, answer: StudyClassification) -> Drawing:
    """Return an empty drawing that says why it is empty."""
    geometry = images.suv.geometry
    words = (
        f"not segmented: {answer.model} calls this study normal (probability {answer.probability:.2f}); "
        "--no-gate segments it all the same"
    )
    candidates = Candidates(
        segmentation=Segmentation(np.zeros(geometry.shape, np.uint16), geometry),
        parts=(),
        threshold_suv=None,
        rule=None,
        physiology_excluded=False,
        warnings=(words,),
    )
    return Drawing(candidates, SegmenterInfo(NOT_SEGMENTED, __version__, parameters={"gate": answer.model}))
