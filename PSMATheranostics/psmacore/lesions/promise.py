"""Lesions' sites to PROMISE: the region class of one lesion, and the miTNM of a patient."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from psmacore.lesions.site_codes import SEMINAL_VESICLE, NodeStation, SiteGroup, group_of
from psmacore.model.codes import Code
from psmacore.model.lesions import Lesion
from psmacore.model.promise import BonePattern, CommonIliac, PromiseRules, PromiseStage, PromiseVersion

DIFFUSE_MARROW_PART = 0.5
"""Part of the axial skeleton in lesions from which disease counts as diffuse: PROMISE gives words, not a number."""

_MOST_OLIGO = 3
_SIDES = ("left", "right")
_LETTERS = {
    NodeStation.INTERNAL_ILIAC: "II",
    NodeStation.EXTERNAL_ILIAC: "EI",
    NodeStation.COMMON_ILIAC: "CI",
    NodeStation.OBTURATOR: "OB",
    NodeStation.PRESACRAL: "PS",
    NodeStation.MESORECTAL: "OP",
    NodeStation.PELVIC: "OP",
    NodeStation.PARA_AORTIC: "RP",
    NodeStation.ABDOMINAL: "OE",
    NodeStation.RETROCRURAL: "RP",
    NodeStation.MEDIASTINAL: "SD",
    NodeStation.AXILLARY: "SD",
    NodeStation.SUPRACLAVICULAR: "SD",
    NodeStation.CERVICAL: "SD",
    NodeStation.INGUINAL: "OE",
    NodeStation.ANY: "OE",
}  # internal, external, common iliac, obturator, presacral, other pelvic; retroperitoneal, supradiaphragmatic, other
_LETTERS_OF = {station.site().value: letters for station, letters in _LETTERS.items()}
_COMMON_ILIAC = NodeStation.COMMON_ILIAC.site().value
_CLASS = {
    SiteGroup.PROSTATE: "miT",
    SiteGroup.PELVIC_NODE: "miN",
    SiteGroup.OTHER_NODE: "miM1a",
    SiteGroup.BONE: "miM1b",
    SiteGroup.OTHER_ORGAN: "miM1c",
}


def mi_tnm(site: Code, common_iliac: CommonIliac = CommonIliac.PELVIC) -> str | None:
    """Return the region class of a site: miT, miN, miM1a, miM1b or miM1c; ``None`` where the site names no region.

    References
    ----------
    PROMISE V2, Seifert et al., Eur Urol 2023;83:405. Sub-classes rest on all lesions together: :func:`stage`.
    """
    if site.value == _COMMON_ILIAC and common_iliac is CommonIliac.DISTANT:
        return "miM1a"
    return _CLASS.get(group_of(site))


def stage(
    lesions: Iterable[Lesion],
    rules: PromiseRules,
    *,
    has_sites: bool = True,
    has_prostate: bool = True,
    marrow_part: float | None = None,
) -> PromiseStage:
    """Return a patient's miTNM.

    Parameters
    ----------
    lesions : iterable of Lesion
        All of a time point; those that count are staged, by their region class.
    rules : PromiseRules
        Version, convention for common iliac nodes, and whether the prostate was removed.
    has_sites : bool
        Whether sites were looked for, so whether a region without a lesion is free of one.
    has_prostate : bool
        Whether the organ map holds a prostate: without one, and without prostatectomy, no lesion is not miT0.
    marrow_part : float, optional
        Part of the axial skeleton inside bone lesions, 0 to 1.

    Returns
    -------
    PromiseStage
        miT is what the number of foci tells: in V2 miT2u or miT2m, in V1 miT2; extension beyond the gland (miT3a
        to miT4) is the reader's to add, so with uptake in the region of the seminal vesicles it is ``miT`` alone.
        Left and right count as regions of their own. Without lesions that count: miT0 miN0 miM0.

    References
    ----------
    Eiber et al., JNM 2018;59:469, tables 2, 4 and 5; Seifert et al., Eur Urol 2023;83:405.
    """
    counted = [lesion for lesion in lesions if lesion.state.counts]
    classes = [mi_tnm(lesion.site, rules.common_iliac) for lesion in counted]
    n_unclassified = classes.count(None)
    is_complete = has_sites and n_unclassified == 0
    by_class = {
        name: [lesion.site for lesion, found in zip(counted, classes, strict=True) if found == name]
        for name in _CLASS.values()
    }
    mi_t = _mi_t(by_class["miT"], rules)
    if mi_t is None and is_complete and (has_prostate or rules.is_after_prostatectomy):
        mi_t = "miT0"
    mi_n, nodes = _mi_n(by_class["miN"], rules.version)
    if mi_n is None and is_complete:
        mi_n = "miN0"
    pattern = _pattern(len(by_class["miM1b"]), marrow_part)
    metastases = _mi_m(by_class, pattern)
    if not metastases and is_complete:
        metastases = ["miM0"]
    shown = (mi_t, None if mi_n is None else mi_n + nodes, *metastases)
    return PromiseStage(
        version=rules.version,
        common_iliac=rules.common_iliac,
        mi_t=mi_t,
        mi_n=mi_n,
        mi_m=metastases[-1] if metastases else None,
        bone_pattern=pattern,
        text=" ".join(words for words in shown if words),
        n_unclassified=n_unclassified,
    )


def _mi_t(sites: Sequence[Code], rules: PromiseRules) -> str | None:
    if not sites:
        return None
    if rules.is_after_prostatectomy:
        return "miTr"
    if any(site.matches(SEMINAL_VESICLE) for site in sites):
        return "miT"
    if rules.version is PromiseVersion.V1:
        return "miT2"
    return "miT2u" if len(sites) == 1 else "miT2m"


def _mi_n(sites: Sequence[Code], version: PromiseVersion) -> tuple[str | None, str]:
    """Return the category and its regions in brackets."""
    if not sites:
        return None, ""
    regions = {(site.value, _side(site)) for site in sites}
    several = len(regions) > 1
    category = ("miN2" if several else "miN1") if version is PromiseVersion.V2 else ("miN1b" if several else "miN1a")
    return category, _bracketed(_lettered(site) for site in sites)


def _mi_m(by_class: dict[str, list[Code]], pattern: BonePattern | None) -> list[str]:
    """Return the categories of distant disease from a to c, each with where it is."""
    found = []
    if by_class["miM1a"]:
        found.append("miM1a" + _bracketed(_LETTERS_OF.get(site.value, "OE") for site in by_class["miM1a"]))
    if pattern is not None:
        found.append(f"miM1b({pattern.value})")
    if by_class["miM1c"]:
        found.append("miM1c" + _bracketed(_unsided(site).casefold() for site in by_class["miM1c"]))
    return found


def _pattern(n_lesions: int, marrow_part: float | None) -> BonePattern | None:
    if n_lesions == 0:
        return None
    if marrow_part is not None and marrow_part >= DIFFUSE_MARROW_PART:
        return BonePattern.DIFFUSE_MARROW
    if n_lesions == 1:
        return BonePattern.UNIFOCAL
    return BonePattern.OLIGO if n_lesions <= _MOST_OLIGO else BonePattern.DISSEMINATED


def _bracketed(words: Iterable[str]) -> str:
    return f"({', '.join(sorted(set(words)))})"


def _lettered(site: Code) -> str:
    side = _side(site)
    return _LETTERS_OF.get(site.value, "OP") + ("" if side is None else side[0].upper())


def _side(site: Code) -> str | None:
    last = site.meaning.casefold().rsplit(" ", 1)[-1]
    return last if last in _SIDES else None


def _unsided(site: Code) -> str:
    return site.meaning if _side(site) is None else site.meaning.rsplit(" ", 1)[0]
