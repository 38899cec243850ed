"""The whole record of a real Slicer's API to the part that modules, stand-ins and their tests use."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# Where every class that is named must be known, and where it is for the stand-ins alone.
SOURCES = (
    "PSMATheranostics/PSMATheranostics.py",
    "PSMATheranostics/PSMATheranosticsLib",
    "PSMATheranostics/Resources/UI",
    "PSMALongitudinal",
    "Testing/architecture",
    "Testing/slicer",
)
STAND_INS = ("Testing/host",)
# Every object is one of these: their members are needed whoever uses what.
ALWAYS = frozenset({"QObject", "QWidget", "Qt", "qSlicerApplication"})
# A class that has all members of one of these refers to it instead of naming them again; the first that fits counts.
BASES = (
    "QTableView",
    "QTreeView",
    "QListView",
    "QAbstractItemView",
    "QTextEdit",
    "QAbstractScrollArea",
    "QFrame",
    "QAbstractProxyModel",
    "QAbstractItemModel",
    "QComboBox",
    "QLineEdit",
    "QAbstractButton",
    "QAbstractSpinBox",
    "QAbstractSlider",
    "QDialog",
    "QMainWindow",
    "QEvent",
    "QLayout",
    "QWidget",
    "QObject",
)
CLASS_NAME = re.compile(r"\b(?:Q[A-Z]\w+|Qt|ctk\w+|qMRML\w+|qSlicer\w+|vtk\w+)\b")
STAND_IN_NAME = re.compile(r"\b(?:ctk|qMRML|qSlicer)\w+\b")
# What PythonQt gives every wrapped object, left out of the record's classes.
OF_EVERY_OBJECT = ("className", "delete", "help", "inherits")
KINDS = ("properties", "signals", "slots", "methods", "returns", "enums", "others")
# Every VTK class has these; naming them 350 times tells nothing.
OF_EVERY_VTK_CLASS = frozenset(
    {
        "IsTypeOf",
        "IsA",
        "SafeDownCast",
        "NewInstance",
        "GetNumberOfGenerationsFromBaseType",
        "GetNumberOfGenerationsFromBase",
    }
)


def names_in_use() -> frozenset[str]:
    """Return every word in the sources that may be a class of Qt, ctk, MRML or Slicer."""
    found = set(ALWAYS)
    for sources, pattern in ((SOURCES, CLASS_NAME), (STAND_INS, STAND_IN_NAME)):
        for path in (ROOT / source for source in sources):
            files = [path] if path.is_file() else [*path.rglob("*.py"), *path.rglob("*.ui")]
            for file in files:
                found.update(pattern.findall(file.read_text(encoding="utf-8")))
    return frozenset(found)


def copied(api: dict[str, Any], used: frozenset[str]) -> dict[str, Any]:
    """Return the contract: every public name, and the members of the classes in ``used`` with their bases."""
    instances = {i["class"]: i for i in api["instances"].values() if i.get("class")}
    whole = {
        name: _class_entry(module, entry, instances.get(name))
        for module, entries in api["classes"].items()
        for name, entry in entries.items()
    }
    whole.update({name: _instance_entry(instances[name]) for name in instances.keys() - whole.keys()})
    for name in ("QObject", "QWidget"):
        whole[name]["methods"] |= dict.fromkeys(OF_EVERY_OBJECT)
        whole[name]["properties"]["name"] = "QString"  # PythonQt's other name of objectName
    for entry in whole.values():
        if entry["extends"]:
            _add_inherited(entry, whole)
    classes: dict[str, Any] = {}
    waiting = sorted(used & whole.keys())
    while waiting:
        name = waiting.pop()
        if name not in classes:
            base = next((base for base in BASES if _has_all_of(whole[name], whole[base]) and base != name), None)
            classes[name] = _own(whole[name], base, whole)
            waiting += [base] if base else []
    return {
        "recorded": {key: api["_about"][key] for key in ("slicer", "python", "vtk", "qt", "pythonqt", "ctk")},
        "names": {
            "qt": sorted(api["qt_names"]),
            "ctk": sorted(api["ctk_names"]),
            "slicer": sorted(api["slicer_names"]),
            "slicer.util": dict(sorted(api["slicer.util"].items())),
            "slicer.modules": sorted(api["slicer.modules"]),
        },
        "script_classes": api["scripted_base_classes"],
        "classes": dict(sorted(classes.items())),
        "vtk": _vtk_classes(api["slicer_vtk_classes"], used),
    }


def written(contract: dict[str, Any]) -> str:
    """Return the contract as JSON with one class a line, so that a difference shows which class changed."""
    sections = []
    for key, section in contract.items():
        lines = [
            f"  {json.dumps(name)}: {json.dumps(value, separators=(',', ':'), sort_keys=True)}"
            for name, value in section.items()
        ]
        sections.append(f"{json.dumps(key)}: {{\n" + ",\n".join(lines) + "\n}")
    return "{\n" + ",\n".join(sections) + "\n}\n"


def _class_entry(module: str, entry: dict[str, Any], instance: dict[str, Any] | None) -> dict[str, Any]:
    overloads = {_without_names(one): None for some in entry["slot_overloads"].values() for one in some}
    seen = [*entry["other"], *(instance["dir"] if instance else ())]
    return {
        "module": module,
        "extends": entry["extends"],
        "properties": dict(entry["properties"]),
        "signals": dict.fromkeys(entry["signals"]),
        "slots": overloads,
        "methods": dict.fromkeys(entry["methods"]),
        "returns": _returned(entry),
        "enums": dict(entry["enums"]),
        "others": dict.fromkeys(seen),
    }


def _returned(entry: dict[str, Any]) -> dict[str, str]:
    """Return which class of object each method gives back, where it is one of Qt's, Slicer's or VTK's."""
    answers = {name: text for name, text in entry["methods"].items() if " -> " in text}
    answers |= {name: some[0] for name, some in entry["slot_overloads"].items()}
    kinds = {name: text.rpartition(" -> ")[2].rpartition(".")[2].strip() for name, text in answers.items()}
    return {name: kind for name, kind in kinds.items() if CLASS_NAME.fullmatch(kind)}


