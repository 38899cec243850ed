"""Stand-ins for CTK's and Slicer's widgets, and the loader of .ui files that uses them."""

from Testing.host.widgets.ctk import install_ctk
from Testing.host.widgets.mrml import qmrml_widgets

__all__ = ["install_ctk", "qmrml_widgets"]
