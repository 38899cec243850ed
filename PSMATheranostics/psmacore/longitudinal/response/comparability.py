"""Two time points to the ways in which their measurements may not be compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from psmacore.lesions.thresholds import RuleKind
from psmacore.longitudinal.response.checks import study_day
from psmacore.model.assessments import ComparabilityFinding, Comparable, Severity
from psmacore.model.codes import Code
from psmacore.model.suv import SuvType
from psmacore.model.timepoint import Scanner, SegmenterInfo, Timepoint
from psmacore.suv.tracer import UNKNOWN, is_psma

_LIVER_RULES = frozenset(kind.value for kind in RuleKind if kind.needs_liver)
_DRAWING = ("rule", "fixed_suv", "operating_point", "postprocessing", "keep_below_threshold", "growth_mm", "body_mask")
_SAME_SUV = 1e-6


@dataclass(frozen=True)
class ComparabilityLimits:
    """How far apart two studies may be before a warning.

    Parameters
    ----------
    uptake_min : float
        Difference of the uptake times in min. PERCIST 1.0 (Wahl et al., JNM 2009;50:122S) asks for 15; no limit
        is published for PSMA ligands.
    weight_pct : float
        Change of the body weight in % of the earlier one; a convention of this product. SUVbw grows with weight.
    """

    uptake_min: float = 15.0
    weight_pct: float = 10.0


@dataclass(frozen=True)
class _Pair:
    earlier: Timepoint
    later: Timepoint
    limits: ComparabilityLimits


def comparability(
    earlier: Timepoint,
    later: Timepoint,
    suv_types: tuple[SuvType, SuvType] = (SuvType.BW, SuvType.BW),
    limits: ComparabilityLimits | None = None,
) -> tuple[ComparabilityFinding, ...]:
    """Return how two studies differ.

    Another segmenter, threshold rule or SUV type blocks every category: both studies must be measured again
    (STANDARDS D.3). So does a tracer that binds to something else. Everything else warns.

    Parameters
    ----------
    earlier, later : Timepoint
        Of one patient.
    suv_types : tuple of SuvType
        What the two were measured in.
    limits : ComparabilityLimits or None
        ``None`` takes the product's.

    Returns
    -------
    tuple of ComparabilityFinding
        Empty where nothing differs. What is not known of a study is named in one finding, the last.
    """
    pair = _Pair(earlier, later, limits or ComparabilityLimits())
    found = [
        *_tracer(pair), *_uptake_time(pair), *_scanner(pair), *_weight(pair), *_segmenter(pair),
        *_threshold_rule(pair), *_suv_type(suv_types), *_dates(pair), *_origin(pair), *_unknown(pair),
    ]  # fmt: skip
    return tuple(found)


def _warns(kind: Comparable, before: str, after: str, more: str = "") -> ComparabilityFinding:
    return ComparabilityFinding(kind, Severity.WARNS, before, after, f"{kind.value} differs: {before}, {after}{more}")


def _blocks(kind: Comparable, before: str, after: str) -> ComparabilityFinding:
    text = f"{kind.value} differs: {before}, {after}: measure both studies alike to compare them"
    return ComparabilityFinding(kind, Severity.BLOCKS, before, after, text)


def _is_known(tracer: Code) -> bool:
    return bool(tracer.value) and tracer.value != UNKNOWN.value


def _tracer(pair: _Pair) -> Iterator[ComparabilityFinding]:
    one, other = pair.earlier.tracer, pair.later.tracer
    if one.value == other.value or not (_is_known(one) and _is_known(other)):
        return
    names = one.meaning or one.value, other.meaning or other.value
    if is_psma(one) and is_psma(other):
        yield _warns(Comparable.TRACER, *names, ": uptake of two ligands is not the same")
        return
    text = f"tracer differs: {names[0]}, {names[1]}: they show different things"
    yield ComparabilityFinding(Comparable.TRACER, Severity.BLOCKS, *names, text)


def _uptake_time(pair: _Pair) -> Iterator[ComparabilityFinding]:
    one, other = pair.earlier.suv.uptake_min, pair.later.suv.uptake_min
    if one is not None and other is not None and abs(other - one) > pair.limits.uptake_min:
        words = f": more than {pair.limits.uptake_min:g} min apart"
        yield _warns(Comparable.UPTAKE_TIME, f"{one:.0f} min", f"{other:.0f} min", words)


def _scanner(pair: _Pair) -> Iterator[ComparabilityFinding]:
    one, other = pair.earlier.scanner, pair.later.scanner
    names = _model(one), _model(other)
    if all(names) and names[0] != names[1]:
        yield _warns(Comparable.SCANNER, *names)
    if one.reconstruction and other.reconstruction and one.reconstruction != other.reconstruction:
        yield _warns(Comparable.RECONSTRUCTION, one.reconstruction, other.reconstruction)


def _model(scanner: Scanner) -> str:
    return f"{scanner.manufacturer} {scanner.model}".strip()


def _weight(pair: _Pair) -> Iterator[ComparabilityFinding]:
    one, other = pair.earlier.suv.weight_kg, pair.later.suv.weight_kg
    if one and other and round(abs(other - one) / one * 100, 9) > pair.limits.weight_pct:
        words = f": more than {pair.limits.weight_pct:g} % apart"
        yield _warns(Comparable.WEIGHT, f"{one:.1f} kg", f"{other:.1f} kg", words)


def _segmenter(pair: _Pair) -> Iterator[ComparabilityFinding]:
    one, other = pair.earlier.segmenter, pair.later.segmenter
    if not (one.name and other.name):
        return
    names = f"{one.name} {one.version}".strip(), f"{other.name} {other.version}".strip()
    weights = {info.weights_sha256 for info in (one, other)} - {None}
    if one.name != other.name or len(weights) > 1:
        yield _blocks(Comparable.SEGMENTER, *names)
    elif one.version != other.version:
        same_method = _same_weights(one, other) or (_is_the_program(pair.earlier) and _is_the_program(pair.later))
        yield (_warns if same_method else _blocks)(Comparable.SEGMENTER, *names)


def _same_weights(one: SegmenterInfo, other: SegmenterInfo) -> bool:
    return one.weights_sha256 is not None and one.weights_sha256 == other.weights_sha256


def _is_the_program(timepoint: Timepoint) -> bool:
    """Return whether the segmenter is a rule of the program, whose version says little about how it draws."""
    return timepoint.segmenter.weights_sha256 is None and timepoint.segmenter.version == timepoint.software.version


def _threshold_rule(pair: _Pair) -> Iterator[ComparabilityFinding]:
    one, other = pair.earlier.segmenter, pair.later.segmenter
    both = [key for key in _DRAWING if key in one.parameters and key in other.parameters]
    if any(one.parameters[key] != other.parameters[key] for key in both) or not _same_threshold(one, other):
        yield _blocks(Comparable.THRESHOLD_RULE, _rule_words(one), _rule_words(other))


def _same_threshold(one: SegmenterInfo, other: SegmenterInfo) -> bool:
    """Return whether both accepted the same SUV; a rule that reads the liver may give another one each time."""
    if one.parameters.get("rule") in _LIVER_RULES or None in (one.threshold_suv, other.threshold_suv):
        return True
    return abs((one.threshold_suv or 0.0) - (other.threshold_suv or 0.0)) <= _SAME_SUV


def _rule_words(info: SegmenterInfo) -> str:
    words = [f"{key} {info.parameters[key]}" for key in _DRAWING if key in info.parameters]
    if info.threshold_suv is not None:
        words.append(f"threshold SUV {info.threshold_suv:g}")
    return " ".join(words) or "no rule"


def _suv_type(suv_types: tuple[SuvType, SuvType]) -> Iterator[ComparabilityFinding]:
    if suv_types[0] is not suv_types[1]:
        yield _blocks(Comparable.SUV_TYPE, f"SUV{suv_types[0].value}", f"SUV{suv_types[1].value}")


def _dates(pair: _Pair) -> Iterator[ComparabilityFinding]:
    one, other = pair.earlier.study, pair.later.study
    if study_day(pair.earlier) == study_day(pair.later):
        text = f"both studies are of {study_day(pair.earlier)}: there is no course between them"
        yield ComparabilityFinding(Comparable.DATE, Severity.WARNS, one.date, other.date, text)
    if pair.earlier.lesions and _numbers(pair.earlier) == _numbers(pair.later):
        text = "every lesion measures exactly the same in both: is it the same acquisition sent twice?"
        yield ComparabilityFinding(Comparable.MEASUREMENTS, Severity.WARNS, one.uid, other.uid, text)


def _numbers(timepoint: Timepoint) -> list[tuple[float, float, float]]:
    return sorted((lesion.volume_ml, lesion.suv_max, lesion.suv_mean) for lesion in timepoint.lesions)


def _origin(pair: _Pair) -> Iterator[ComparabilityFinding]:
    one, other = ("simulated" if each.is_simulated else "clinical" for each in (pair.earlier, pair.later))
    if one != other:
        text = f"one study is {one}, the other {other}: they are not of one patient"
        yield ComparabilityFinding(Comparable.SIMULATION, Severity.BLOCKS, one, other, text)


def _unknown(pair: _Pair) -> Iterator[ComparabilityFinding]:
    missing = [_missing(each) for each in (pair.earlier, pair.later)]
    if any(missing):
        names = ", ".join(dict.fromkeys([*missing[0], *missing[1]]))
        text = f"not known of both studies, so not compared: {names}"
        before, after = (", ".join(each) or "nothing" for each in missing)
        yield ComparabilityFinding(Comparable.UNKNOWN, Severity.WARNS, before, after, text)


def _missing(timepoint: Timepoint) -> list[str]:
    known = {
        Comparable.TRACER: _is_known(timepoint.tracer),
        Comparable.UPTAKE_TIME: timepoint.suv.uptake_min is not None,
        Comparable.SCANNER: bool(_model(timepoint.scanner)),
        Comparable.RECONSTRUCTION: bool(timepoint.scanner.reconstruction),
        Comparable.WEIGHT: timepoint.suv.weight_kg is not None,
        Comparable.SEGMENTER: bool(timepoint.segmenter.name),
    }
    return [kind.value for kind, is_known in known.items() if not is_known]
