"""What a body part is made of: its tissue for CT, its uptake region for PET, its organ label."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from psmacore.model.organs import ORGAN_NUMBERS
from psmacore.phantom.shapes import Shape


class Tissue(StrEnum):
    """Kinds of matter that CT tells apart."""

    AIR = "air"
    SKIN = "skin"
    FAT = "fat"
    VISCERAL_FAT = "visceral fat"
    MUSCLE = "muscle"
    LUNG = "lung"
    BLOOD = "blood"
    MYOCARDIUM = "myocardium"
    SOFT = "soft tissue"
    GLAND = "gland"
    THYROID = "thyroid"
    LIVER = "liver"
    SPLEEN = "spleen"
    KIDNEY = "kidney"
    WATER = "water"
    BRAIN = "brain"
    BOWEL = "bowel"
    STOOL = "stool"
    DISC = "disc"
    CARTILAGE = "cartilage"
    SPONGIOSA = "spongiosa"
    BONE = "bone"
    SKULL = "skull"


# Usual attenuation without contrast agent at 120 kVp, HU.
HU: dict[Tissue, float] = {
    Tissue.AIR: -1000.0,
    Tissue.SKIN: 5.0,
    Tissue.FAT: -105.0,
    Tissue.VISCERAL_FAT: -98.0,
    Tissue.MUSCLE: 55.0,
    Tissue.LUNG: -820.0,
    Tissue.BLOOD: 42.0,
    Tissue.MYOCARDIUM: 46.0,
    Tissue.SOFT: 35.0,
    Tissue.GLAND: 18.0,
    Tissue.THYROID: 100.0,
    Tissue.LIVER: 58.0,
    Tissue.SPLEEN: 50.0,
    Tissue.KIDNEY: 34.0,
    Tissue.WATER: 5.0,
    Tissue.BRAIN: 35.0,
    Tissue.BOWEL: 28.0,
    Tissue.STOOL: 10.0,
    Tissue.DISC: 85.0,
    Tissue.CARTILAGE: 110.0,
    Tissue.SPONGIOSA: 190.0,
    Tissue.BONE: 720.0,
    Tissue.SKULL: 950.0,
}


class Region(StrEnum):
    """Regions that tracers tell apart; the uptake table has a row for each."""

    NONE = "none"
    FAT = "fat"
    MUSCLE = "muscle"
    LUNG = "lung"
    BLOOD = "blood pool"
    MYOCARDIUM = "myocardium"
    MARROW = "marrow"
    SOFT = "soft tissue"
    BRAIN = "brain"
    LACRIMAL = "lacrimal gland"
    PAROTID = "parotid gland"
    SUBMANDIBULAR = "submandibular gland"
    MUCOSA = "nasal and pharyngeal mucosa"
    THYROID = "thyroid"
    LIVER = "liver"
    GALLBLADDER = "gallbladder"
    SPLEEN = "spleen"
    KIDNEY_CORTEX = "kidney cortex"
    KIDNEY_PELVIS = "kidney pelvis"
    ADRENAL = "adrenal gland"
    PANCREAS = "pancreas"
    STOMACH = "stomach"
    DUODENUM = "duodenum"
    JEJUNUM = "proximal jejunum"
    ILEUM = "ileum"
    COLON = "colon"
    URETER = "ureter"
    BLADDER = "bladder"
    PROSTATE = "prostate"


@dataclass(frozen=True, eq=False)
class Structure:
    """One body part.

    Parameters
    ----------
    name : str
        Name within the phantom; organs carry the names of ``psmacore.model.organs``.
    tissue, region : Tissue, Region
        What CT and PET see.
    label : int or None
        Organ label, 0 for none; ``None`` leaves the labels below as they are.
    parts : tuple of Shape
        The union of these.
    hu : float or None
        Attenuation where it differs from the tissue's.
    """

    name: str
    tissue: Tissue
    region: Region
    label: int | None
    parts: tuple[Shape, ...]
    hu: float | None = None


def organ_part(name: str, tissue: Tissue, region: Region, *parts: Shape) -> Structure:
    """Return an organ under its name in ``psmacore.model.organs`` and with that label."""
    return Structure(name, tissue, region, ORGAN_NUMBERS[name], parts)
