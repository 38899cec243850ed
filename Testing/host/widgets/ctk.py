"""The stand-ins for CTK's widgets to a module ``ctk``."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from Testing.host.contract import known_names
from Testing.host.qt_shim import install
from Testing.host.widgets import buttons, choices, collapsing, numbers, ranges

SOURCES = (buttons, choices, collapsing, numbers, ranges)


class CtkModule(ModuleType):
    """The module ``ctk``: a name that Slicer lacks and one that only the host lacks give different errors."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        why = "the host has no stand-in for it" if name in known_names("ctk") else "Slicer's ctk has no such name"
        raise AttributeError(f"module 'ctk' has no attribute '{name}': {why}")


def ctk_widgets() -> dict[str, Any]:
    """Return class name to stand-in."""
    return {name: kind for source in SOURCES for name, kind in vars(source).items() if name.startswith("ctk")}


def install_ctk() -> ModuleType:
    """Return the module ``ctk`` of this process; ``qt.QUiLoader`` is from then on the one that knows it."""
    if "ctk" not in sys.modules:
        from Testing.host.widgets.ui_loader import QUiLoader

        install().QUiLoader = QUiLoader
        module = CtkModule("ctk", __doc__)
        vars(module).update(ctk_widgets())
        sys.modules["ctk"] = module
    return sys.modules["ctk"]
