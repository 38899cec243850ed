"""Organ numbers and nodal stations to the coded sites that lesions are named by, and to PROMISE's regions."""

from __future__ import annotations

from enum import Enum, auto

from psmacore.lesions.physiology import BONES, LUNGS
from psmacore.model.codes import Code
from psmacore.model.organs import (
    BLADDER,
    KIDNEYS,
    LACRIMALS,
    LIVER,
    ORGAN_NUMBERS,
    ORGANS,
    PAROTIDS,
    PROSTATE,
    SPLEEN,
    SUBMANDIBULARS,
    Side,
)

ENTIRE_BODY = Code("38266002", "SCT", "Entire body")
SACRUM = Code("54735007", "SCT", "Sacrum")
SEMINAL_VESICLE = Code("64739004", "SCT", "Seminal vesicle")
PROSTATE_REGION = Code("41216001", "SCT", "Prostate or prostate bed")  # the context groups know the organ only
PLEURA = Code("3120008", "SCT", "Pleura")

_VERTEBRA_S1 = ORGAN_NUMBERS["vertebrae_S1"]

# Structures that a lesion is called after; vessels, muscles and bowel only lie beside nodes.
_OTHER_NAMING = (
    "pancreas",
    "adrenal_gland_right",
    "adrenal_gland_left",
    "thyroid_gland",
    "brain",
    "heart",
    "esophagus",
)
_GLANDS = (*PAROTIDS, *SUBMANDIBULARS, *LACRIMALS)
NAMING = frozenset(
    (*BONES, *LUNGS, PROSTATE, LIVER, SPLEEN, BLADDER, *KIDNEYS, *_GLANDS, *(ORGAN_NUMBERS[n] for n in _OTHER_NAMING))
)


class SiteGroup(Enum):
    """The regions that PROMISE tells apart."""

    PROSTATE = auto()
    PELVIC_NODE = auto()
    OTHER_NODE = auto()
    BONE = auto()
    OTHER_ORGAN = auto()
    UNKNOWN = auto()


class NodeStation(Enum):
    """Groups of lymph nodes: SNOMED CT code of DICOM CID 7600, and the words of a site.

    Where CID 7600 has no code for a group, the next broader one stands with the narrower words.
    """

    INTERNAL_ILIAC = ("69255009", "Internal iliac lymph node")  # its words there: hypogastric
    EXTERNAL_ILIAC = ("65349008", "External iliac lymph node")
    COMMON_ILIAC = ("84219008", "Common iliac lymph node")  # iliac
    OBTURATOR = ("36086000", "Obturator lymph node")
    PRESACRAL = ("79926007", "Presacral lymph node")  # sacral
    MESORECTAL = ("21875007", "Pararectal (mesorectal) lymph node")
    PELVIC = ("54268001", "Pelvic lymph node")
    PARA_AORTIC = ("91394001", "Retroperitoneal lymph node, para-aortic")
    INTERAORTOCAVAL = ("91394001", "Retroperitoneal lymph node, interaortocaval")
    PARACAVAL = ("91394001", "Retroperitoneal lymph node, paracaval")
    RETROPERITONEAL = ("91394001", "Retroperitoneal lymph node")
    ABDOMINAL = ("818991007", "Abdominal lymph node")
    RETROCRURAL = ("196751009", "Retrocrural lymph node")  # diaphragmatic
    MEDIASTINAL = ("62683002", "Mediastinal lymph node")
    AXILLARY = ("68171009", "Axillary lymph node")
    SUPRACLAVICULAR = ("76838003", "Supraclavicular lymph node")
    CERVICAL = ("81105003", "Cervical lymph node")
    INGUINAL = ("8928004", "Inguinal lymph node")
    ANY = ("59441001", "Lymph node")

    def site(self, side: Side | None = None) -> Code:
        """Return the station as a site, the side as the last word."""
        value, words = self.value
        return Code(value, "SCT", words if side is None else f"{words} {side}")


_PELVIC = (
    NodeStation.INTERNAL_ILIAC,
    NodeStation.EXTERNAL_ILIAC,
    NodeStation.COMMON_ILIAC,
    NodeStation.OBTURATOR,
    NodeStation.PRESACRAL,
    NodeStation.MESORECTAL,
    NodeStation.PELVIC,
)  # PROMISE counts the common iliac nodes here, AJCC 8 among the distant ones


def organ_code(number: int) -> Code:
    """Return an organ as a site: its body structure code, with number and side in the words (``Rib 4 left``).

    Parameters
    ----------
    number : int
        Organ label.

    Returns
    -------
    Code
        ``Entire body`` where the context groups hold no code for it.

    References
    ----------
    DICOM CID 4031 and SNOMED CT. Ribs have one code: the number is in the words only.
    """
    if number == _VERTEBRA_S1:
        return SACRUM
    organ = ORGANS.get(number)
    if organ is None or organ.code is None:
        return ENTIRE_BODY
    words = organ.code.meaning
    if organ.name.startswith("rib_"):
        words = f"{words} {organ.name.rsplit('_', 1)[1]}"
    if organ.side is not None and organ.side not in words.casefold():
        words = f"{words} {organ.side}"
    return Code(organ.code.value, organ.code.scheme, words)


def _groups() -> dict[str, SiteGroup]:
    groups = {organ_code(number).value: SiteGroup.OTHER_ORGAN for number in NAMING}
    groups |= {organ_code(number).value: SiteGroup.BONE for number in BONES}
    groups |= {
        station.site().value: SiteGroup.PELVIC_NODE if station in _PELVIC else SiteGroup.OTHER_NODE
        for station in NodeStation
    }
    groups |= {PLEURA.value: SiteGroup.OTHER_ORGAN, SEMINAL_VESICLE.value: SiteGroup.PROSTATE}
    groups |= {organ_code(PROSTATE).value: SiteGroup.PROSTATE}
    return groups | {ENTIRE_BODY.value: SiteGroup.UNKNOWN}


_GROUP_OF = _groups()


def group_of(site: Code) -> SiteGroup:
    """Return the PROMISE group of a site; ``UNKNOWN`` for one that is not among ours."""
    return _GROUP_OF.get(site.value, SiteGroup.UNKNOWN)
