"""A .ui file to the widgets it describes, made of the host's classes and connected as the file says.

An unknown widget class, a property or connection that the class lacks is a `UiFileError` with file and line. A widget
without the ``mrmlSceneChanged(vtkMRMLScene*)`` connection is left without a scene, as in Slicer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6 import QtCore, QtUiTools

from Testing.host import contract
from Testing.host.qt_shim import qt_class
from Testing.host.qt_shim.properties import QtProperty, lookup
from Testing.host.qt_shim.signals import known_signature
from Testing.host.widgets import ui_source
from Testing.host.widgets.ctk import ctk_widgets
from Testing.host.widgets.ui_source import Connection, Element, Setting, UiFileError, UiSource

__all__ = ["QUiLoader", "UiFileError", "load_ui"]

# Names in .ui files for what is no class of its own.
PSEUDO_CLASSES = {"Line": "QFrame"}
OUTER = "_outer"
# Properties that only Designer knows.
DESIGNER_ONLY = frozenset({"buddy"})
# To be set when everything else is: they act on the children.
LAST = ("checked", "collapsed")
READERS: dict[str, Callable[[str], Any]] = {
    "bool": lambda text: text.strip().lower() == "true",
    "number": int,
    "float": float,
    "double": float,
    "string": str,
    "cstring": str,
}


def load_ui(path: str | Path, parent: Any = None) -> Any:
    """Return the top widget of the file."""
    source = ui_source.read(path)
    for group in source.root.findall("customwidgets"):
        source.root.remove(group)  # Qt would look for plugins
    kinds = {id(element): _class_of(source, element) for element in source.widgets()}
    settings = [one for element in source.widgets() for one in _settings(source, element, kinds[id(element)])]
    connections = ui_source.take_connections(source)
    top = _Builder(path).built(source, parent)
    found = {top.objectName: top} | {
        one.objectName: one for one in top.findChildren(qt_class("QObject")) if one.objectName
    }
    for setting in sorted(settings, key=lambda one: LAST.index(one.name) if one.name in LAST else -1):
        _apply(found[setting.widget], setting)
    for connection in connections:
        _connect(found, connection)
    return top


class QUiLoader:
    """The part of qt.QUiLoader that ``slicer.util.loadUI`` uses."""

    def __init__(self, parent: Any = None) -> None:
        self._parent = parent

    def load(self, device: Any, parentWidget: Any = None) -> Any:
        return load_ui(device.fileName(), parentWidget)


class _Outer(qt_class("QWidget")):
    """Takes the children's names as attributes, which PySide6 gives to the top widget and PythonQt does not."""


class _Builder(QtUiTools.QUiLoader):
    """Qt's loader, with every object made of the host's classes."""

    def __init__(self, path: str | Path) -> None:
        super().__init__()
        self.setWorkingDirectory(QtCore.QDir(str(Path(path).parent)))

    def built(self, source: UiSource, parent: Any) -> Any:
        buffer = QtCore.QBuffer()
        buffer.setData(source.text_inside(OUTER))
        buffer.open(QtCore.QIODevice.ReadOnly)
        warnings: list[str] = []
        previous = QtCore.qInstallMessageHandler(lambda _kind, _context, message: warnings.append(message))
        outer = self.load(buffer)
        QtCore.qInstallMessageHandler(previous)
        if outer is None or warnings:
            raise UiFileError(f"{source.path}:1: {'; '.join(warnings) or self.errorString()}")
        top = next(one for one in outer.children() if one.isWidgetType())
        top.setParent(parent)
        return top

    def createWidget(self, className: str, parent: Any = None, name: str = "") -> Any:
        if name == OUTER:
            return _Outer()
        made = widget_class(PSEUDO_CLASSES.get(className, className))(parent)
        made.objectName = name
        return made

    def createLayout(self, className: str, parent: Any = None, name: str = "") -> Any:
        made = qt_class(className)(parent) if parent is not None else qt_class(className)()
        made.objectName = name
        return made

    def createAction(self, parent: Any = None, name: str = "") -> Any:
        made = qt_class("QAction")(parent)
        made.objectName = name
        return made


