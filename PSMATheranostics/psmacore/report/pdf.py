"""A report to an A4 PDF file."""

from __future__ import annotations

import io
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import Color, HexColor, white
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import registerFont, registerFontFamily
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import CondPageBreak, Image, KeepTogether, Paragraph, SimpleDocTemplate, Spacer
from reportlab.platypus import Table as PdfTable

from psmacore.report.fonts import BOLD, REGULAR, font_file
from psmacore.report.parts import Align, Fact, ReportDocument, Row, Section, Table

_INK, _FAINT, _LINE = HexColor("#1a1d21"), HexColor("#5c646e"), HexColor("#c9d0d7")
_HEAD, _ACCENT, _RED = HexColor("#eef1f4"), HexColor("#0b5c8a"), HexColor("#c01818")
_WARN, _WARN_INK, _GOOD, _GOOD_INK = HexColor("#fff3dc"), HexColor("#7a3b00"), HexColor("#dff5e8"), HexColor("#0c5132")
_SIDE, _TOP, _BOTTOM = 14 * mm, 22 * mm, 17 * mm
_WIDTH = A4[0] - 2 * _SIDE
_MIP_HEIGHT = 168 * mm
_FRAME_PADDING = 6  # of reportlab's frames, in points
_MAX_ROWS_TOGETHER = 12
_PAIR_SHARES = {2: (0.17, 0.29, 0.22, 0.32), 3: (0.11, 0.19, 0.11, 0.15, 0.1, 0.34)}


def to_pdf(document: ReportDocument, mip_png: bytes | None) -> bytes:
    """Return the report as PDF; the same report always gives the same bytes.

    Each page carries title, patient ID, study date, status and its number; fonts are embedded.

    Parameters
    ----------
    document : ReportDocument
        What to show.
    mip_png : bytes or None
        PNG file of the picture; ``None`` leaves it out and says so.
    """
    _register_fonts()
    n_pages, _ = _laid_out(document, mip_png, n_pages=0)
    _, content = _laid_out(document, mip_png, n_pages=n_pages)
    return content


@cache
def _register_fonts() -> None:
    for name in (REGULAR, BOLD):
        registerFont(TTFont(name, str(font_file(name))))
    registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)


def _laid_out(document: ReportDocument, mip_png: bytes | None, *, n_pages: int) -> tuple[int, bytes]:
    """Return the number of pages and the file, with ``n_pages`` printed as their total."""
    stream = io.BytesIO()
    template = SimpleDocTemplate(
        stream,
        pagesize=A4,
        leftMargin=_SIDE - _FRAME_PADDING,
        rightMargin=_SIDE - _FRAME_PADDING,
        topMargin=_TOP,
        bottomMargin=_BOTTOM,
        title=f"{document.title}, {document.patient_id}, {document.study_date}",
        author="PSMA theranostics",
        subject=document.status,
        lang="en",
        invariant=1,
    )

    def decorate(canvas: Any, _template: Any) -> None:
        _draw_page_frame(canvas, document, n_pages)

    template.build(_story(document, mip_png), onFirstPage=decorate, onLaterPages=decorate)
    return int(template.page), stream.getvalue()


def _draw_page_frame(canvas: Any, document: ReportDocument, n_pages: int) -> None:
    """Draw head, foot and watermark of one page."""
    width, height = A4
    canvas.saveState()
    canvas.setFont(REGULAR, 8)
    canvas.setFillColor(_FAINT)
    canvas.setStrokeColor(_LINE)
    canvas.drawString(_SIDE, height - 12 * mm, _fitted(canvas, document.title, 60 * mm))
    identity = f"Patient ID {_clean(document.patient_id) or 'not known'}   ·   Study date {document.study_date}"
    canvas.drawRightString(width - _SIDE, height - 12 * mm, _fitted(canvas, identity, _WIDTH - 65 * mm))
    canvas.line(_SIDE, height - 14.5 * mm, width - _SIDE, height - 14.5 * mm)
    canvas.line(_SIDE, 13 * mm, width - _SIDE, 13 * mm)
    canvas.drawString(_SIDE, 9 * mm, _fitted(canvas, document.status, _WIDTH - 30 * mm))
    canvas.drawRightString(width - _SIDE, 9 * mm, f"Page {canvas.getPageNumber()} of {n_pages}")
    if document.watermark:
        canvas.setFillColor(_RED, alpha=0.13)
        canvas.setFont(BOLD, _watermark_size(document.watermark))
        canvas.translate(width / 2, height / 2)
        canvas.rotate(52)
        canvas.drawCentredString(0, 0, document.watermark)
    canvas.restoreState()


def _watermark_size(words: str) -> float:
    """Return the size in points at which the words fill the page's diagonal as 14 letters do at 62."""
    return 62.0 * min(1.0, 14 / len(words))


def _fitted(canvas: Any, words: str, width: float) -> str:
    """Return ``words`` on one line, cut with an ellipsis where they are wider than ``width`` points."""
    line = _clean(words)
    if canvas.stringWidth(line, REGULAR, 8) <= width:
        return line
    while line and canvas.stringWidth(f"{line}…", REGULAR, 8) > width:
        line = line[:-1]
    return f"{line}…"


def _clean(words: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in words)


def _style(size: float, *, leading: float | None = None, **more: Any) -> ParagraphStyle:
    """Return a paragraph style at ``size`` points."""
    settings: dict[str, Any] = {"fontName": REGULAR, "textColor": _INK, "splitLongWords": 1, **more}
    return ParagraphStyle("style", fontSize=size, leading=leading or size * 1.35, **settings)


