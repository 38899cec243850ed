"""Organ labels to the groups that lesion finding treats alike."""

from __future__ import annotations

from psmacore.model.organs import (
    BLADDER,
    KIDNEYS,
    LACRIMALS,
    LIVER,
    ORGAN_NUMBERS,
    ORGANS,
    PAROTIDS,
    SPLEEN,
    SUBMANDIBULARS,
    URETERS,
)

# Organs whose own uptake of a PSMA ligand reaches lesion thresholds (E-PSMA guideline, EJNMMI 2021;48:1626:
# lacrimal and salivary glands, liver, spleen, gallbladder, small bowel, kidneys, urinary tract).
_PSMA = (
    *PAROTIDS, *SUBMANDIBULARS, *LACRIMALS, LIVER, SPLEEN, *KIDNEYS, *URETERS, BLADDER,
    *(ORGAN_NUMBERS[name] for name in ("gallbladder", "stomach", "pancreas", "small_bowel", "duodenum", "colon")),
    *(ORGAN_NUMBERS[name] for name in ("adrenal_gland_left", "adrenal_gland_right")),
    *(ORGAN_NUMBERS[name] for name in ("kidney_cyst_left", "kidney_cyst_right")),
)  # fmt: skip
# FDG adds the brain and the myocardium (STANDARDS: typical uptake 6-10 and 1-15).
_FDG_MORE = (ORGAN_NUMBERS["brain"], ORGAN_NUMBERS["heart"], ORGAN_NUMBERS["atrial_appendage_left"])

# One candidate is listed for both members of these pairs' physiological uptake separately; a cyst counts as its kidney.
_SAME_AS = {
    ORGAN_NUMBERS["kidney_cyst_left"]: ORGAN_NUMBERS["kidney_left"],
    ORGAN_NUMBERS["kidney_cyst_right"]: ORGAN_NUMBERS["kidney_right"],
    ORGAN_NUMBERS["atrial_appendage_left"]: ORGAN_NUMBERS["heart"],
}

BONES = frozenset(
    (*range(25, 51), *range(69, 79), ORGAN_NUMBERS["skull"], *range(92, 118)),
)  # TotalSegmentator v2: sacrum and vertebrae, humerus to hip, skull, ribs to costal cartilages
HEART = ORGAN_NUMBERS["heart"]
RIBS = frozenset(range(92, 116))
VESSELS = frozenset(range(51, 69))  # heart to iliac veins
ILIAC_VESSELS = frozenset(range(65, 69))
LUNGS = frozenset(range(10, 15))
URINARY = frozenset((*KIDNEYS, *URETERS, BLADDER))

# Tubes that move between CT and PET and are hardly thicker than a voxel.
THIN = frozenset((*URETERS, *(ORGAN_NUMBERS[name] for name in ("small_bowel", "duodenum", "colon"))))

# Organs that breathing moves between a CT in one moment and a PET over minutes.
MOVABLE = frozenset(
    (
        LIVER,
        SPLEEN,
        *KIDNEYS,
        *(ORGAN_NUMBERS[name] for name in ("gallbladder", "stomach", "pancreas", "duodenum")),
        *(ORGAN_NUMBERS[name] for name in ("adrenal_gland_left", "adrenal_gland_right")),
    )
)

# A lesion inside these organs is told from their own uptake by height alone (PERCIST 1.0's measurable lesion).
PARENCHYMA = frozenset((LIVER, SPLEEN))


def physiological_organs(*, is_fdg: bool) -> tuple[int, ...]:
    """Return the organ numbers whose own uptake is excluded, in ascending order.

    Parameters
    ----------
    is_fdg : bool
        True adds brain and heart.

    References
    ----------
    Fendler et al., EJNMMI 2021;48:1626 (E-PSMA); Boellaard et al., EJNMMI 2015;42:328 (FDG).
    """
    return tuple(sorted({*_PSMA, *(_FDG_MORE if is_fdg else ())}))


def listed_as(organ_number: int) -> int:
    """Return the organ under which an organ's uptake is listed: a cyst under its kidney, otherwise itself."""
    return _SAME_AS.get(organ_number, organ_number)


def organ_name(organ_number: int) -> str:
    """Return an organ's name in plain words, ``urinary bladder`` for ``urinary_bladder``."""
    organ = ORGANS.get(organ_number)
    return organ.name.replace("_", " ") if organ else f"organ {organ_number}"