def widget_class(name: str) -> Any:
    """Return the class of widget that the name stands for in a .ui file; raise LookupError with the reason."""
    from Testing.host.widgets.mrml import qmrml_widgets

    for known in (ctk_widgets(), qmrml_widgets()):
        if name in known:
            return known[name]
    if name.startswith("Q") and name in contract.known_names("qt"):
        return qt_class(name)
    is_real = any(name in contract.known_names(module) for module in ("ctk", "slicer"))
    raise LookupError("the host has no stand-in for it" if is_real else "Slicer has no such class")


def _class_of(source: UiSource, element: Element) -> Any:
    name = element.get("class", "")
    try:
        return widget_class(PSEUDO_CLASSES.get(name, name))
    except LookupError as reason:
        raise UiFileError(f"{source.where(element)}: unknown widget class {name}: {reason.args[0]}") from None


def _settings(source: UiSource, element: Element, kind: Any) -> list[Setting]:
    """Take what the stand-in declares out of the tree; refuse what nobody knows."""
    own = getattr(kind, "standin_properties", {})
    taken = ui_source.take_settings(source, element, lambda name: name in own)
    for rest in element.findall("property"):
        name = rest.get("name", "")
        is_dynamic = rest.get("stdset") == "0"  # Designer writes it for what the user added
        is_fake = name in DESIGNER_ONLY or element.get("class") in PSEUDO_CLASSES
        if not (isinstance(lookup(kind, name), QtProperty) or is_dynamic or is_fake):
            raise UiFileError(f"{source.where(rest)}: {element.get('class')} has no property '{name}'")
    return taken


def _apply(widget: Any, setting: Setting) -> None:
    try:
        setattr(widget, setting.name, _value(widget, setting))
    except (TypeError, ValueError, AttributeError) as error:
        raise UiFileError(f"{setting.where}: {widget.className()}.{setting.name}: {error}") from None


def _value(widget: Any, setting: Setting) -> Any:
    """Return the value in Python; enumerations by the last part of their name."""
    if isinstance(setting.text, list):
        return tuple(setting.text)
    if setting.kind in READERS:
        return READERS[setting.kind](setting.text)
    if setting.kind in ("enum", "set"):
        values = [_member(widget, name) for name in re.split(r"\s*\|\s*", setting.text.strip()) if name]
        total = values[0] if values else 0
        for value in values[1:]:
            total = total | value
        return total
    raise ValueError(f"<{setting.kind}> is not read by the host")


def _member(widget: Any, scoped: str) -> Any:
    scope, *_, name = scoped.split("::")
    owner = widget if scope == widget.className() else qt_class(scope) if scope.startswith("Q") else widget
    value = getattr(widget, "_flags", {}).get(name) if owner is widget else None
    value = getattr(owner, name, None) if value is None else value
    if value is None:
        raise ValueError(f"{scoped}: no such value")
    return value


def _connect(found: dict[str, Any], connection: Connection) -> None:
    for name in (connection.sender, connection.receiver):
        if name not in found:
            raise UiFileError(f"{connection.where}: no object '{name}'")
    sender, receiver = found[connection.sender], found[connection.receiver]
    if known_signature(sender, connection.signal) is None:
        raise UiFileError(f"{connection.where}: {sender.className()} has no signal '{connection.signal}'")
    if not callable(getattr(receiver, connection.slot.partition("(")[0], None)):
        raise UiFileError(f"{connection.where}: {receiver.className()} has no slot '{connection.slot}'")
    given, taken = _argument_types(connection.signal), _argument_types(connection.slot)
    if given[: len(taken)] != taken:
        raise UiFileError(f"{connection.where}: '{connection.signal}' cannot be connected to '{connection.slot}'")
    sender.connect(connection.signal, receiver, connection.slot)


def _argument_types(signature: str) -> list[str]:
    inside = signature.partition("(")[2].rpartition(")")[0].replace(" ", "")
    return inside.split(",") if inside else []
