"""A lesion's SUVmean and reference organs to the PROMISE expression score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from psmacore.model.lesions import ReferenceRegion

TEST_RETEST_WCOV = 0.143
"""Relative band around a step in which a score is borderline.

Within-subject coefficients of variation of SUVmean between two scans are 9.0 to 14.3 % for liver, spleen, kidney and
parotid (PubMed 37211963). The upper end serves for every step: the range is not given by organ, and a borderline score
that is not marked misleads more than one that is marked without need. It is one standard deviation, not a limit.
"""


class ScoreReference(StrEnum):
    """The organ between blood pool and parotid: the liver, or the spleen for ligands that the liver excretes."""

    LIVER = "liver"
    SPLEEN = "spleen"


@dataclass(frozen=True)
class Expression:
    """A lesion's expression score.

    Parameters
    ----------
    score : int or None
        0 to 3; ``None`` where a reference is missing or their order is violated.
    is_borderline : bool
        Whether SUVmean lies within ``TEST_RETEST_WCOV`` of a step.
    order_violated : bool
        Whether the references do not rise from blood pool over liver or spleen to parotid.
    """

    score: int | None
    is_borderline: bool = False
    order_violated: bool = False


def expression(
    suv_mean: float, reference: Sequence[ReferenceRegion], organ: ScoreReference = ScoreReference.LIVER
) -> Expression:
    """Return the PROMISE expression score of a lesion.

    Parameters
    ----------
    suv_mean : float
        SUVbw in g/ml.
    reference : sequence of ReferenceRegion
        Among them ``blood_pool``, ``liver`` or ``spleen``, and ``parotid``.
    organ : ScoreReference
        Which organ stands between blood pool and parotid.

    Returns
    -------
    Expression
        0 below blood pool, 1 below liver (or spleen), 2 below parotid, 3 otherwise.

    References
    ----------
    Eiber et al., JNM 2018;59:469 (PROMISE); spleen for liver-excreted ligands: Seifert et al., Eur Urol 2023;83:405.
    """
    steps = _steps(reference, organ)
    if steps is None:
        return Expression(None)
    if not _is_rising(steps):
        return Expression(None, order_violated=True)
    score = sum(suv_mean >= step for step in steps)
    return Expression(score, any(abs(suv_mean - step) <= TEST_RETEST_WCOV * step for step in steps))


def order_violated(reference: Sequence[ReferenceRegion], organ: ScoreReference) -> bool:
    """Return whether the references do not rise from blood pool over liver or spleen to parotid.

    False where one is missing. A score is undefined then, for example in a parotid after radiotherapy, with diffuse
    metastases in the liver, or where much tumour takes up what salivary glands would.
    """
    steps = _steps(reference, organ)
    return steps is not None and not _is_rising(steps)


def _steps(reference: Sequence[ReferenceRegion], organ: ScoreReference) -> tuple[float, float, float] | None:
    level = {region.name: region.suv_mean for region in reference}
    if not {"blood_pool", organ.value, "parotid"} <= level.keys():
        return None
    return level["blood_pool"], level[organ.value], level["parotid"]


def _is_rising(steps: tuple[float, float, float]) -> bool:
    return steps[0] < steps[1] < steps[2]
