"""A study and its companion to the study's lesions, by a network that reads both tracers together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from psmacore.ai.data.case import ReferenceTracer
from psmacore.ai.deep_psma.operating_points import OperatingPoint, point_for
from psmacore.ai.deep_psma.paired_inputs import StudyPair, pair_of
from psmacore.ai.deep_psma.postprocess import GROWTH_MM, NO_GROWTH_ORGANS, Growth
from psmacore.ai.deep_psma.predict import Found, lesions_of, predict_pair
from psmacore.ai.preprocess.pairing import other_of
from psmacore.ai.segmenters.choosing import choose, range_warnings, serves
from psmacore.ai.segmenters.on_pet import hu_on
from psmacore.ai.segmenters.running import Machine, RunningModel
from psmacore.errors import ModelUnfitError
from psmacore.lesions.candidates import Candidates
from psmacore.lesions.model_segment import body_mask, segment_by_probability
from psmacore.model.timepoint import SegmenterInfo
from psmacore.pipeline.images import Companion, StudyImages
from psmacore.pipeline.model_names import ENSEMBLE_SEPARATOR, no_companion
from psmacore.pipeline.request import ModelOptions
from psmacore.pipeline.segmenters import Drawing
from psmacore.registry.catalog import ModelFolder
from psmacore.registry.manifest import Task
from psmacore.suv.tracer import is_fdg

_FRACTIONS = (0.45, 0.6)


@dataclass(frozen=True)
class PairedLesions:
    """Draws lesions by a model of paired lesions, or by the mean of several.

    Parameters
    ----------
    name : str
        Of a model or a family; several, separated by commas, are the folds of an ensemble (D23).
    """

    machine: Machine
    name: str
    reads_companion = True

    def segment(self, images: StudyImages) -> Drawing:
        """Return the lesions of the study's own tracer; those of its companion are told as a volume.

        Raises
        ------
        ModelError
            If there is no companion, no such model, or it may not be used on these tracers; if weights are altered
            or are no folds of one model.
        StudyContentError
            If one of the studies has no organ map, which is an input.
        InputRefusedError
            If an image holds values that are no finite numbers, or the FDG rule's liver is not shown.

        References
        ----------
        D02, D05 to D10, D18 to D25, D28.
        """
        options = self.machine.options
        companion = require_companion(self.name, images)
        models = self._models(images, companion)
        point = point_for(models[0], options)
        study = pair_of(images, companion)
        running = [RunningModel(model, self.machine) for model in models]
        probabilities = predict_pair(
            running,
            study.pair,
            point.postprocessing,
            is_gated=models[0].manifest.validity.is_thresholded and not options.keep_below_threshold,
            stage="segment",
            fractions=_FRACTIONS,
        )
        both = {
            tracer: lesions_of(
                tracer,
                study.pair,
                probabilities,
                point.postprocessing,
                operating_point=point.probability,
                growth=growth_of(options),
            )
            for tracer in ReferenceTracer
        }
        candidates = _candidates(images, study, both[study.tracer], point, options)
        other = _Other(study, both[other_of(study.tracer)], companion)
        info = _info(models, study, point, options, other)
        warnings = [warning for one in running for warning in one.warnings]
        told = (*warnings, *range_warnings(models[0], images), *other.words, *_not_looked_for(study, options))
        return Drawing(candidates, info, tuple(one.use for one in running), told)

    def _models(self, images: StudyImages, companion: Companion) -> list[ModelFolder]:
        """Return the models; weights that know simulation only run where both studies are simulated, or allowed."""
        options = self.machine.options
        both = replace(images, is_simulated=images.is_simulated and companion.images.is_simulated)
        names = self.name.split(ENSEMBLE_SEPARATOR)
        models = [
            choose(name, Task.PAIRED_LESIONS, both, allow_simulation=options.allow_simulation_weights) for name in names
        ]
        for model in models:
            if not serves(model.manifest, companion.images.tracer):
                raise ModelUnfitError(
                    f"{model.manifest.name} may be used on {' and '.join(model.manifest.validity.tracers)} PET; "
                    f"the companion has {companion.images.tracer.meaning!r}"
                )
        return models


def require_companion(name: str, images: StudyImages) -> Companion:
    """Return the companion study.

    Raises
    ------
    ModelUnfitError
        If there is none: the message names the model and what a PSMA-only study uses instead.
    """
    if images.companion is None:
        raise ModelUnfitError(no_companion(name))
    return images.companion


def growth_of(options: ModelOptions) -> Growth:
    """Return how lesions grow: as the user wants, else as the released method has it."""
    organs = options.no_growth_organs
    return Growth(
        GROWTH_MM if options.growth_mm is None else options.growth_mm, NO_GROWTH_ORGANS if organs is None else organs
    )


@dataclass(frozen=True, eq=False)
class _Other:
    """What the model says of the companion."""

    study: StudyPair
    found: Found
    companion: Companion

    @property
    def tracer(self) -> ReferenceTracer:
        return other_of(self.study.tracer)

    @property
    def threshold_suv(self) -> float:
        return self.study.pair.of(self.tracer).threshold_suv

    @property
    def volume_ml(self) -> float:
        voxel_ml = self.study.pair.of(self.tracer).geometry.voxel_volume_ml
        return int(np.count_nonzero(self.found.mask)) * voxel_ml

    @property
    def words(self) -> tuple[str, str]:
        name = self.tracer.value.upper()
        return (
            f"companion: the model finds {self.volume_ml:.1f} ml of {name} disease at or above SUV "
            f"{self.threshold_suv:.2f}; analyse that study to have its lesions",
            f"companion: {self.companion.registration}",
        )


def _candidates(
    images: StudyImages, study: StudyPair, found: Found, point: OperatingPoint, options: ModelOptions
) -> Candidates:
    predicted = found.mask | found.predicted if options.keep_below_threshold else found.mask
    return segment_by_probability(
        images.suv,
        found.probability,
        study.threshold,
        images.organs,
        operating_point=point.probability,
        is_fdg=is_fdg(images.tracer),
        body=body_mask(hu_on(images.ct, images.suv.geometry)) if options.body_mask else None,
        predicted=predicted,
    )


def _info(
    models: Sequence[ModelFolder], study: StudyPair, point: OperatingPoint, options: ModelOptions, other: _Other
) -> SegmenterInfo:
    first, growth = models[0].manifest, growth_of(options)
    parameters: dict[str, str | float | int | bool] = {
        "rule": study.threshold.rule.kind.value,
        "operating_point": point.probability,
        "postprocessing": point.postprocessing.value,
        "keep_below_threshold": options.keep_below_threshold,
        "body_mask": options.body_mask,
        "inference": "fast" if options.is_fast else "exact",
        "companion_tracer": other.tracer.value,
        "companion_threshold_suv": round(other.threshold_suv, 4),
        "companion_volume_ml": round(other.volume_ml, 4),
        "companion_registration": other.companion.registration,
    }
    if point.postprocessing.is_grown:
        organs = ", ".join(str(number) for number in growth.excluded_organs)
        parameters |= {"growth_mm": growth.radius_mm, "no_growth_organs": organs}
    if len(models) > 1:
        parameters["ensemble"] = ", ".join(model.manifest.name for model in models)
    return SegmenterInfo(
        name=first.name if len(models) == 1 else f"{first.family} ensemble of {len(models)}",
        version=first.version,
        weights_sha256=first.weights_sha256 if len(models) == 1 else None,
        threshold_suv=study.threshold.lowest_suv,
        parameters=parameters,
    )


def _not_looked_for(study: StudyPair, options: ModelOptions) -> tuple[str, ...]:
    """Say what a run that is cut to the threshold does not see (D28)."""
    if options.keep_below_threshold:
        return ()
    words = f"disease below the threshold of SUV {study.threshold.lowest_suv:.2f} was not looked for"
    return (f"{words}; --post-therapy does",)
