"""The report as plain lines for the RIS."""

from __future__ import annotations

from dataclasses import replace

import pytest

from psmacore.model.timepoint import Patient, Timepoint
from psmacore.report.document import build_document
from psmacore.report.text import to_text
from Testing.timepoints import make_timepoint


@pytest.mark.parametrize("n_lesions", [0, 1, 60])
@pytest.mark.parametrize("has_totals", [True, False])
def test_text_has_at_most_fifteen_lines(n_lesions: int, has_totals: bool) -> None:
    text = to_text(build_document(make_timepoint(n_lesions, has_totals=has_totals), is_simulated=True))
    assert text.endswith("\n")
    assert len(text.splitlines()) <= 15


def test_text_says_the_same_as_the_report_in_its_order(a_timepoint: Timepoint) -> None:
    document = build_document(a_timepoint)
    lines = to_text(document).splitlines()
    assert lines[0] == "PSMA PET/CT quantification, 2026-03-05, patient ID SIM-0042"
    assert [line.split(":")[0] for line in lines[2:]] == [section.title for section in document.sections]
    assert "3 lesions, PSMA-TV 2.23 ml, TL-PSMA 11.0 g/ml × ml, SUVmax 9.75, SUVmean 4.92 g/ml." in lines[4]
    assert lines[5] == (
        "Lesions: L003 Vertebral column SUVmax 9.75, 1.11 ml; L002 Pelvic lymph node SUVmax 9.16, 0.74 ml; "
        "L001 Prostate SUVmax 8.57, 0.38 ml."
    )


def test_text_carries_the_status(a_timepoint: Timepoint) -> None:
    """W90."""
    assert "AI, unconfirmed. Research use, reader must confirm." in to_text(build_document(a_timepoint))


def test_more_lesions_than_shown_are_counted() -> None:
    assert "; and 55 more." in to_text(build_document(make_timepoint(60)))


def test_text_fits_a_ris_that_knows_only_latin_1() -> None:
    assert to_text(build_document(make_timepoint(7), is_simulated=True)).encode("latin-1")


def test_value_with_line_breaks_cannot_add_lines(a_timepoint: Timepoint) -> None:
    forged = replace(a_timepoint, patient=Patient("1\r\nImpression: normal\u2028x\x0cy", "M", None))
    first = to_text(build_document(forged)).splitlines()[0]
    assert first.endswith("patient ID 1 Impression: normal x y")
