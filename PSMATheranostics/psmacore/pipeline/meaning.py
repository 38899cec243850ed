"""Candidates of a study to measured lesions with what they mean: PROMISE class and score, miTNM, doubts."""

from __future__ import annotations

from dataclasses import dataclass

from psmacore.lesions.candidates import Candidates
from psmacore.lesions.expression import ScoreReference
from psmacore.lesions.measure import measure
from psmacore.lesions.reference import reference_regions
from psmacore.lesions.whole_patient import promise_stage, reference_warnings
from psmacore.model.codes import Code
from psmacore.model.lesions import Lesion, ReferenceRegion
from psmacore.model.promise import PromiseRules, PromiseStage
from psmacore.model.volumes import OrganMap, SuvVolume
from psmacore.suv.tracer import is_liver_excreted, is_psma


@dataclass(frozen=True)
class Meaning:
    """What one study's candidates mean; ``promise`` is ``None`` where PROMISE does not apply."""

    lesions: tuple[Lesion, ...]
    reference_regions: tuple[ReferenceRegion, ...]
    promise: PromiseStage | None
    warnings: tuple[str, ...]


def score_reference_of(tracer: Code) -> ScoreReference | None:
    """Return the organ that PROMISE's expression score compares with; ``None`` for other tracers than PSMA ligands."""
    if not is_psma(tracer):
        return None
    return ScoreReference.SPLEEN if is_liver_excreted(tracer) else ScoreReference.LIVER


def meaning_of(
    suv: SuvVolume, organs: OrganMap | None, tracer: Code, candidates: Candidates, rules: PromiseRules
) -> Meaning:
    """Measure every candidate and stage the patient.

    Parameters
    ----------
    suv : SuvVolume
        SUVbw in g/ml.
    organs : OrganMap or None
        On the same grid.
    tracer : Code
        Radiopharmaceutical.
    candidates : Candidates
        On the same grid.
    rules : PromiseRules
        Edition and conventions of the miTNM.

    Returns
    -------
    Meaning
        Without candidates there are no lesions; the miTNM then says so where physiological uptake was excluded.
    """
    regions = () if organs is None else reference_regions(suv, organs)
    organ = score_reference_of(tracer)
    lesions = measure(suv, candidates, reference=regions, score_reference=organ, common_iliac=rules.common_iliac)
    if organ is None:
        return Meaning(lesions, regions, None, ())
    promise = promise_stage(lesions, candidates.segmentation, organs, rules) if candidates.physiology_excluded else None
    doubts = () if organs is None else reference_warnings(lesions, candidates.segmentation, organs, regions, organ)
    return Meaning(lesions, regions, promise, doubts)
