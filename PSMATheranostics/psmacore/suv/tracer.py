"""Radiopharmaceutical code and text as stored to the tracer's code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from psmacore.errors import UsageError
from psmacore.model.administration import RadiopharmaceuticalAdministration
from psmacore.model.codes import PRIVATE_SCHEME, Code
from psmacore.model.suv import Override
from psmacore.suv.attributes import RADIOPHARMACEUTICAL, TRACER_CODE
from psmacore.suv.nuclide import identify_nuclide
from psmacore.suv.overrides import entries_of

_OLD_SNOMED = frozenset({"SRT", "SNM3", "99SDM"})


@dataclass(frozen=True)
class Tracer:
    """A radiopharmaceutical that the product knows.

    Parameters
    ----------
    name : str
        As a reader may enter it.
    code : Code
        DICOM PS3.16 CID 4021, or private where that has none.
    nuclide : str
        Name of the nuclide it carries; empty where any may be meant.
    pattern : str
        Regular expression of its generic and trade names, on text in lower case.
    target : str
        ``PSMA``, ``FDG`` or empty.
    srt : str
        Value of the older SNOMED-RT code (schemes SRT, SNM3, 99SDM).
    """

    name: str
    code: Code
    nuclide: str
    pattern: str
    target: str
    srt: str = ""


_GA = r"(?:68-?ga(?:llium)?|ga(?:llium)?(?:-?68)?)"
_LU = r"(?:177-?lu(?:tetium)?|lu(?:tetium)?(?:-?177)?)"
_PSMA_1007 = Code("126758", "DCM", "[18F]PSMA-1007")
TRACERS = (
    Tracer(
        "68ga-psma-11",
        Code("C118961", "NCIt", "[68Ga]PSMA-11"),
        "Ga-68",
        r"psma-?11(?!\d)|psma-?hbed|hbed-?cc|gozetotide|illuccix|locametz|gozellix",
        "PSMA",
    ),
    Tracer(
        "18f-dcfpyl",
        Code("C116352", "NCIt", "[18F]DCFPyL"),
        "F-18",
        r"dcfpyl|piflufolastat|pylarify|pylclari",
        "PSMA",
    ),
    Tracer("18f-psma-1007", _PSMA_1007, "F-18", r"psma-?1007|radelumin", "PSMA"),
    Tracer(
        "68ga-psma-617",
        Code("126759", "DCM", "[68Ga]PSMA-617"),
        "Ga-68",
        rf"{_GA}-?psma-?617|psma-?617-?{_GA}",
        "PSMA",
    ),
    Tracer(
        "18f-flotufolastat",
        Code("FLOTUFOLASTAT", PRIVATE_SCHEME, "[18F]flotufolastat"),
        "F-18",
        r"flotufolastat|posluma|rhpsma-?7\.?3",
        "PSMA",
    ),
    Tracer(
        "177lu-psma-617",
        Code("177LU-PSMA-617", PRIVATE_SCHEME, "[177Lu]PSMA-617"),
        "Lu-177",
        rf"vipivotide|pluvicto|{_LU}-?psma-?617|psma-?617-?{_LU}",
        "PSMA",
    ),
    Tracer(
        "18f-fdg",
        Code("35321007", "SCT", "[18F]FDG"),
        "F-18",
        r"fdg(?![a-z])|fluoro-?d(?:es)?eoxy-?(?:d-?)?glucose|fludeoxyglucose|fludesoxyglucose|fluordesoxyglu[ck]ose",
        "FDG",
        srt="C-B1031",
    ),
)
UNSPECIFIED_PSMA = Tracer("psma", Code("PSMA", PRIVATE_SCHEME, "PSMA ligand, not specified"), "", r"psma", "PSMA")
UNKNOWN = Code("UNKNOWN", PRIVATE_SCHEME, "unknown radiopharmaceutical")
_ALL = (*TRACERS, UNSPECIFIED_PSMA)


@dataclass(frozen=True)
class TracerFinding:
    """The tracer's code, what it rests on, and what the reader should know of it."""

    code: Code
    basis: str
    warnings: tuple[str, ...] = ()


def tracer_of_value(value: str) -> Code | None:
    """Return the code of that value among the tracers that the product knows."""
    return next((tracer.code for tracer in _ALL if tracer.code.value == value), None)


def known_tracer(code: Code) -> Tracer | None:
    """Return what the product knows of a tracer; ``None`` for one that it does not know."""
    return next((tracer for tracer in _ALL if tracer.code.matches(code)), None)


def is_psma(code: Code) -> bool:
    """Return whether ``code`` is a ligand of the prostate-specific membrane antigen."""
    return any(tracer.target == "PSMA" and tracer.code.matches(code) for tracer in _ALL)


def is_fdg(code: Code) -> bool:
    """Return whether ``code`` is [18F]FDG."""
    return any(tracer.target == "FDG" and tracer.code.matches(code) for tracer in _ALL)


