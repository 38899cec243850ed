"""What PROMISE says of a whole patient, and by which of its versions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PromiseVersion(StrEnum):
    """Edition of the framework.

    References
    ----------
    V1: Eiber et al., JNM 2018;59:469. V2: Seifert et al., Eur Urol 2023;83:405.
    """

    V1 = "V1"
    V2 = "V2"


class CommonIliac(StrEnum):
    """Where common iliac nodes count: PROMISE takes them for pelvic (miN), AJCC 8 for distant (M1a)."""

    PELVIC = "pelvic"
    DISTANT = "distant"


class BonePattern(StrEnum):
    """Pattern of bone disease: one lesion, two or three, more, or diffuse marrow involvement."""

    UNIFOCAL = "uni"
    OLIGO = "oligo"
    DISSEMINATED = "diss"
    DIFFUSE_MARROW = "dmi"


@dataclass(frozen=True)
class PromiseRules:
    """How a patient is staged.

    Parameters
    ----------
    version : PromiseVersion
        Edition.
    common_iliac : CommonIliac
        Convention for common iliac nodes.
    is_after_prostatectomy : bool
        Whether the prostate was removed: local disease is then miTr, a recurrence. No image tells that.
    """

    version: PromiseVersion = PromiseVersion.V2
    common_iliac: CommonIliac = CommonIliac.PELVIC
    is_after_prostatectomy: bool = False


@dataclass(frozen=True)
class PromiseStage:
    """A patient's miTNM, from the lesions that count.

    Parameters
    ----------
    version, common_iliac
        As in the rules.
    mi_t, mi_n, mi_m : str or None
        Categories, for example ``miT2u``, ``miN2``, ``miM1b(oligo)``; the highest of several miM1. ``None``
        where a category was not found and lesions without a site leave it open.
    bone_pattern : BonePattern or None
        ``None`` without bone lesions.
    text : str
        All categories with stations and organs, as a report prints them; empty where none is known.
    n_unclassified : int
        Lesions that count and have no site.
    """

    version: PromiseVersion
    common_iliac: CommonIliac
    mi_t: str | None
    mi_n: str | None
    mi_m: str | None
    bone_pattern: BonePattern | None
    text: str
    n_unclassified: int = 0
