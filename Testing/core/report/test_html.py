"""The report as one HTML page."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

from psmacore.model.codes import Code
from psmacore.model.timepoint import Patient, Timepoint
from psmacore.report.document import Signature, build_document
from psmacore.report.html import to_html
from Testing.timepoints import confirmed, make_lesion, make_timepoint

ATTACK = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>"
VOID = {"meta", "img"}


class Page(HTMLParser):
    """Tags, attributes and text of a page; raises where tags do not nest."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.headings: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._open and self._open[-1] == "h2":
            self.headings.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)


def test_page_holds_every_section_in_order(a_timepoint: Timepoint, a_mip_png: bytes) -> None:
    document = build_document(a_timepoint)
    page = Page(to_html(document, a_mip_png))
    assert page.headings == [section.title for section in (*document.sections, *document.appendix)]


def test_text_from_the_header_cannot_become_markup(a_timepoint: Timepoint) -> None:
    hostile = replace(
        a_timepoint,
        patient=Patient(ATTACK, ATTACK, None),
        study=replace(a_timepoint.study, description=ATTACK, date=ATTACK),
        warnings=(ATTACK,),
        lesions=(replace(make_lesion(1), site=Code("1", "SCT", ATTACK), mi_tnm=ATTACK),),
        suv=replace(a_timepoint.suv, steps=(ATTACK,), warnings=(ATTACK,)),
        segmenter=replace(a_timepoint.segmenter, name=ATTACK, parameters={ATTACK: ATTACK}),
    )
    html = to_html(build_document(hostile, signature=Signature(ATTACK, ATTACK)), None)
    page = Page(html)
    names = [tag for tag, _ in page.tags]
    assert "script" not in names
    assert "img" not in names
    assert not [attributes for _, attributes in page.tags if any(name.startswith("on") for name in attributes)]
    assert page.text.count(ATTACK) >= 10


def test_page_needs_nothing_from_outside(a_timepoint: Timepoint, a_mip_png: bytes) -> None:
    html = to_html(build_document(a_timepoint), a_mip_png)
    links = [value for _, attributes in Page(html).tags for name in ("src", "href") if (value := attributes.get(name))]
    assert [link[:22] for link in links] == ["data:image/png;base64,"]
    assert not re.search(r"https?://|url\(|@import", html)
    assert "default-src 'none'" in html


def test_picture_is_embedded_as_it_is(a_timepoint: Timepoint, a_mip_png: bytes) -> None:
    html = to_html(build_document(a_timepoint), a_mip_png)
    (match,) = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", html)
    assert base64.b64decode(match) == a_mip_png


def test_page_without_picture_says_so(a_timepoint: Timepoint) -> None:
    assert "No picture was made." in Page(to_html(build_document(a_timepoint), None)).text


def test_status_and_watermark_are_in_the_page(a_timepoint: Timepoint) -> None:
    """W90."""
    text = Page(to_html(build_document(a_timepoint, is_simulated=True), None)).text
    assert text.count("AI, unconfirmed. Research use, reader must confirm.") == 2
    assert "SIMULATED DATA" in text
    read = build_document(confirmed(a_timepoint), signature=Signature("Reader 1", "20260305"))
    assert "reader must confirm" not in Page(to_html(read, None)).text


def test_study_without_lesions_says_so() -> None:
    assert "No lesions." in Page(to_html(build_document(make_timepoint(0)), None)).text


def test_same_report_gives_the_same_page(a_timepoint: Timepoint, a_mip_png: bytes) -> None:
    pages = {to_html(build_document(a_timepoint), a_mip_png) for _ in range(2)}
    assert len(pages) == 1
