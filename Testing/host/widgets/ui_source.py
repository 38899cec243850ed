"""A .ui file to its XML tree, the line of every element and the parts that Qt's own loader must not see.

What the stand-ins declare (their properties, the ``vtkMRMLScene*`` connections) is unknown to Qt's loader, which drops
the unknown in silence. So it is taken out of the tree here, and a name that Slicer lacks is an error with its line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

Element = ElementTree.Element


class UiFileError(ValueError):
    """A .ui file names something that Slicer or the host does not have; the text begins with file and line."""


@dataclass(frozen=True)
class Setting:
    """One ``<property>`` of a stand-in: the value is still text, or a list of texts."""

    widget: str
    name: str
    kind: str
    text: str | list[str]
    where: str


@dataclass(frozen=True)
class Connection:
    """One ``<connection>``."""

    sender: str
    signal: str
    receiver: str
    slot: str
    where: str


@dataclass
class UiSource:
    """The tree of one file and where its elements stand."""

    path: Path
    root: Element
    lines: dict[Element, int] = field(default_factory=dict)

    def where(self, element: Element) -> str:
        """Return ``file:line`` of the element."""
        return f"{self.path}:{self.lines[element]}"

    def widgets(self) -> list[Element]:
        """Return every ``<widget>``, the parents first."""
        return list(self.root.iter("widget"))

    def text_inside(self, name: str) -> bytes:
        """Return the tree as it is now, its top widget inside one of this name."""
        root = ElementTree.Element("ui", self.root.attrib)
        outer = ElementTree.SubElement(root, "widget", {"class": "QWidget", "name": name})
        for element in self.root:
            (outer if element.tag == "widget" else root).append(element)
        return ElementTree.tostring(root, encoding="utf-8")


def read(path: str | Path) -> UiSource:
    """Return the tree of the file; raise `UiFileError` when it is not well-formed XML."""
    path = Path(path)
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate()
    lines: dict[Element, int] = {}

    def start(tag: str, attributes: dict[str, str]) -> None:
        lines[builder.start(tag, attributes)] = parser.CurrentLineNumber

    parser.StartElementHandler = start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(path.read_bytes(), True)
    except expat.ExpatError as error:
        raise UiFileError(f"{path}:{error.lineno}: not well-formed: {error}") from None
    return UiSource(path, builder.close(), lines)


def take_settings(source: UiSource, widget: Element, belongs_to_standin: Any) -> list[Setting]:
    """Take the properties for which ``belongs_to_standin(name)`` holds out of the widget's element."""
    taken = []
    for element in widget.findall("property"):
        if not belongs_to_standin(element.get("name")):
            continue
        value = element[0]
        texts = [item.text or "" for item in value] if value.tag == "stringlist" else (value.text or "")
        where = source.where(element)
        taken.append(Setting(widget.get("name", ""), element.get("name", ""), value.tag, texts, where))
        widget.remove(element)
    return taken


def take_connections(source: UiSource) -> list[Connection]:
    """Take all connections out of the tree."""
    taken = []
    for group in source.root.findall("connections"):
        for element in group:
            parts = [element.findtext(tag, "").strip() for tag in ("sender", "signal", "receiver", "slot")]
            taken.append(Connection(*parts, source.where(element)))
        source.root.remove(group)
    return taken
