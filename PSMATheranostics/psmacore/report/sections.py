"""An analysed study to the report's sections, in the order that readers expect."""

from __future__ import annotations

from psmacore.model.lesions import Lesion, LesionState
from psmacore.model.promise import CommonIliac, PromiseStage
from psmacore.model.timepoint import ModelUse, Timepoint
from psmacore.report.numbers import (
    DASH,
    NOT_KNOWN,
    activity_words,
    dicom_moment_words,
    factor_words,
    half_life_words,
    height_words,
    minutes_words,
    moment_words,
    probability_words,
    suv_words,
    total_uptake_words,
    volume_words,
    weight_words,
)
from psmacore.report.overlay import lesion_label
from psmacore.report.parts import Align, Column, Fact, Row, Section, Signature, Table
from psmacore.report.table import BORDERLINE_NOTE, by_total_uptake, lesion_table
from psmacore.report.words import FURTHER_REGIONS, REFERENCE_REGIONS, RESEARCH_USE, ReportWords

N_MAIN_LESIONS = 10
NOT_SEGMENTED = "Classified as normal by AI, so lesions were not looked for."
NO_TOTALS = "Physiological uptake not excluded; no whole-body totals."
_N_TEXT_LESIONS = 5


def shown_lesions(timepoint: Timepoint) -> tuple[Lesion, ...]:
    """Return what the main table shows: the lesions that count, and candidates where there are no totals."""
    is_shown = {LesionState.CONFIRMED, LesionState.UNCONFIRMED}
    if timepoint.totals is None:
        is_shown.add(LesionState.CANDIDATE)
    return by_total_uptake(lesion for lesion in timepoint.lesions if lesion.state in is_shown)


def examination(timepoint: Timepoint) -> Section:
    """Return tracer, activity, uptake time, SUV basis and overrides."""
    suv, words = timepoint.suv, ReportWords.of(timepoint.tracer)
    stored = suv.units_stored + (f" ({suv.suv_type_stored})" if suv.suv_type_stored else "")
    scanner = " ".join(filter(None, (timepoint.scanner.manufacturer, timepoint.scanner.model)))
    facts = (
        Fact("Tracer", words.tracer),
        Fact("Injected activity", activity_words(suv.injected_activity_bq)),
        Fact("Injected at", moment_words(suv.injected_at)),
        Fact("Uptake time", minutes_words(suv.uptake_min)),
        Fact("SUV basis", "SUVbw (g/ml), by body weight"),
        Fact("Factor from Bq/ml", factor_words(suv.factor_g_per_bq)),
        Fact("Stored units", stored or NOT_KNOWN),
        Fact("Decay correction", suv.decay_correction or NOT_KNOWN),
        Fact("Decay reference", moment_words(suv.reference_at)),
        Fact("Half-life", half_life_words(suv.half_life_s)),
        Fact("Body weight", weight_words(suv.weight_kg)),
        Fact("Body height", height_words(suv.height_m)),
        Fact("Scanner", scanner or NOT_KNOWN),
        Fact("Reconstruction", timepoint.scanner.reconstruction or NOT_KNOWN),
    )
    overridden = "no overrides"
    if suv.overrides:
        overridden = "overridden by the reader: " + ", ".join(f"{item.key}={item.value}" for item in suv.overrides)
    return Section(
        title="Examination",
        summary=(
            f"{words.tracer}, {activity_words(suv.injected_activity_bq)}, "
            f"uptake time {minutes_words(suv.uptake_min)}; SUVbw; {overridden}."
        ),
        facts=facts,
        notes=() if suv.overrides else ("No value was overridden by a reader.",),
        cautions=suv.warnings,
        tables=(_override_table(timepoint),) if suv.overrides else (),
    )


def _override_table(timepoint: Timepoint) -> Table:
    columns = tuple(
        Column(heading, share, Align.LEFT)
        for heading, share in (
            ("Value", 2.0),
            ("Entered", 1.5),
            ("In the header", 1.5),
            ("Reader", 1.5),
            ("Reason", 3.0),
        )
    )
    rows = tuple(
        Row((item.key, item.value, "absent" if item.old_value is None else item.old_value, item.reader, item.reason))
        for item in timepoint.suv.overrides
    )
    return Table("Values entered by a reader in place of the header's", columns, rows, "None.")


