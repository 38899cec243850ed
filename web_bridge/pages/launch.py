"""A study to the viewer's address, with a page before it where the viewer's SUV is not to be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from urllib.parse import urlencode

from web_bridge.pages.layout import Html, html, page
from web_bridge.pages.study import findings_list
from web_bridge.pages.suv_findings import SuvFinding
from web_bridge.store import Match
from web_bridge.store.dicom_json import text_value


class Mode(StrEnum):
    """OHIF's modes that show PET/CT, by their path."""

    VIEWER = "viewer"
    SEGMENTATION = "segmentation"
    TMTV = "tmtv"


OUR_MANUFACTURER = "PSMA theranostics"
"""(0008,0070) Manufacturer of everything that `psmacore.dicom` publishes."""
_OUR_SUV = {"SR": "the structured report (SR)", "RWV": "the real world value map (RWVM)", "OT": "the capture (SC)"}
_NOT_LESIONS = ("one segment", "union", "organ")


def newest_segmentation(series: Sequence[Match]) -> str | None:
    """Return the series UID of the newest SEG, or ``None``.

    The SEG with a segment per lesion is meant: the one-segment union and the organ map, published beside
    it and told by their description, are chosen only where there is no other. Series of the same moment:
    the one that arrived last, which is last in ``series``.
    """
    found = [item for item in series if text_value(item.series, "00080060") == "SEG"]
    if not found:
        return None

    def rank(position_and_item: tuple[int, Match]) -> tuple[bool, str, int]:
        position, item = position_and_item
        description = text_value(item.series, "0008103E").lower()
        is_lesions = not any(word in description for word in _NOT_LESIONS)
        moment = text_value(item.series, "00080021") + text_value(item.series, "00080031")
        return is_lesions, moment, position

    return max(enumerate(found), key=rank)[1].series_uid


def viewer_url(study_uid: str, initial_series_uid: str | None, mode: Mode) -> str:
    """Return the address inside OHIF; an initial SEG series jumps to its first lesion, overlaid on the PET."""
    query = {"StudyInstanceUIDs": study_uid}
    if initial_series_uid and mode is not Mode.TMTV:
        query["initialSeriesInstanceUID"] = initial_series_uid
    return f"/{mode.value}?{urlencode(query)}"


def warning_page(study_uid: str, findings: Sequence[SuvFinding], series: Sequence[Match], onward: str) -> str:
    """Return the page that says what the viewer gets wrong and where the right SUV stands.

    Parameters
    ----------
    series : sequence of Match
        Those of the study, which tell whether results of ours are in it.
    onward : str
        The viewer's address.
    """
    made_here = {
        text_value(item.series, "00080060")
        for item in series
        if text_value(item.series, "00080070") == OUR_MANUFACTURER
    }
    ours = [words for modality, words in _OUR_SUV.items() if modality in made_here]
    right = (
        f"The right SUV stands in {', '.join(ours)} of this study."
        if ours
        else "No result of ours is stored in this study yet: run the analysis to get the right SUV."
    )
    body = html(
        "<h1>The viewer's SUV is not right for this study</h1>"
        "<p>Images, overlays and volumes are right. SUV read off with the viewer's own tools is not:</p>{findings}"
        "<p>{right}</p>"
        '<p><a class="button" href="{onward}">Continue to the viewer</a> '
        '<a class="quiet" href="/psma/studies/{uid}">Back to the study</a></p>',
        findings=findings_list(findings),
        right=Html(f"<strong>{html('{words}', words=right).text}</strong>"),
        onward=onward,
        uid=study_uid,
    )
    return page("SUV warning", body)
