"""A report to at most 15 plain lines for the radiology information system."""

from __future__ import annotations

from psmacore.report.parts import ReportDocument

MAX_LINES = 15


def to_text(document: ReportDocument) -> str:
    """Return title, status and one line a section, in the report's order, at most 15 lines with a final newline.

    Line breaks and control characters within a value become spaces, so that a value cannot add lines.
    """
    watermark = f"{document.watermark}. " if document.watermark else ""
    head = f"{document.title}, {document.study_date}, patient ID {document.patient_id or 'not known'}"
    lines = [head, f"{watermark}{document.status}"]
    lines += [f"{section.title}: {section.summary}" for section in document.sections]
    return "".join(f"{_one_line(line)}\n" for line in lines[:MAX_LINES])


def _one_line(words: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in words).split())