def comparison() -> Section:
    """Return the dates compared with: a single study has none."""
    line = "No earlier study compared."
    return Section(title="Comparison", summary=line, notes=(line,))


def impression(timepoint: Timepoint, *, is_confirmed: bool) -> Section:
    """Return miTNM where known, whole-body burden, change and category, and whether they are confirmed."""
    words = ReportWords.of(timepoint.tracer)
    lesions, totals = shown_lesions(timepoint), timepoint.totals
    status = "Confirmed" if is_confirmed else f"Provisional. {RESEARCH_USE}"
    mi_tnm = _mi_tnm_words(timepoint, lesions) if words.has_promise else ""
    facts = [Fact("miTNM", mi_tnm)] if mi_tnm else []
    if mi_tnm and timepoint.promise is not None:
        facts.append(Fact("PROMISE", _promise_words(timepoint.promise)))
    if totals is None:
        line = f"{_why_no_totals(timepoint)} {_counted(len(lesions), 'candidate')} listed."
    else:
        facts += [
            Fact("Lesions", str(totals.n_lesions)),
            Fact(words.volume, f"{volume_words(totals.psma_tv_ml)} ml"),
            Fact(words.total_uptake, f"{total_uptake_words(totals.tl_psma_ml)} g/ml × ml"),
            Fact("SUVmax", f"{suv_words(totals.suv_max)} g/ml" if totals.n_lesions else DASH),
            Fact("SUVmean, whole body", f"{suv_words(totals.suv_mean)} g/ml" if totals.n_lesions else DASH),
        ]
        line = f"{_counted(totals.n_lesions, 'lesion')}, {words.volume} {volume_words(totals.psma_tv_ml)} ml"
        if totals.n_lesions:
            line += (
                f", {words.total_uptake} {total_uptake_words(totals.tl_psma_ml)} g/ml × ml"
                f", SUVmax {suv_words(totals.suv_max)}, SUVmean {suv_words(totals.suv_mean)} g/ml"
            )
        line += "."
    facts.append(Fact("Change, category", "not assessed: single study"))
    if timepoint.classification is not None:
        found = timepoint.classification
        facts.append(
            Fact("Study classification", f"{found.label} ({probability_words(found.probability)}, {found.model})")
        )
    facts.append(Fact("Status", status))
    return Section(
        title="Impression",
        summary=f"{line} miTNM {mi_tnm}. {status}." if mi_tnm else f"{line} {status}.",
        facts=tuple(facts),
        cautions=(f"{_why_no_totals(timepoint)} {_no_totals_hint(timepoint)}",) if totals is None else (),
    )


def _is_gated(timepoint: Timepoint) -> bool:
    return timepoint.classification is not None and timepoint.classification.has_stopped_segmentation


def _why_no_totals(timepoint: Timepoint) -> str:
    return NOT_SEGMENTED if _is_gated(timepoint) else NO_TOTALS


def _no_totals_hint(timepoint: Timepoint) -> str:
    return "A reader must look at the images." if _is_gated(timepoint) else "Candidates are listed below."


def _counted(n: int, noun: str) -> str:
    return f"{n or 'No'} {noun}{'' if n == 1 else 's'}"


def _promise_words(promise: PromiseStage) -> str:
    """Return the edition, and where common iliac nodes count."""
    nodes = {
        CommonIliac.PELVIC: "common iliac nodes pelvic (AJCC 8: M1a)",
        CommonIliac.DISTANT: "common iliac nodes M1a (AJCC 8)",
    }
    return f"{promise.version.value}, {nodes[promise.common_iliac]}"


def _mi_tnm_words(timepoint: Timepoint, lesions: tuple[Lesion, ...]) -> str:
    """Return the patient's miTNM, else the classes that occur; lesions that have none are said, never assumed."""
    if timepoint.promise is not None:
        words, n_unknown = timepoint.promise.text, timepoint.promise.n_unclassified
    else:
        words = " ".join(sorted({lesion.mi_tnm for lesion in lesions if lesion.mi_tnm}, key=_mi_tnm_order))
        n_unknown = sum(1 for lesion in lesions if not lesion.mi_tnm)
    if not words:
        return "not assessed"
    return words + (f" ({_counted(n_unknown, 'lesion')} not classified)" if n_unknown else "")


def _mi_tnm_order(value: str) -> tuple[int, str]:
    rank = {"T": 0, "N": 1, "M": 2}.get(value.removeprefix("mi")[:1], 3)
    return rank, value


