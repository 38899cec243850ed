"""A lesion's site and uptake to its PROMISE region class and expression score."""

from __future__ import annotations

from collections.abc import Sequence

from psmacore.lesions.sites import SiteGroup, group_of
from psmacore.model.codes import Code
from psmacore.model.lesions import ReferenceRegion

_CLASS = {
    SiteGroup.PROSTATE: "miT",
    SiteGroup.PELVIC_NODE: "miN",
    SiteGroup.OTHER_NODE: "miM1a",
    SiteGroup.BONE: "miM1b",
    SiteGroup.OTHER_ORGAN: "miM1c",
}


def mi_tnm(site: Code) -> str | None:
    """Return the region class of a site: miT, miN, miM1a, miM1b or miM1c; ``None`` where the site names no region.

    References
    ----------
    PROMISE V2, Seifert et al., Eur Urol 2023;83:405. Sub-classes (miT2u, miN1/2, patterns of miM1b) rest on
    all lesions together and on the reader, not on one site.
    """
    return _CLASS.get(group_of(site))


def expression_score(suv_mean: float, reference: Sequence[ReferenceRegion]) -> int | None:
    """Return the PROMISE expression score of a lesion's SUVmean.

    Parameters
    ----------
    suv_mean : float
        SUVbw in g/ml.
    reference : sequence of ReferenceRegion
        Among them ``blood_pool``, ``liver`` and ``parotid``.

    Returns
    -------
    int or None
        0 below blood pool, 1 below liver, 2 below parotid, 3 otherwise. ``None`` where one of the three is
        missing or where they are not in that order, since the score is then undefined.

    References
    ----------
    Eiber et al., JNM 2018;59:469 (PROMISE), for ligands that the liver does not excrete.
    """
    level = {region.name: region.suv_mean for region in reference}
    if not {"blood_pool", "liver", "parotid"} <= level.keys():
        return None
    steps = (level["blood_pool"], level["liver"], level["parotid"])
    if not steps[0] < steps[1] < steps[2]:
        return None
    return sum(suv_mean >= step for step in steps)
