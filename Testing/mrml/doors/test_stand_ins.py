"""Whatever a stand-in offers, a real Slicer offers under that name."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
import qt

from Testing.host.contract import known_names, members, script_class
from Testing.host.start import Host

# What the decorator of stand-ins leaves on the class for the host.
BOOKKEEPING = frozenset({"standin_of", "standin_signals", "standin_properties", "staticMetaObject"})


def subclasses(kind: Any) -> Iterator[Any]:
    for one in kind.__subclasses__():
        yield one
        yield from subclasses(one)


def stand_ins() -> list[Any]:
    """Return every stand-in class that the started host has."""
    return [kind for kind in set(subclasses(qt.QObject)) if "standin_of" in vars(kind)]


def of_qt(kind: Any) -> bool:
    return kind.__module__.startswith(("PySide6", "Shiboken", "builtins"))


def test_every_stand_in_offers_only_what_slicer_has(running_host: Host) -> None:
    kinds = stand_ins()
    assert len(kinds) > 40
    strange = []
    for kind in kinds:
        known = members(kind.standin_of).names | BOOKKEEPING
        for one in kind.__mro__:
            if not of_qt(one):
                strange += [
                    f"{one.__module__}: {kind.standin_of} has no {name}"
                    for name in vars(one)
                    if not name.startswith("_") and name not in known
                ]
    assert sorted(set(strange)) == []


def test_a_stand_ins_properties_and_signals_are_slicers(running_host: Host) -> None:
    strange = []
    for kind in stand_ins():
        recorded = members(kind.standin_of)
        strange += [f"{kind.standin_of}.{name}" for name in kind.standin_properties if name not in recorded.properties]
        strange += [f"{kind.standin_of}.{one}" for one in kind.standin_signals if one not in recorded.signals]
    assert strange == []


@pytest.mark.parametrize("name", ["slicer", "slicer.util", "qt", "ctk"])
def test_a_module_of_slicer_has_no_name_that_the_real_one_lacks(running_host: Host, name: str) -> None:
    loaded_on_demand = {"ScriptedLoadableModule", "i18n", "packaging", "parameterNodeWrapper"}
    # The record of slicer.util holds its functions and classes.
    public = {one for one, value in vars(importlib.import_module(name)).items() if callable(value)}
    public = {one for one in public if not one.startswith("_")} - loaded_on_demand
    assert sorted(public - known_names(name)) == []


def test_the_base_classes_of_modules_have_slicers_methods(running_host: Host) -> None:
    import slicer.ScriptedLoadableModule as base

    for name in ("ScriptedLoadableModule", "ScriptedLoadableModuleWidget", "ScriptedLoadableModuleLogic"):
        public = {one for one in vars(getattr(base, name)) if not one.startswith("_")}
        assert public <= script_class(name).keys(), name