def lesion_section(timepoint: Timepoint) -> Section:
    """Return the ten lesions with the highest volume times SUVmean."""
    words, lesions = ReportWords.of(timepoint.tracer), shown_lesions(timepoint)
    noun = "candidate" if timepoint.totals is None else "lesion"
    main, rest = lesions[:N_MAIN_LESIONS], lesions[N_MAIN_LESIONS:]
    caption = f"All {noun}s by {words.total_uptake}"
    if rest:
        caption = (
            f"{len(main)} of {len(lesions)} {noun}s with the highest {words.total_uptake}; the rest is in the appendix"
        )
    empty_words = f"No {noun}s."
    n_other = len(timepoint.lesions) - len(lesions)
    notes = [f"{_counted(n_other, 'finding')} not counted: see the appendix."] if n_other else []
    if words.has_promise and any(lesion.is_score_borderline for lesion in main):
        notes.append(BORDERLINE_NOTE)
    top = "; ".join(
        f"{lesion_label(lesion)} {lesion.site.meaning or 'site not assigned'} SUVmax {suv_words(lesion.suv_max)},"
        f" {volume_words(lesion.volume_ml)} ml"
        for lesion in lesions[:_N_TEXT_LESIONS]
    )
    more = len(lesions) - _N_TEXT_LESIONS
    return Section(
        title="Candidates" if timepoint.totals is None else "Lesions",
        summary=empty_words if not lesions else top + (f"; and {more} more." if more > 0 else "."),
        notes=tuple(notes),
        tables=(lesion_table(main, words, caption=caption, empty_words=empty_words),),
    )


def reference_organs(timepoint: Timepoint) -> Section:
    """Return the uptake of the five reference regions and of further ones measured; else that none was."""
    measured = {region.name: region for region in timepoint.reference_regions}
    rows, parts = [], []
    for name, words in REFERENCE_REGIONS.items():
        region = measured.get(name)
        if region is None:
            rows.append(Row((words, "not measured", DASH)))
            continue
        rows.append(Row((words, suv_words(region.suv_mean), suv_words(region.suv_sd))))
        parts.append(f"{words.lower()} {suv_words(region.suv_mean)} ± {suv_words(region.suv_sd)}")
    for name, words in FURTHER_REGIONS.items():
        if name in measured:
            rows.append(Row((words, suv_words(measured[name].suv_mean), suv_words(measured[name].suv_sd))))
    columns = (Column("Region", 3.0, Align.LEFT), Column("SUVmean (g/ml)", 2.0), Column("SD (g/ml)", 2.0))
    return Section(
        title="Reference organs",
        summary=f"SUVmean ± SD (g/ml): {', '.join(parts)}." if parts else "Not measured.",
        tables=(Table("Uptake of reference regions", columns, tuple(rows) if parts else (), "Not measured."),),
    )


def fdg_and_discordance(timepoint: Timepoint) -> Section:
    """Return the other tracer's findings: one study alone has none, and the report says so."""
    other = "PSMA" if ReportWords.of(timepoint.tracer).family == "FDG" else "FDG"
    line = f"Not assessed: no {other} PET/CT compared with this study."
    return Section(title="FDG and discordance", summary=line, notes=(line,))


def projections(suv_window: tuple[float, float]) -> Section:
    """Return the place and the caption of the picture."""
    low, high = suv_window
    line = f"Anterior and left lateral, SUVbw {low:g} to {high:g} g/ml on one scale; lesions numbered as in the table."
    return Section(
        title="Maximum intensity projections",
        summary=f"MIP window SUVbw {low:g} to {high:g} g/ml.",
        notes=(line,),
        has_mip=True,
    )


def limits(timepoint: Timepoint, *, is_simulated: bool) -> Section:
    """Return what this report does not say, and the warnings that do not stand with the SUV already."""
    family = ReportWords.of(timepoint.tracer).family
    notes = ["Disease without uptake not assessed." if family == "PET" else f"{family}-negative disease not assessed."]
    if _is_gated(timepoint):
        notes.append(NOT_SEGMENTED)
    elif timepoint.totals is None:
        notes.append(f"{NO_TOTALS} Candidates include normal organs.")
    if timepoint.is_watermarked:
        notes.append("Drawn by AI that was trained on simulated patients only: not for clinical use, not published.")
    if is_simulated:
        notes.append("Simulated patient: no clinical meaning.")
    cautions = tuple(words for words in timepoint.warnings if words not in timepoint.suv.warnings)
    return Section(title="Limits", summary=" ".join(notes), notes=tuple(notes), cautions=cautions)


