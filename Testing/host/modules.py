"""Module files to entries of ``slicer.modules`` with panels, as Slicer's loader makes them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import slicer

from Testing.host.qt_shim import qt_class, standin

ABOUT_TO_UNLOAD = "moduleAboutToBeUnloaded(QString)"
# What a module says about itself; the loader's own part cannot be assigned.
DESCRIPTION = {
    "title": str,
    "categories": (tuple, ()),
    "dependencies": (tuple, ()),
    "contributors": (tuple, ()),
    "associatedNodeTypes": (tuple, ()),
    "helpText": str,
    "acknowledgementText": str,
    "icon": object,
    "hidden": bool,
    "index": (int, -1),
    "widgetRepresentationCreationEnabled": (bool, True),
}


class ModuleLoadError(RuntimeError):
    """A file that Slicer would not take as a module."""


class _Module(qt_class("QObject")):
    def __init__(self, name: str, logic: Any) -> None:
        super().__init__()
        self._name = name
        self._logic = logic

    @property
    def name(self) -> str:
        return self._name

    def logic(self) -> Any:
        return self._logic

    def mrmlScene(self) -> Any:
        return slicer.mrmlScene


@standin(properties={"name": str, "title": str})
class qSlicerLoadableModule(_Module):
    """A module of Slicer written in C++: here its logic alone."""

    def __init__(self, name: str, logic: Any) -> None:
        super().__init__(name, logic)
        self.title = name

    def widgetRepresentation(self) -> Any:
        raise NotImplementedError(f"the test host has no panel for Slicer's module {self._name}")

    def createNewWidgetRepresentation(self) -> Any:
        return self.widgetRepresentation()


@standin(properties={"name": str, "path": str, **DESCRIPTION})
class qSlicerScriptedLoadableModule(_Module):
    """The ``parent`` that a scripted module's class writes its description into."""

    def __init__(self, file: Path) -> None:
        super().__init__(file.stem, slicer.vtkSlicerScriptedLoadableModuleLogic())
        self._file = file
        self._instance: Any = None
        self._widget: Any = None

    @property
    def path(self) -> str:
        return str(self._file)

    def widgetRepresentation(self) -> Any:
        """Return the one panel of the module, made when it is first asked for."""
        if self._widget is None:
            self._widget = self.createNewWidgetRepresentation()
        return self._widget

    def createNewWidgetRepresentation(self) -> Any:
        """Return a further panel with its own Python object."""
        panel = qSlicerScriptedLoadableModuleWidget(self)
        panel._fill()
        return panel


@standin(properties={"isEntered": bool, "moduleName": str}, signals=("mrmlSceneChanged(vtkMRMLScene*)",))
class qSlicerScriptedLoadableModuleWidget(qt_class("QWidget")):
    """The ``parent`` that a scripted module's panel fills; hands enter and exit on to it."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        qt_class("QVBoxLayout")(self)
        self._module = module
        self._self: Any = None
        self._is_entered = False

    @property
    def moduleName(self) -> str:
        return str(self._module.name)

    @property
    def isEntered(self) -> bool:
        return self._is_entered

    def self(self) -> Any:
        return self._self

    def module(self) -> Any:
        return self._module

    def setMRMLScene(self, scene: Any) -> None:
        self.mrmlSceneChanged.emit(scene)

    def enter(self) -> None:
        self._is_entered = True
        self._call("enter")

    def exit(self) -> None:
        self._is_entered = False
        self._call("exit")

    def setEditedNode(self, node: Any, role: str = "", context: str = "") -> bool:
        return bool(self._call("setEditedNode", node, role, context))

    def nodeEditable(self, node: Any) -> float:
        return float(self._call("nodeEditable", node) or 0.0)

    def reload(self) -> None:
        """Make the panel's Python object anew from the module's file as it was read last."""
        self._fill()

    def _fill(self) -> None:
        name = self._module.name
        kind = _class_of(sys.modules[name], f"{name}Widget")
        self._self = kind(self)
        setattr(slicer.modules, f"{name}Widget", self._self)
        self._self.setup()
        self.setMRMLScene(slicer.mrmlScene)

    def _call(self, name: str, *arguments: Any) -> Any:
        method = getattr(self._self, name, None)
        return method(*arguments) if method is not None else None


@standin()
class qSlicerModuleFactoryManager(qt_class("QObject")):
    """Which modules are loaded."""

    def __init__(self, modules: dict[str, Any]) -> None:
        super().__init__()
        self._modules = modules

    def loadedModuleNames(self) -> tuple[str, ...]:
        return tuple(self._modules)

    def isLoaded(self, name: str) -> bool:
        return name in self._modules


@standin(signals=("moduleLoaded(QString)", ABOUT_TO_UNLOAD))
class qSlicerModuleManager(qt_class("QObject")):
    """The loaded modules by name."""

    def __init__(self, logics: dict[str, Any]) -> None:
        super().__init__()
        self._modules: dict[str, Any] = {}
        self._factory_manager = qSlicerModuleFactoryManager(self._modules)
        for name, logic in logics.items():
            self._keep(qSlicerLoadableModule(name, logic))

    def factoryManager(self) -> Any:
        return self._factory_manager

    def modulesNames(self) -> tuple[str, ...]:
        return tuple(self._modules)

    def module(self, name: str) -> Any:
        return self._modules.get(name)

    def _load(self, file: Path) -> Any:
        """Return the module of a file, which is read only once a process, as in Slicer."""
        if file.stem in self._modules:
            return self._modules[file.stem]
        if not file.is_file():
            raise ModuleLoadError(f"no module file {file}")
        parent = qSlicerScriptedLoadableModule(file)
        if str(file.parent) not in sys.path:
            sys.path.append(str(file.parent))
        parent._instance = _class_of(_imported(file), file.stem)(parent)
        setattr(slicer.modules, f"{file.stem}Instance", parent._instance)
        self._keep(parent)
        return parent

    def _unload(self, name: str) -> None:
        """Do what Slicer does with each module when it ends; its panel goes with it."""
        self.moduleAboutToBeUnloaded.emit(name)
        panel = getattr(self._modules[name], "_widget", None)
        if panel is not None:
            self._modules[name]._widget = None
            panel.deleteLater()

    def _keep(self, module: Any) -> None:
        self._modules[module.name] = module
        setattr(slicer.modules, module.name.lower(), module)
        self.moduleLoaded.emit(module.name)


def _imported(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise ModuleLoadError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    return module


def _class_of(module: ModuleType, name: str) -> Any:
    kind = getattr(module, name, None)
    if kind is None:
        raise ModuleLoadError(f"{module.__file__} has no class {name}")
    return kind
