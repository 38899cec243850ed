"""The stand-ins for qMRML widgets to the names under which Slicer has them in the package ``slicer``."""

from __future__ import annotations

from typing import Any


def qmrml_widgets() -> dict[str, Any]:
    """Return class name to stand-in; needs slicer-core."""
    from Testing.host.views import table_view
    from Testing.host.widgets import (
        collapsing,
        hierarchy_views,
        node_selectors,
        placing,
        scene_widgets,
        segment_editor,
        segment_effects,
        segment_lists,
        volume_widgets,
    )

    panels = (collapsing, hierarchy_views, node_selectors, placing, scene_widgets, volume_widgets, table_view)
    sources = (*panels, segment_editor, segment_effects, segment_lists)
    return {
        name: kind
        for source in sources
        for name, kind in vars(source).items()
        if name.startswith(("qMRML", "qSlicer")) and kind.__module__ == source.__name__
    }
