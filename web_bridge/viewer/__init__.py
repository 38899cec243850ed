"""The OHIF viewer: fetched once from npm, configured for this archive, served from the same origin."""

from web_bridge.viewer.fetch import OHIF_VERSION, fetch_viewer, installed_viewer
from web_bridge.viewer.state import Viewer

__all__ = ["OHIF_VERSION", "Viewer", "fetch_viewer", "installed_viewer"]