def is_liver_excreted(code: Code) -> bool:
    """Return whether the liver excretes a PSMA ligand, so that it is no reference: [18F]PSMA-1007.

    References
    ----------
    PROMISE V2, Seifert et al., Eur Urol 2023;83:405.
    """
    return _PSMA_1007.matches(code)


def identify_tracer(
    administration: RadiopharmaceuticalAdministration | None, overrides: Sequence[Override] = ()
) -> Code:
    """Return the code of the radiopharmaceutical; ``UNKNOWN`` where the header does not tell it."""
    return recognise_tracer(administration, overrides).code


def recognise_tracer(
    administration: RadiopharmaceuticalAdministration | None, overrides: Sequence[Override] = ()
) -> TracerFinding:
    """Return the tracer by the reader's entry, else by code, else by text; never by the nuclide alone.

    Parameters
    ----------
    administration : RadiopharmaceuticalAdministration or None
        As stored.
    overrides : sequence of Override
        ``tracer=NAME`` is looked at, with the names that the texts of a header may have.

    Returns
    -------
    TracerFinding
        With ``UNKNOWN`` and a warning where nothing names a tracer, or code and text name different
        ones: scanners' protocols often keep FDG's code for other tracers.

    Raises
    ------
    UsageError
        If the reader's tracer is none that is known.
    """
    entered = entries_of(overrides).tracer
    if entered is not None:
        return _entered(entered)
    if administration is None:
        return TracerFinding(UNKNOWN, "Tracer unknown.", ("The header names no radiopharmaceutical.",))
    by_code = _by_code(administration.tracer)
    by_text = _by_text(administration.tracer_text)
    found = by_code or by_text
    if found is None:
        met = administration.tracer_text or (administration.tracer.meaning if administration.tracer else "")
        return TracerFinding(
            UNKNOWN,
            "Tracer unknown.",
            (f"The radiopharmaceutical {met!r} is not known: enter it as override tracer.",),
        )
    if by_code is not None and by_text is not None and by_code is not by_text:
        closer = _more_specific(by_code, by_text)
        if closer is None:
            return TracerFinding(
                UNKNOWN,
                "Tracer unknown: code and text contradict each other.",
                (
                    f"{TRACER_CODE} says {by_code.code.meaning}, {RADIOPHARMACEUTICAL} says {by_text.code.meaning}: "
                    "enter the true one as override tracer.",
                ),
            )
        found = closer
    attribute = TRACER_CODE if found is by_code else RADIOPHARMACEUTICAL
    return TracerFinding(
        found.code, f"Tracer {found.code.meaning} from {attribute}.", _nuclide_warnings(found, administration)
    )


def _entered(name: str) -> TracerFinding:
    wanted = _squeeze(name)
    found = next((tracer for tracer in _ALL if tracer.name == wanted), None) or _by_text(name)
    if found is None:
        raise UsageError(f"override tracer={name!r}: known are {', '.join(tracer.name for tracer in _ALL)}")
    return TracerFinding(found.code, f"Tracer {found.code.meaning}, entered by the reader.")


def _by_code(code: Code | None) -> Tracer | None:
    if code is None:
        return None
    for tracer in TRACERS:
        is_old = bool(tracer.srt) and code.scheme in _OLD_SNOMED and code.value == tracer.srt
        if is_old or (code.value == tracer.code.value and code.scheme.casefold() == tracer.code.scheme.casefold()):
            return tracer
    return _by_text(code.meaning)


def _squeeze(text: str) -> str:
    """Return ``text`` in lower case, without brackets and carets, with one hyphen for any other separator."""
    bare = re.sub(r"[\[\](){}^]", "", text.casefold())
    return re.sub(r"[\s_\-–/]+", "-", bare).strip("-")


def _by_text(text: str) -> Tracer | None:
    """Return the one tracer that ``text`` names; ``None`` where it names none or several."""
    squeezed = _squeeze(text)
    named = [tracer for tracer in TRACERS if re.search(tracer.pattern, squeezed)]
    if len(named) == 1:
        return named[0]
    return UNSPECIFIED_PSMA if not named and re.search(UNSPECIFIED_PSMA.pattern, squeezed) else None


def _more_specific(one: Tracer, other: Tracer) -> Tracer | None:
    if one.target == other.target == "PSMA" and UNSPECIFIED_PSMA in (one, other):
        return other if one is UNSPECIFIED_PSMA else one
    return None


def _nuclide_warnings(tracer: Tracer, administration: RadiopharmaceuticalAdministration) -> tuple[str, ...]:
    warnings = []
    if tracer is UNSPECIFIED_PSMA:
        warnings.append("The header names PSMA but not which ligand: enter it as override tracer.")
    nuclide = identify_nuclide(administration.nuclide)
    if nuclide is not None and tracer.nuclide and nuclide.name != tracer.nuclide:
        warnings.append(f"{tracer.code.meaning} carries {tracer.nuclide}, but the header's nuclide is {nuclide.name}.")
    return tuple(warnings)
