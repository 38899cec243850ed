"""What a request asks for to the steps of its analysis that trained models do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from psmacore.ai.segmenters.deep_psma import PairedLesions
from psmacore.ai.segmenters.lesion_unet import LesionUnet
from psmacore.ai.segmenters.organ_unet import ORGAN_FAMILY, OrganUnet
from psmacore.ai.segmenters.running import Machine
from psmacore.ai.segmenters.study_classifier import StudyCnn
from psmacore.pipeline.model_names import check_names, task_of
from psmacore.pipeline.models import OrganSegmenter, StudyClassifier
from psmacore.pipeline.request import NO_MODEL, AnalyseRequest
from psmacore.pipeline.segmenters import Segmenter, segmenter_named
from psmacore.registry.catalog import list_models
from psmacore.registry.manifest import Task
from psmacore.registry.nnunet_spec import NNUNET_KIND

LESION_SEGMENTERS: Mapping[Task, Callable[[Machine, str], Segmenter]] = MappingProxyType(
    {Task.LESIONS: LesionUnet, Task.PAIRED_LESIONS: PairedLesions}
)


@dataclass(frozen=True)
class Steps:
    """Who does what in one analysis; ``None`` where nobody does."""

    segmenter: Segmenter
    organ_segmenter: OrganSegmenter | None
    classifier: StudyClassifier | None


def steps_of(request: AnalyseRequest, machine: Machine) -> Steps:
    """Return the steps of a request.

    A trained lesion segmenter brings the organ model and the classifier along unless the request says ``none``;
    a rule or a reader's mask has only those that the request names.

    Raises
    ------
    ModelError, UsageError
        As :func:`psmacore.pipeline.model_names.check_names`.
    """
    check_names(request)
    options, is_model = request.models, request.draws_with_model
    organs = ORGAN_FAMILY if options.organ_model is None and is_model else options.organ_model
    classifier = options.classifier
    return Steps(
        segmenter=_lesion_segmenter(machine, request.segmenter)
        if is_model
        else segmenter_named(request.segmenter, request.mask),
        organ_segmenter=None if organs in (None, NO_MODEL) else _organ_segmenter(machine, str(organs)),
        classifier=None
        if classifier == NO_MODEL or (classifier is None and not is_model)
        else StudyCnn(machine, classifier),
    )


def _lesion_segmenter(machine: Machine, name: str) -> Segmenter:
    if _is_imported(name):
        from psmacore.ai.segmenters.nnunet_lesions import NnunetLesions

        return NnunetLesions(machine, name)
    return LESION_SEGMENTERS[task_of(name)](machine, name)


def _organ_segmenter(machine: Machine, name: str) -> OrganSegmenter:
    if _is_imported(name):
        from psmacore.ai.segmenters.nnunet_organs import NnunetOrgans

        return NnunetOrgans(machine, name)
    return OrganUnet(machine, name)


def _is_imported(name: str) -> bool:
    """Return whether a name is that of a model, or family of models, that nnU-Net runs.

    nnU-Net is imported only then: that takes seconds, and an installation may do without it.
    """
    named = [model.manifest for model in list_models() if name in (model.manifest.name, model.manifest.family)]
    return any(manifest.architecture.kind == NNUNET_KIND for manifest in named)
