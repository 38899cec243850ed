"""One study's series to a page with its results, and with the ways into the viewer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from web_bridge.pages.layout import Html, date_text, html, join, name_text, page, time_text
from web_bridge.pages.suv_findings import SuvFinding
from web_bridge.store import Match
from web_bridge.store.dicom_json import text_value

ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
SECONDARY_CAPTURES = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.7",
        "1.2.840.10008.5.1.4.1.1.7.2",
        "1.2.840.10008.5.1.4.1.1.7.4",
    }
)


@dataclass(frozen=True)
class Document:
    """A PDF or picture of the study: title, address and whether it is a picture."""

    title: str
    url: str
    is_picture: bool


def study_page(
    study: Match, series: Sequence[Match], documents: Sequence[Document], findings: Sequence[SuvFinding]
) -> str:
    """Return the page of one study."""
    date = date_text(text_value(study.study, "00080020"))
    body = html(
        '<h1>{id} <span class="note">{name}</span></h1><p>{date} {time} · {description}</p>'
        '<p><a class="button" href="/psma/launch/{uid}">View with lesions</a> '
        '<a class="button" href="/psma/launch/{uid}?mode=segmentation">Edit segments</a> '
        '<a class="button" href="/psma/launch/{uid}?mode=tmtv">PET/CT fusion</a></p>'
        "{warnings}{documents}{series}",
        id=text_value(study.study, "00100020") or "(no patient ID)",
        name=name_text(text_value(study.study, "00100010")),
        date=date or "no date",
        time=time_text(text_value(study.study, "00080030")),
        description=text_value(study.study, "00081030"),
        uid=study.study_uid,
        warnings=findings_list(findings),
        documents=_documents(documents),
        series=_series_table(series),
    )
    return page(f"Study of {date}", body)


def findings_list(findings: Sequence[SuvFinding]) -> Html:
    """Return what is wrong with the viewer's SUV, series by series; empty where nothing is."""
    if not findings:
        return Html("")
    items = join(
        html(
            "<li><strong>{series}</strong>: the viewer {effect}. {reason}. <em>{right}</em></li>",
            series=finding.description or finding.series_uid,
            effect=finding.effect.value,
            reason=finding.reason,
            right=finding.right,
        )
        for finding in findings
    )
    return html('<ul class="warning">{items}</ul>', items=items)


def _documents(documents: Sequence[Document]) -> Html:
    if not documents:
        return Html("")
    cards = join(
        html(
            '<a class="card" href="{url}"><img src="{url}" alt="" loading="lazy"><span>{title}</span></a>',
            url=item.url,
            title=item.title,
        )
        if item.is_picture
        else html('<a class="card" href="{url}"><span>{title} (PDF)</span></a>', url=item.url, title=item.title)
        for item in documents
    )
    return html('<section class="cards">{cards}</section>', cards=cards)


def _series_table(series: Sequence[Match]) -> Html:
    rows = join(
        html(
            '<tr><td class="n">{number}</td><td>{modality}</td><td>{description}</td><td class="n">{n}</td>'
            '<td><a href="/psma/launch/{study}?series={uid}">View</a></td></tr>',
            number=text_value(item.series, "00200011"),
            modality=text_value(item.series, "00080060"),
            description=text_value(item.series, "0008103E"),
            n=item.n_instances or 0,
            study=item.study_uid,
            uid=item.series_uid or "",
        )
        for item in series
    )
    return html(
        '<table><thead><tr><th class="n">No.</th><th>Modality</th><th>Series</th>'
        '<th class="n">Images</th><th></th></tr></thead><tbody>{rows}</tbody></table>',
        rows=rows,
    )
