"""Slicer's recorded API, the part in use, to names that stand-ins may offer and code may use.

``contract.json`` beside this file is a copy of what a real Slicer 5.13 answered when asked what it has. After a new
class or widget name appears in a module or a stand-in, copy it over with

    python -m Testing.host.contract --api slicer-api.json

which needs the whole record; reading the copy needs nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

CONTRACT = Path(__file__).with_name("contract.json")
COPY_COMMAND = "python -m Testing.host.contract --api slicer-api.json"


class UnknownNameError(LookupError):
    """Slicer has no such name, or its members have not been copied into the contract."""


@dataclass(frozen=True)
class Members:
    """What one wrapped class offers to Python, what it inherits included.

    Attributes
    ----------
    module : str
        ``qt``, ``ctk`` or ``slicer``; where Python finds the class.
    properties : dict
        Name to C++ type. Properties are read and assigned without a call.
    signals, slots : frozenset of str
        Signatures such as ``clicked(bool)``.
    methods : frozenset of str
        Names that are called; slots are among them.
    returns : dict
        Method to the class of what it gives back, where that is a class of Qt, Slicer or VTK.
    enums : dict
        Enumeration name to its values.
    others : frozenset of str
        Whatever else ``dir`` shows, mostly values of enumerations.
    """

    name: str
    module: str
    properties: dict[str, str]
    signals: frozenset[str]
    slots: frozenset[str]
    methods: frozenset[str]
    returns: dict[str, str]
    enums: dict[str, tuple[str, ...]]
    others: frozenset[str]

    @property
    def signal_names(self) -> frozenset[str]:
        """Names of the signals without their arguments."""
        return frozenset(signature.partition("(")[0] for signature in self.signals)

    @property
    def names(self) -> frozenset[str]:
        """Every attribute that an object or the class has."""
        values = {value for members in self.enums.values() for value in members}
        return self.methods | self.signal_names | self.others | {*self.properties, *self.enums, *values}

    def argument_counts(self, slot: str) -> frozenset[int]:
        """Return with how many arguments the slot may be called; empty where the record does not say."""
        return frozenset(_n_arguments(one) for one in self.slots if one.partition("(")[0] == slot)


def recorded() -> dict[str, str]:
    """Return which Slicer, Qt, VTK and Python answered."""
    return dict(_contract()["recorded"])


def known_names(module: str) -> frozenset[str]:
    """Return every public name of ``qt``, ``ctk``, ``slicer``, ``slicer.util``, ``slicer.modules``, ``slicer.app``."""
    if module == "slicer.app":
        return members("qSlicerApplication").names
    try:
        return frozenset(_contract()["names"][module])
    except KeyError:
        raise UnknownNameError(f"{module}: no such module in the contract") from None


def signature(function: str) -> str:
    """Return the recorded parameters of a function of ``slicer.util``, such as ``(filename, properties={})``."""
    try:
        return str(_contract()["names"]["slicer.util"][function])
    except KeyError:
        raise UnknownNameError(f"slicer.util.{function}: Slicer has no such name") from None


def script_class(name: str) -> dict[str, str]:
    """Return method to parameters of a scripted base class such as ``ScriptedLoadableModuleWidget``."""
    return dict(_contract()["script_classes"][name])


@cache
def members(class_name: str) -> Members:
    """Return what the Qt, ctk, qMRML or qSlicer class offers; raise `UnknownNameError` for a class Slicer lacks."""
    entry = _contract()["classes"].get(class_name)
    if entry is None:
        raise UnknownNameError(_why_unknown(class_name))
    own = Members(
        name=class_name,
        module=entry["module"],
        properties=dict(entry.get("properties", {})),
        signals=frozenset(entry.get("signals", ())),
        slots=frozenset(entry.get("slots", ())),
        methods=frozenset(entry.get("methods", ())),
        returns=dict(entry.get("returns", {})),
        enums={name: tuple(values) for name, values in entry.get("enums", {}).items()},
        others=frozenset(entry.get("others", ())),
    )
    return _with_inherited(own, members(entry["extends"])) if entry.get("extends") else own


def has_class(class_name: str) -> bool:
    """Whether the members of the Qt, ctk or qMRML class have been copied."""
    return class_name in _contract()["classes"]


@cache
def vtk_methods(class_name: str) -> frozenset[str]:
    """Return the methods of a MRML or Slicer logic class, inherited ones included up to VTK's own classes."""
    entry = _contract()["vtk"].get(class_name)
    if entry is None:
        if class_name in _contract()["names"]["slicer"]:
            raise UnknownNameError(f"{class_name}: its methods are not in contract.json; run {COPY_COMMAND}")
        raise UnknownNameError(f"{class_name}: Slicer has no such class")
    base = entry["base"]
    inherited = vtk_methods(base) if base in _contract()["vtk"] else frozenset()
    return inherited | frozenset(entry["methods"])


def vtk_base(class_name: str) -> str:
    """Return the first base of a MRML class that belongs to VTK itself, such as ``vtkObject``."""
    classes = _contract()["vtk"]
    while class_name in classes:
        class_name = classes[class_name]["base"]
    return class_name


def _with_inherited(own: Members, base: Members) -> Members:
    return Members(
        name=own.name,
        module=own.module,
        properties={**base.properties, **own.properties},
        signals=base.signals | own.signals,
        slots=base.slots | own.slots,
        methods=base.methods | own.methods,
        returns={**base.returns, **own.returns},
        enums={**base.enums, **own.enums},
        others=base.others | own.others,
    )


def _why_unknown(class_name: str) -> str:
    if any(class_name in known_names(module) for module in ("qt", "ctk", "slicer")):
        return f"{class_name}: its members are not in contract.json; run {COPY_COMMAND}"
    return f"{class_name}: Slicer has no such class"


def _n_arguments(signature_: str) -> int:
    inside = signature_.partition("(")[2].rpartition(")")[0]
    return inside.count(",") + 1 if inside else 0


@cache
def _contract() -> dict[str, Any]:
    return dict(json.loads(CONTRACT.read_text(encoding="utf-8")))


def main(arguments: list[str] | None = None) -> int:
    """Rewrite contract.json from the whole record and the names in use."""
    parser = argparse.ArgumentParser(prog="python -m Testing.host.contract", description=main.__doc__)
    parser.add_argument("--api", type=Path, required=True, metavar="slicer-api.json", help="the whole recorded API")
    from Testing.host.contract_copy import copied, names_in_use, written

    options = parser.parse_args(arguments)
    api = json.loads(options.api.read_text(encoding="utf-8"))
    CONTRACT.write_text(written(copied(api, names_in_use())), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
