"""The report as PDF, read back with poppler."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from psmacore.model.codes import Code
from psmacore.model.lesions import LesionState
from psmacore.model.timepoint import Patient, Timepoint
from psmacore.report.document import Signature, build_document
from psmacore.report.html import to_html
from psmacore.report.pdf import to_pdf
from Testing.conftest import skip_or_fail
from Testing.timepoints import confirmed, make_lesion, make_timepoint

Reader = Callable[[bytes], list[str]]


@pytest.fixture
def pages_of(tmp_path: Path) -> Reader:
    """Return a function from a PDF file's bytes to the text of its pages."""
    if shutil.which("pdftotext") is None:
        skip_or_fail("poppler", "pdftotext is not installed")

    def read(content: bytes) -> list[str]:
        file = tmp_path / "report.pdf"
        file.write_bytes(content)
        done = subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, check=True, text=True)
        assert done.stderr == ""
        return done.stdout.split("\f")[:-1]

    return read


@pytest.mark.parametrize("n_lesions", [0, 3, 60])
def test_each_page_names_title_patient_date_status_and_number(n_lesions: int, pages_of: Reader) -> None:
    pages = pages_of(to_pdf(build_document(make_timepoint(n_lesions)), None))
    for number, page in enumerate(pages, start=1):
        assert "PSMA PET/CT quantification" in page
        assert "Patient ID SIM-0042" in page
        assert "Study date 2026-03-05" in page
        assert "AI, unconfirmed. Research use, reader must confirm." in page
        assert f"Page {number} of {len(pages)}" in page


def test_sections_stand_in_the_order_of_the_report(a_timepoint: Timepoint, a_mip_png: bytes, pages_of: Reader) -> None:
    document = build_document(a_timepoint)
    lines = [line.strip() for page in pages_of(to_pdf(document, a_mip_png)) for line in page.splitlines()]
    titles = [section.title for section in (*document.sections, *document.appendix)]
    places = [lines.index(title) for title in titles]
    assert places == sorted(places)


def test_pdf_shows_the_same_numbers_as_the_page_and_the_table(pages_of: Reader) -> None:
    document = build_document(make_timepoint(25))
    pdf, html = " ".join(pages_of(to_pdf(document, None))), to_html(document, None)
    for section in (*document.sections, *document.appendix):
        for row in (row for table in section.tables for row in table.rows):
            for cell in row.cells:
                assert all(word in pdf for word in cell.split())
                assert f"{cell}</td>" in html


def test_same_report_gives_the_same_bytes(a_timepoint: Timepoint, a_mip_png: bytes) -> None:
    first, second = (to_pdf(build_document(a_timepoint), a_mip_png) for _ in range(2))
    assert first == second
    assert first.startswith(b"%PDF-")


def test_confirmed_report_carries_the_signature(pages_of: Reader) -> None:
    """W90."""
    document = build_document(confirmed(make_timepoint(2)), signature=Signature("Reader 1", "20260305121500"))
    text = " ".join(pages_of(to_pdf(document, None)))
    assert "Confirmed and signed by Reader 1, 2026-03-05 12:15:00." in text
    assert "reader must confirm" not in text


def test_markup_and_rare_letters_are_printed_as_they_are(a_timepoint: Timepoint, pages_of: Reader) -> None:
    odd = replace(
        a_timepoint,
        patient=Patient("ID<b>&amp;Ω", "M", None),
        lesions=(replace(make_lesion(1), site=Code("1", "SCT", "Łopatka <left> & ≥ 3")),),
        warnings=("SUV ≥ 3 <font size=99>",),
    )
    text = " ".join(pages_of(to_pdf(build_document(odd), None)))
    for words in ("Patient ID ID<b>&amp;Ω", "Łopatka <left>", "SUV ≥ 3 <font size=99>"):
        assert words in text


def test_very_long_values_still_make_a_page(a_timepoint: Timepoint, pages_of: Reader) -> None:
    long = "x" * 4000
    stretched = replace(
        a_timepoint,
        patient=Patient(long[:64], "M", None),
        study=replace(a_timepoint.study, description=long),
        warnings=(long,),
        suv=replace(a_timepoint.suv, steps=(long,) * 5),
        lesions=(replace(make_lesion(1), site=Code("1", "SCT", long[:200])),),
    )
    assert len(pages_of(to_pdf(build_document(stretched), None))) >= 3


def test_simulated_patient_is_marked_on_every_page(pages_of: Reader) -> None:
    document = build_document(make_timepoint(3), is_simulated=True)
    watermarked, plain = (to_pdf(replace(document, is_simulated=flag), None) for flag in (True, False))
    assert watermarked != plain
    assert len(pages_of(watermarked)) == len(pages_of(plain))


def test_many_warnings_and_excluded_candidates_do_not_break_the_layout(pages_of: Reader) -> None:
    others = [make_lesion(100 + number, LesionState.EXCLUDED_CANDIDATE) for number in range(45)]
    timepoint = replace(make_timepoint(3, others=others), warnings=tuple(f"Warning {n}." for n in range(80)))
    text = " ".join(pages_of(to_pdf(build_document(timepoint), None)))
    assert all(f"L{100 + number:03d}" in text for number in range(45))
    assert "Warning 79." in text