def _instance_entry(instance: dict[str, Any]) -> dict[str, Any]:
    slots = dict.fromkeys(instance["slots"])
    return {
        "module": "slicer",
        "extends": "QWidget" if "QWidget" in instance["super"] else "QObject",
        "properties": {name: kind for name, (kind, _) in instance["properties"].items()},
        "signals": dict.fromkeys(instance["signals"]),
        "slots": slots,
        "methods": {signature.partition("(")[0]: None for signature in slots},
        "returns": {},
        "enums": {},
        "others": dict.fromkeys(instance["dir"]),
    }


def _add_inherited(entry: dict[str, Any], whole: dict[str, Any]) -> None:
    base = whole[entry["extends"]]
    for kind in KINDS:
        entry[kind] = {**base[kind], **entry[kind]}


def _has_all_of(entry: dict[str, Any], base: dict[str, Any]) -> bool:
    return all(base[kind].keys() <= entry[kind].keys() for kind in ("properties", "signals", "methods", "enums"))


def _own(entry: dict[str, Any], base: str | None, whole: dict[str, Any]) -> dict[str, Any]:
    """Return the entry without what its base has already, and without what is empty."""
    own = {"module": entry["module"], "extends": base} if base else {"module": entry["module"]}
    named = {one.partition("(")[0] for kind in KINDS if kind != "others" for one in entry[kind]}
    named |= {value for values in entry["enums"].values() for value in values}
    for kind in KINDS:
        inherited = whole[base][kind] if base else {}
        if kind in ("properties", "returns", "enums"):
            kept: Any = {name: v for name, v in sorted(entry[kind].items()) if inherited.get(name) != v}
        else:
            kept = sorted(entry[kind].keys() - inherited.keys() - (named if kind == "others" else set()))
        if kept:
            own[kind] = kept
    return own


def _vtk_classes(recorded: dict[str, Any], used: frozenset[str]) -> dict[str, Any]:
    wanted: set[str] = set()
    for name in used & recorded.keys():
        while name in recorded and name not in wanted:
            wanted.add(name)
            name = recorded[name]["base"]
    return {
        name: {
            "base": recorded[name]["base"],
            "methods": sorted(set(recorded[name]["own"]) - OF_EVERY_VTK_CLASS),
        }
        for name in sorted(wanted)
    }


def _without_names(overload: str) -> str:
    """Turn ``setRange(int min, int max) -> void`` into ``setRange(int,int)``."""
    name, _, rest = overload.partition("(")
    inside = rest.rpartition(" -> ")[0].rpartition(")")[0]
    kinds = [" ".join(argument.split()[:-1]) or argument.strip() for argument in inside.split(",") if argument.strip()]
    return f"{name}({','.join(kinds)})"
