"""A report to one self-contained HTML page."""

from __future__ import annotations

import base64
from html import escape

from psmacore.report.parts import Align, Fact, ReportDocument, Row, Section, Table

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

_STYLE = """
:root { color-scheme: light dark; --ink: #1a1d21; --faint: #5c646e; --paper: #ffffff; --back: #eceff2;
  --line: #d5dae0; --head: #f3f5f7; --warn-ink: #7a3b00; --warn: #fff3dc; --good-ink: #0c5132; --good: #dff5e8;
  --accent: #0b5c8a; }
@media (prefers-color-scheme: dark) { :root { --ink: #dfe3e8; --faint: #98a2ad; --paper: #171a1e; --back: #0d0f11;
  --line: #343a42; --head: #1f242a; --warn-ink: #ffcf8a; --warn: #3a2a10; --good-ink: #a5e8c3; --good: #12331f;
  --accent: #7cc4f0; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 24px 12px; background: var(--back); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", Arial, sans-serif; }
main { position: relative; max-width: 1060px; margin: 0 auto; padding: 32px 40px; background: var(--paper);
  border: 1px solid var(--line); border-radius: 8px; overflow-wrap: break-word; }
h1 { margin: 0 0 4px; font-size: 26px; line-height: 1.25; }
h2 { margin: 30px 0 8px; padding-bottom: 4px; border-bottom: 2px solid var(--accent); font-size: 18px;
  break-after: avoid; }
h3 { margin: 0; font-size: 14px; }
p { margin: 6px 0; }
.status { margin: 14px 0; padding: 10px 14px; border-radius: 6px; font-weight: 600; background: var(--warn);
  color: var(--warn-ink); }
.status.confirmed { background: var(--good); color: var(--good-ink); }
.caution { padding: 8px 14px; border-left: 4px solid var(--warn-ink); background: var(--warn); color: var(--warn-ink); }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 380px), 1fr)); gap: 2px 28px;
  margin: 8px 0; }
dl div { display: flex; gap: 10px; padding: 3px 0; border-bottom: 1px solid var(--line); break-inside: avoid; }
dt { flex: 0 0 42%; color: var(--faint); }
dd { flex: 1; min-width: 0; margin: 0; font-weight: 500; overflow-wrap: anywhere; }
.key dd { font-size: 16px; font-weight: 700; }
.scroll { overflow-x: auto; margin: 10px 0; }
table { min-width: 45%; border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
caption { padding: 4px 0; text-align: left; color: var(--faint); }
thead { display: table-header-group; }
th { background: var(--head); font-weight: 600; vertical-align: bottom; overflow-wrap: normal; }
th, td { padding: 5px 7px; border-bottom: 1px solid var(--line); }
tr { break-inside: avoid; }
.left { text-align: left; }
.right { text-align: right; }
td.left { min-width: 44px; }
td.number { white-space: nowrap; font-weight: 600; }
.chip { display: inline-block; width: 11px; height: 11px; margin-right: 6px; border-radius: 3px;
  border: 1px solid rgba(0, 0, 0, 0.35); }
figure { margin: 12px 0; padding: 8px; background: #ffffff; border: 1px solid var(--line); text-align: center; }
figure img { max-width: 100%; height: auto; }
footer { margin-top: 32px; padding-top: 10px; border-top: 1px solid var(--line); color: var(--faint); font-size: 13px; }
.simulated { margin: 0 0 12px; color: #c01818; font-weight: 700; letter-spacing: 0.08em; }
@media (prefers-color-scheme: dark) { figure { background: #d2d2d2; } figure img { filter: brightness(0.82); } }
@media (max-width: 640px) { main { padding: 20px 16px; } }
@media print {
  :root { color-scheme: light; --ink: #000; --faint: #444; --paper: #fff; --back: #fff; --line: #bbb; --head: #eee;
    --warn-ink: #5c2c00; --warn: #fff3dc; --good-ink: #0c5132; --good: #dff5e8; --accent: #0b5c8a; }
  @page { size: A4; margin: 14mm 12mm; }
  dl { grid-template-columns: 1fr 1fr; } .key dd { font-size: 12px; } h2 { margin-top: 14px; font-size: 14px; }
  body { padding: 0; font-size: 11px; } main { max-width: none; padding: 0; border: 0; }
  table { font-size: 9px; } th, td { padding: 3px 4px; } .scroll { overflow: visible; }
  figure { break-inside: avoid; background: #ffffff; } figure img { max-height: 225mm; filter: none; }
  .status, .caution, th, .chip { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""


def to_html(document: ReportDocument, mip_png: bytes | None) -> str:
    """Return the report as one HTML page that needs no other file, script or network.

    Every value is escaped, and a content security policy forbids scripts and outside requests. Light
    and dark follow the reader's system; print is light.

    Parameters
    ----------
    document : ReportDocument
        What to show.
    mip_png : bytes or None
        PNG file of the picture; ``None`` leaves it out and says so.
    """
    head_words = f"{document.title}, {document.patient_id}, {document.study_date}"
    hint = "NOT A PATIENT" if document.is_simulated else "NOT FOR CLINICAL USE"
    simulated = f'<p class="simulated">{document.watermark} – {hint}</p>' if document.watermark else ""
    state = "status confirmed" if document.is_confirmed else "status"
    body = "".join(_section(section, mip_png) for section in (*document.sections, *document.appendix))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(head_words)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<header>{simulated}<h1>{escape(document.title)}</h1>{_facts(document.patient)}"
        f'<p class="{state}" role="status">{escape(document.status)}</p></header>\n'
        f"{body}<footer>{escape(head_words)}. {escape(document.status)}</footer>\n</main>\n</body>\n</html>\n"
    )


def _section(section: Section, mip_png: bytes | None) -> str:
    key = ' class="key"' if section.title == "Impression" else ""
    parts = [f"<section{key}>\n<h2>{escape(section.title)}</h2>\n"]
    parts += [f'<p class="caution">{escape(words)}</p>\n' for words in section.cautions]
    parts.append(_facts(section.facts))
    parts += [f"<p>{escape(words)}</p>\n" for words in section.notes]
    if section.has_mip:
        parts.append(_figure(mip_png))
    parts += [_table(table) for table in section.tables]
    parts.append("</section>\n")
    return "".join(parts)


def _facts(facts: tuple[Fact, ...]) -> str:
    if not facts:
        return ""
    items = "".join(f"<div><dt>{escape(fact.label)}</dt><dd>{escape(fact.value)}</dd></div>" for fact in facts)
    return f"<dl>{items}</dl>\n"


def _figure(mip_png: bytes | None) -> str:
    if mip_png is None:
        return "<p>No picture was made.</p>\n"
    data = base64.b64encode(mip_png).decode("ascii")
    words = "Maximum intensity projections of the PET, anterior and left lateral, with numbered lesions"
    return f'<figure><img alt="{words}" src="data:image/png;base64,{data}"></figure>\n'


def _table(table: Table) -> str:
    if not table.rows:
        return f"<p>{escape(table.empty_words)}</p>\n"
    sides = [column.align.value for column in table.columns]
    headings = "".join(
        f'<th scope="col" class="{side}">{escape(column.heading)}</th>'
        for column, side in zip(table.columns, sides, strict=True)
    )
    rows = "".join(_row(row, sides) for row in table.rows)
    return (
        f'<div class="scroll"><table style="width: {100 * table.width:.0f}%"><caption>{escape(table.caption)}</caption>'
        f"<thead><tr>{headings}</tr></thead><tbody>{rows}</tbody></table></div>\n"
    )


def _row(row: Row, sides: list[str]) -> str:
    cells = []
    for number, (cell, side) in enumerate(zip(row.cells, sides, strict=True)):
        chip, kind = "", side
        if number == 0 and row.rgb is not None:
            red, green, blue = row.rgb
            chip = f'<span class="chip" style="background: rgb({red}, {green}, {blue})"></span>'
            kind = f"{Align.LEFT.value} number"
        cells.append(f'<td class="{kind}">{chip}{escape(cell)}</td>')
    return f"<tr>{''.join(cells)}</tr>"
