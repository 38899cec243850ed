"""PySide6 to a module ``qt`` that behaves like PythonQt's in a real Slicer.

The classes are PySide6's own, patched in place, so that what Qt makes itself (a menu's actions, a view's header) obeys
the same rules as what Python makes. Whoever uses PySide6 in the host writes as for PythonQt: ``label.text``, and
``is_a(x, QWidget)`` where a subclass counts too.

Not followed: lists in an .ini file are written as PySide6 does; Python threads are not held up while Qt's loop idles;
a property of another type than text, number or truth is not converted (``action.shortcut = "Ctrl+K"`` is refused);
of what only PySide6 has, the names that tempt are gone (`specials.NOT_IN_PYTHONQT`), not each of its 600 others.
"""

from __future__ import annotations

import atexit
import importlib
import shutil
import sys
import tempfile
from types import ModuleType
from typing import Any

from Testing.host.qt_shim.faults import Fault, Faults, faults
from Testing.host.qt_shim.immortals import make_immortal
from Testing.host.qt_shim.specials import is_a
from Testing.host.qt_shim.standin import emit, standin

__all__ = ["Fault", "Faults", "emit", "faults", "install", "is_a", "qt_class", "standin"]

MODULES = ("QtCore", "QtGui", "QtWidgets")
RARE_MODULES = ("QtUiTools", "QtNetwork", "QtSvg", "QtSvgWidgets", "QtPrintSupport", "QtXml", "QtSql", "QtOpenGL")


_keep: dict[str, Any] = {}
make_immortal()  # before PySide6 is called


class QtModule(ModuleType):
    """The module ``qt``: only names that PythonQt has."""

    def __getattr__(self, name: str) -> Any:
        from Testing.host.contract import known_names

        if name not in known_names("qt"):
            raise AttributeError(f"module 'qt' has no attribute '{name}': Slicer's qt has no such name")
        value = _found(name)
        setattr(self, name, value)
        return value


def install() -> ModuleType:
    """Return the module ``qt`` of this process; the first call patches PySide6 and makes the application."""
    if "qt" not in sys.modules:
        from Testing.host.qt_shim import patching

        patching.patch_all()
        _make_application()
        sys.modules["qt"] = QtModule("qt", __doc__)
    return sys.modules["qt"]


def qt_class(name: str) -> Any:
    """Return a class of Qt, with PythonQt's behaviour."""
    return getattr(install(), name)


def _make_application() -> None:
    """Make the application under Slicer's name, with settings that no other program reads."""
    from PySide6 import QtCore, QtWidgets

    QtCore.QSettings.setDefaultFormat(QtCore.QSettings.Format.IniFormat)
    folder = tempfile.mkdtemp(prefix="host-settings-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    QtCore.QSettings.setPath(QtCore.QSettings.Format.IniFormat, QtCore.QSettings.Scope.UserScope, folder)
    _keep["application"] = QtWidgets.QApplication.instance() or QtWidgets.QApplication(["Slicer"])
    QtCore.QCoreApplication.setOrganizationName("slicer.org")
    QtCore.QCoreApplication.setApplicationName("Slicer")


def _found(name: str) -> Any:
    from Testing.host.qt_shim import patching

    for module_name in (*MODULES, *RARE_MODULES):
        module = importlib.import_module(f"PySide6.{module_name}")
        if module_name in RARE_MODULES:
            patching.patch_module(module)
        if hasattr(module, name):
            return getattr(module, name)
        if module_name == "QtCore" and name in module.QtMsgType.__members__:
            return module.QtMsgType[name]
    raise AttributeError(f"module 'qt': PythonQt has '{name}', but PySide6 offers it nowhere")
