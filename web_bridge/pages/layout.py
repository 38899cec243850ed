"""Content to a whole HTML page; everything that comes from a data set is escaped here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

STYLE_PATH = "/psma/style.css"


@dataclass(frozen=True)
class Html:
    """Text that is HTML already; plain ``str`` is escaped wherever it is put into a page."""

    text: str


def html(template: str, **values: str | int | Html) -> Html:
    """Fill ``{name}`` places of a template; values are escaped unless they are `Html`."""
    safe = {
        name: value.text if isinstance(value, Html) else escape(str(value), quote=True)
        for name, value in values.items()
    }
    return Html(template.format(**safe))


def join(pieces: Iterable[Html], separator: str = "") -> Html:
    """Return pieces one after the other."""
    return Html(separator.join(piece.text for piece in pieces))


def page(title: str, body: Html) -> str:
    """Return a page in the house's dark style."""
    return html(
        """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>{title}</title><link rel="stylesheet" href="{style}"><link rel="icon" href="data:,"></head>
<body><header><a class="home" href="/psma/studies">PSMA theranostics</a>
<span class="note">Research use. A reader must confirm every result.</span></header>
<main>{body}</main></body></html>
""",
        title=title,
        style=STYLE_PATH,
        body=body,
    ).text


def date_text(dicom_date: str) -> str:
    """Return a DICOM DA as ISO date; as it is where it is malformed."""
    if len(dicom_date) == 8 and dicom_date.isdigit():
        return f"{dicom_date[:4]}-{dicom_date[4:6]}-{dicom_date[6:]}"
    return dicom_date


def time_text(dicom_time: str) -> str:
    """Return hours and minutes of a DICOM TM."""
    return f"{dicom_time[:2]}:{dicom_time[2:4]}" if len(dicom_time) >= 4 else dicom_time


def name_text(person_name: str) -> str:
    """Return the alphabetic group of a DICOM PN with the family name first."""
    parts = [part for part in person_name.split("=")[0].split("^") if part]
    return ", ".join(parts[:2])