def reading(signature: Signature | None, timepoint: Timepoint) -> Section:
    """Return reader, date and whether the report is signed."""
    if signature is None:
        readers = sorted({lesion.confirmed_by for lesion in timepoint.lesions if lesion.confirmed_by})
        facts = (Fact("Reader", ", ".join(readers) or "none yet"), Fact("Signed", "not signed"))
        return Section(title="Reader", summary="Not signed.", facts=facts)
    moment = dicom_moment_words(signature.signed_at)
    facts = (Fact("Reader", signature.reader), Fact("Signed", f"signed {moment}"))
    return Section(title="Reader", summary=f"Signed by {signature.reader}, {moment}.", facts=facts)


def software(timepoint: Timepoint) -> Section:
    """Return software and model, with everything that another site needs to repeat the measurement."""
    program, segmenter = timepoint.software, timepoint.segmenter
    threshold = (
        "no single threshold" if segmenter.threshold_suv is None else f"{segmenter.threshold_suv:.2f} g/ml SUVbw"
    )
    parameters = ", ".join(f"{name}={value}" for name, value in sorted(segmenter.parameters.items()))
    facts = (
        Fact("Software", f"{program.name} {program.version}" + (f" ({program.commit})" if program.commit else "")),
        Fact("Segmentation", f"{segmenter.name} {segmenter.version}"),
        Fact("Threshold", threshold),
        Fact("Parameters", parameters or "none"),
        Fact("Weights (SHA-256)", segmenter.weights_sha256 or "no trained weights"),
        *(Fact(_task_words(model), _model_words(model)) for model in timepoint.models),
        Fact("Measured", dicom_moment_words(timepoint.created_at)),
    )
    line = (
        f"{program.name} {program.version}, segmentation {segmenter.name} {segmenter.version}, threshold {threshold}."
    )
    return Section(title="Software and model", summary=line, facts=facts)


def _task_words(model: ModelUse) -> str:
    return model.task.replace("_", " ").capitalize()


def _model_words(model: ModelUse) -> str:
    """Return name, version, weights, device and, where it is so, that simulated patients are all that it knows."""
    origin = ", trained on simulated patients only" if model.is_trained_on_simulation else ""
    weights = f"weights {model.weights_sha256[:12]}…" if model.weights_sha256 else "no weights"
    return f"{model.name} {model.version}, {weights}, on {model.device}{origin}"


def appendix(timepoint: Timepoint) -> tuple[Section, ...]:
    """Return the remaining lesions, what was not counted, the SUV's derivation and the identifiers."""
    words, lesions = ReportWords.of(timepoint.tracer), shown_lesions(timepoint)
    sections = []
    rest = lesions[N_MAIN_LESIONS:]
    if rest:
        noun = "candidates" if timepoint.totals is None else "lesions"
        table = lesion_table(rest, words, caption=f"Further {noun}", empty_words="None.")
        sections.append(Section(title=f"Further {noun}", summary=f"{len(rest)} {noun}.", tables=(table,)))
    shown = {lesion.tracking_uid for lesion in lesions}
    other = by_total_uptake(lesion for lesion in timepoint.lesions if lesion.tracking_uid not in shown)
    if other:
        line = "Kept for the reader, who can restore each of them; they enter no total."
        table = lesion_table(other, words, caption="Findings that are not counted", empty_words="None.")
        sections.append(Section(title="Not counted", summary=f"{len(other)} findings.", notes=(line,), tables=(table,)))
    if timepoint.suv.steps:
        steps = tuple(f"{number}. {step}" for number, step in enumerate(timepoint.suv.steps, start=1))
        sections.append(Section(title="How the SUV was derived", summary=f"{len(steps)} steps.", notes=steps))
    identifiers = (
        Fact("Study", timepoint.study.uid),
        Fact("PET series", timepoint.pet_series_uid),
        Fact("CT series", timepoint.ct_series_uid or "none"),
    )
    sections.append(Section(title="Identifiers", summary=timepoint.study.uid, facts=identifiers))
    return tuple(sections)
