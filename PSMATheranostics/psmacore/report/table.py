"""Lesions to the rows of the report's tables and of a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from psmacore.lesions.expression import TEST_RETEST_WCOV
from psmacore.model.lesions import Lesion
from psmacore.model.palette import EXCLUDED_RGB, segment_rgb
from psmacore.model.timepoint import Timepoint
from psmacore.report.numbers import DASH, length_words, suv_words, total_uptake_words, volume_words
from psmacore.report.overlay import UNTINTED, lesion_label
from psmacore.report.parts import Align, Column, Row, Table
from psmacore.report.words import STATE_WORDS, ReportWords

CSV_HEADINGS = (
    "patient_id",
    "study_date",
    "study_uid",
    "lesion",
    "tracking_uid",
    "tracking_id",
    "segment_number",
    "state",
    "confirmed_by",
    "site",
    "site_code",
    "site_scheme",
    "volume_ml",
    "suvbw_max_g_per_ml",
    "suvbw_mean_g_per_ml",
    "suvbw_peak_g_per_ml",
    "suvbw_peak_hottest_g_per_ml",
    "tl_psma_g_per_ml_x_ml",
    "short_axis_mm",
    "centroid_l_mm",
    "centroid_p_mm",
    "centroid_s_mm",
    "voxels",
    "mi_tnm",
    "expression_score",
    "is_score_borderline",
    "site_alternative",
    "model_probability",
)
BORDERLINE_MARK = "~"
BORDERLINE_NOTE = (
    f"{BORDERLINE_MARK} SUVmean within {100 * TEST_RETEST_WCOV:.1f} % of a step of the expression score, "
    "the variation between two scans."
)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def by_total_uptake(lesions: Iterable[Lesion]) -> tuple[Lesion, ...]:
    """Return the lesions with the highest volume times SUVmean first; equals by segment number."""
    return tuple(sorted(lesions, key=lambda lesion: (-lesion.tl_psma_ml, lesion.segment_number)))


def lesion_table(lesions: Iterable[Lesion], words: ReportWords, *, caption: str, empty_words: str) -> Table:
    """Return a table of lesions in the order given, units in the headings.

    PROMISE columns stand where the tracer is a PSMA ligand. SUVpeak is the highest mean of a 1 cm3 sphere;
    the one around the hottest voxel is in the CSV file.
    """
    columns = (
        Column("No.", 1.15, Align.LEFT),
        Column("Site", 3.0, Align.LEFT),
        Column("State", 2.5, Align.LEFT),
        Column("Volume (ml)", 1.25),
        Column("SUVmax (g/ml)", 1.25),
        Column("SUVmean (g/ml)", 1.35),
        Column("SUVpeak (g/ml)", 1.3),
        Column(f"{words.total_uptake} (g/ml × ml)", 1.45),
        Column("Short axis (mm)", 1.15),
    )
    promise = (Column("miTNM", 1.2, Align.LEFT), Column("Expr. score", 0.95)) if words.has_promise else ()
    shown = tuple(lesions)
    has_confidence = any(lesion.confidence is not None for lesion in shown)
    model = (Column("Model prob.", 0.95),) if has_confidence else ()
    rows = tuple(_row(one, has_promise=words.has_promise, has_confidence=has_confidence) for one in shown)
    return Table(caption, (*columns, *promise, *model), rows, empty_words)


def _row(lesion: Lesion, *, has_promise: bool, has_confidence: bool) -> Row:
    score = DASH if lesion.expression_score is None else str(lesion.expression_score)
    promise = (lesion.mi_tnm or DASH, score + (f" {BORDERLINE_MARK}" if lesion.is_score_borderline else ""))
    model = (DASH if lesion.confidence is None else f"{lesion.confidence:.2f}",)
    return Row(
        cells=(
            lesion_label(lesion),
            _site_words(lesion),
            STATE_WORDS[lesion.state],
            volume_words(lesion.volume_ml),
            suv_words(lesion.suv_max),
            suv_words(lesion.suv_mean),
            suv_words(lesion.suv_peak),
            total_uptake_words(lesion.tl_psma_ml),
            length_words(lesion.short_axis_mm),
            *(promise if has_promise else ()),
            *(model if has_confidence else ()),
        ),
        rgb=EXCLUDED_RGB if lesion.state in UNTINTED else segment_rgb(lesion.segment_number),
    )


def _site_words(lesion: Lesion) -> str:
    words = lesion.site.meaning or lesion.site.value or "not assigned"
    return words if lesion.site_alternative is None else f"{words}, or {lesion.site_alternative.meaning}"


def lesions_csv(timepoint: Timepoint) -> str:
    """Return all lesions, whatever their state, as CSV (RFC 4180) with one heading line.

    Values keep six significant digits, so that statistics can start from here; units stand in the
    headings, positions are LPS. What is not known is empty. Text that a spreadsheet would take for a
    formula is preceded by an apostrophe.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(CSV_HEADINGS)
    for lesion in timepoint.lesions:
        writer.writerow(_csv_cells(timepoint, lesion))
    return stream.getvalue()


def _csv_cells(timepoint: Timepoint, lesion: Lesion) -> list[str]:
    measured = (
        lesion.volume_ml,
        lesion.suv_max,
        lesion.suv_mean,
        lesion.suv_peak,
        lesion.suv_peak_hottest,
        lesion.tl_psma_ml,
        lesion.short_axis_mm,
        *lesion.centroid_lps_mm,
    )
    text_before = (timepoint.patient.id, timepoint.study.date, timepoint.study.uid, lesion_label(lesion))
    identity = (lesion.tracking_uid, lesion.tracking_id, str(lesion.segment_number), lesion.state.value)
    site = (lesion.confirmed_by or "", lesion.site.meaning, lesion.site.value, lesion.site.scheme)
    score = "" if lesion.expression_score is None else str(lesion.expression_score)
    return [
        *(_harmless(text) for text in (*text_before, *identity, *site)),
        *("" if value is None else f"{value:.6g}" for value in measured),
        str(lesion.n_voxels),
        _harmless(lesion.mi_tnm or ""),
        score,
        "" if lesion.expression_score is None else str(lesion.is_score_borderline).lower(),
        _harmless("" if lesion.site_alternative is None else lesion.site_alternative.meaning),
        "" if lesion.confidence is None else f"{lesion.confidence:.6g}",
    ]


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
