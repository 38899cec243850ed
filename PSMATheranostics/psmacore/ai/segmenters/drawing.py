"""What a lesion model says of a study's PET to the drawing of its lesions, with the record of what ran."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from psmacore.ai.segmenters.choosing import range_warnings
from psmacore.ai.segmenters.on_pet import hu_on
from psmacore.lesions.model_segment import body_mask, segment_by_probability
from psmacore.lesions.thresholds import Threshold
from psmacore.model.timepoint import ModelUse, SegmenterInfo
from psmacore.pipeline.images import StudyImages
from psmacore.pipeline.request import ModelOptions
from psmacore.pipeline.segmenters import Drawing
from psmacore.registry.catalog import ModelFolder
from psmacore.suv.tracer import is_fdg

Parameter = str | float | int | bool


class Ran(Protocol):
    """A model that was run, whatever runs it."""

    model: ModelFolder

    @property
    def use(self) -> ModelUse:
        """What the results record of it."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was done otherwise than asked for."""


def draw(
    images: StudyImages,
    ran: Ran,
    probability: NDArray[np.float32],
    threshold: Threshold,
    *,
    options: ModelOptions,
    operating_point: float,
    predicted: NDArray[np.bool_] | None = None,
    parameters: Mapping[str, Parameter],
    warnings: tuple[str, ...],
) -> Drawing:
    """Return a model's lesions as far as the threshold agrees, see :func:`segment_by_probability`.

    Parameters
    ----------
    probability : numpy.ndarray
        ``(k, j, i)``, float32, on the PET grid.
    options : ModelOptions
        Whether the body mask is used.
    operating_point, predicted
        As :func:`psmacore.lesions.model_segment.segment_by_probability` has them.
    parameters : mapping of str to str, float, int or bool
        What the record says beside rule and body mask.
    warnings : tuple of str
        Come first, before those of scan range and model.
    """
    suv, manifest = images.suv, ran.model.manifest
    candidates = segment_by_probability(
        suv,
        probability,
        threshold,
        images.organs,
        operating_point=operating_point,
        is_fdg=is_fdg(images.tracer),
        body=body_mask(hu_on(images.ct, suv.geometry)) if options.body_mask else None,
        predicted=predicted,
    )
    info = SegmenterInfo(
        name=manifest.name,
        version=manifest.version,
        weights_sha256=manifest.weights_sha256,
        threshold_suv=threshold.lowest_suv,
        parameters={"rule": threshold.rule.kind.value, **parameters, "body_mask": options.body_mask},
    )
    return Drawing(candidates, info, (ran.use,), (*warnings, *range_warnings(ran.model, images), *ran.warnings))
