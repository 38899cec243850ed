"""The reason why there is no viewer to a page that says what to do."""

from __future__ import annotations

from web_bridge.pages.layout import html, page


def viewer_missing_page(status: str) -> str:
    """Return the page shown in place of the viewer."""
    body = html(
        """<h1>The OHIF viewer is not here yet</h1><p>{status}</p>
<p><a class="button" href="/psma/studies">Study list</a></p>""",
        status=status,
    )
    return page("Viewer not available", body)
