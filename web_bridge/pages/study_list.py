"""Studies that match a search to a page of them, grouped by patient with dates in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from urllib.parse import urlencode

from web_bridge.pages.layout import Html, date_text, html, join, name_text, page
from web_bridge.store import Match
from web_bridge.store.dicom_json import text_value

FIELDS = ("PatientID", "PatientName", "from", "to", "ModalitiesInStudy", "StudyDescription")
PAGE_SIZE = 50
_LABELS = {
    "PatientID": "Patient ID",
    "PatientName": "Name",
    "from": "From",
    "to": "To",
    "ModalitiesInStudy": "Modality",
    "StudyDescription": "Description",
}
_DATES = ("from", "to")


def study_list_page(studies: Sequence[Match], asked: Mapping[str, str], offset: int, *, has_more: bool) -> str:
    """Return the list.

    Parameters
    ----------
    studies : sequence of Match
        One page, by patient and date.
    asked : mapping
        What the search form holds, by the names in `FIELDS`.
    offset : int
        Number of studies on the pages before.
    has_more : bool
        Whether there is a page after this.
    """
    body = html(
        "<h1>Studies</h1>{form}{table}{pager}",
        form=_form(asked),
        table=_table(studies),
        pager=_pager(asked, offset, len(studies), has_more=has_more),
    )
    return page("Studies", body)


def _form(asked: Mapping[str, str]) -> Html:
    inputs = join(
        html(
            '<label>{label}<input name="{name}" value="{value}" type="{kind}"></label>',
            label=_LABELS[name],
            name=name,
            value=asked.get(name, ""),
            kind="date" if name in _DATES else "text",
        )
        for name in FIELDS
    )
    return html(
        '<form method="get" action="/psma/studies">{inputs}<button>Search</button>'
        '<a class="quiet" href="/psma/studies">Clear</a></form>'
        '<p class="note">* stands for any text, ? for one character.</p>',
        inputs=inputs,
    )


def _table(studies: Sequence[Match]) -> Html:
    if not studies:
        return Html('<p class="empty">No study matches.</p>')
    groups = groupby(studies, key=lambda study: text_value(study.study, "00100020"))
    return html(
        "<table><thead><tr><th>Date</th><th>Description</th><th>Modalities</th>"
        '<th class="n">Series</th><th class="n">Images</th><th></th></tr></thead>{bodies}</table>',
        bodies=join(_patient(patient_id, list(group)) for patient_id, group in groups),
    )


def _patient(patient_id: str, studies: Sequence[Match]) -> Html:
    name = name_text(text_value(studies[-1].study, "00100010"))
    return html(
        '<tbody><tr class="patient"><th colspan="6" scope="rowgroup">{id} <span>{name}</span> '
        "<span>{birth} {sex}</span></th></tr>{rows}</tbody>",
        id=patient_id or "(no patient ID)",
        name=name,
        birth=date_text(text_value(studies[-1].study, "00100030")),
        sex=text_value(studies[-1].study, "00100040"),
        rows=join(_row(study) for study in studies),
    )


def _row(study: Match) -> Html:
    return html(
        '<tr><td><a href="/psma/studies/{uid}">{date}</a></td><td>{description}</td><td>{modalities}</td>'
        '<td class="n">{n_series}</td><td class="n">{n_instances}</td>'
        '<td><a class="button" href="/psma/launch/{uid}">View</a></td></tr>',
        uid=study.study_uid,
        date=date_text(text_value(study.study, "00080020")) or "no date",
        description=text_value(study.study, "00081030"),
        modalities=" ".join(study.modalities),
        n_series=study.n_series or 0,
        n_instances=study.n_instances or 0,
    )


def _pager(asked: Mapping[str, str], offset: int, shown: int, *, has_more: bool) -> Html:
    def link(words: str, start: int) -> Html:
        query = urlencode({**{name: value for name, value in asked.items() if value}, "offset": start})
        return html('<a href="/psma/studies?{query}">{words}</a>', query=query, words=words)

    pieces = [html("<span>{first} to {last}</span>", first=offset + min(shown, 1), last=offset + shown)]
    if offset:
        pieces.insert(0, link("Previous", max(offset - PAGE_SIZE, 0)))
    if has_more:
        pieces.append(link("Next", offset + PAGE_SIZE))
    return html('<nav class="pager">{pieces}</nav>', pieces=join(pieces, " "))