def _paragraph(words: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(escape(_clean(words)), style)


def _story(document: ReportDocument, mip_png: bytes | None) -> list[Any]:
    """Return the flowing content of all pages, fresh each time: a build consumes it."""
    ground, ink = (_GOOD, _GOOD_INK) if document.is_confirmed else (_WARN, _WARN_INK)
    story: list[Any] = [
        _paragraph(document.title, _style(18, fontName=BOLD, spaceAfter=6)),
        _facts(document.patient, size=8.5, n_pairs=3),
        Spacer(1, 3 * mm),
        _paragraph(
            document.status,
            _style(
                10,
                fontName=BOLD,
                textColor=ink,
                backColor=ground,
                borderPadding=5,
                leftIndent=5,
                rightIndent=5,
                spaceAfter=8,
            ),
        ),
    ]
    for section in (*document.sections, *document.appendix):
        story += _section(section, mip_png)
    return story


def _section(section: Section, mip_png: bytes | None) -> list[Any]:
    head: list[Any] = [
        _paragraph(
            section.title,
            _style(12, fontName=BOLD, textColor=_ACCENT, spaceBefore=9, spaceAfter=3),
        )
    ]
    warning = _style(
        8.5,
        textColor=_WARN_INK,
        backColor=_WARN,
        borderPadding=4,
        leftIndent=4,
        rightIndent=4,
        spaceBefore=5,
        spaceAfter=7,
    )
    head += [_paragraph(words, warning) for words in section.cautions]
    if section.facts:
        is_key = section.title == "Impression"
        head.append(_facts(section.facts, size=9.5 if is_key else 8.5, is_bold=is_key))
    notes = [_paragraph(words, _style(8.5, spaceBefore=2, spaceAfter=3)) for words in section.notes]
    if section.has_mip:
        return [KeepTogether([*head, *notes, _picture(mip_png)])]
    tables = [flowable for table in section.tables for flowable in _table(table)]
    n_lines = len(notes) + sum(len(table.rows) for table in section.tables)
    if n_lines <= _MAX_ROWS_TOGETHER:
        return [KeepTogether([*head, *notes, *tables])]
    return [CondPageBreak(70 * mm), *head, *notes, *tables]


def _facts(facts: tuple[Fact, ...], *, size: float, n_pairs: int = 2, is_bold: bool = False) -> Any:
    """Return labels and values in two or three pairs of columns, read downwards."""
    label_style = _style(size, textColor=_FAINT)
    value_style = _style(size, fontName=BOLD if is_bold else REGULAR)
    n_rows = -(-len(facts) // n_pairs)
    cells = [[_paragraph(fact.label, label_style), _paragraph(fact.value, value_style)] for fact in facts]
    cells += [["", ""]] * (n_pairs * n_rows - len(facts))
    rows = [[cell for pair in range(n_pairs) for cell in cells[row + pair * n_rows]] for row in range(n_rows)]
    table = PdfTable(rows, colWidths=[share * _WIDTH for share in _PAIR_SHARES[n_pairs]], splitInRow=1)
    table.setStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEBELOW", (0, 0), (-1, -1), 0.25, _LINE),
            ("TOPPADDING", (0, 0), (-1, -1), 2),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ]
    )
    return table


def _picture(mip_png: bytes | None) -> Any:
    if mip_png is None:
        return _paragraph("No picture was made.", _style(8.5))
    picture = Image(io.BytesIO(mip_png))
    scale = min(_WIDTH / picture.imageWidth, _MIP_HEIGHT / picture.imageHeight)
    picture.drawWidth, picture.drawHeight = picture.imageWidth * scale, picture.imageHeight * scale
    return picture


def _table(table: Table) -> list[Any]:
    """Return caption and table; the heading repeats on each page."""
    if not table.rows:
        return [_paragraph(table.empty_words, _style(8.5))]
    sides = {Align.LEFT: 0, Align.RIGHT: 2}
    styles = [_style(7, alignment=sides[column.align]) for column in table.columns]
    bold = [_style(6.5, fontName=BOLD, alignment=sides[column.align], splitLongWords=0) for column in table.columns]
    rows = [[_paragraph(column.heading, style) for column, style in zip(table.columns, bold, strict=True)]]
    rows += [_cells(row, styles) for row in table.rows]
    unit = _WIDTH * table.width / sum(column.share for column in table.columns)
    grid = PdfTable(
        rows,
        colWidths=[unit * column.share for column in table.columns],
        hAlign="LEFT",
        repeatRows=1,
        splitInRow=1,
        spaceBefore=2,
        spaceAfter=6,
    )
    grid.setStyle(
        [
            ("BACKGROUND", (0, 0), (-1, 0), _HEAD),
            ("ROWBACKGROUNDS", (0, 1), (-1, -1), [white, HexColor("#fafbfc")]),
            ("LINEBELOW", (0, 0), (-1, -1), 0.25, _LINE),
            ("VALIGN", (0, 0), (-1, 0), "BOTTOM"),
            ("VALIGN", (0, 1), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 4),
            ("RIGHTPADDING", (0, 0), (-1, -1), 2),
            ("TOPPADDING", (0, 0), (-1, -1), 2),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
        ]
    )
    caption = _paragraph(table.caption, _style(8, textColor=_FAINT, spaceBefore=3, spaceAfter=2))
    return [caption, grid]


def _cells(row: Row, styles: list[ParagraphStyle]) -> list[Any]:
    cells = [_paragraph(cell, style) for cell, style in zip(row.cells, styles, strict=True)]
    if row.rgb is not None:
        red, green, blue = (value / 255 for value in row.rgb)
        chip = f'<font color="#{Color(red, green, blue).hexval()[2:]}">■</font> '
        cells[0] = Paragraph(chip + escape(_clean(row.cells[0])), styles[0])
    return cells
