"""Files to nodes and nodes to files: Slicer's IO manager over the readers and storage nodes of slicer-core."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import vtk

from Testing.host.qt_shim import qt_class, standin

Properties = dict[str, Any]
# What Slicer's volume reader takes as one number.
LABEL_MAP, CENTRED, SINGLE_FILE, AUTO_WINDOW_LEVEL, DISCARD_ORIENTATION = 1, 2, 4, 8, 16
# File name ending to Slicer's name of the file type; the first that fits counts.
FILE_TYPES = (
    ((".mrb", ".mrml"), "SceneFile"),
    ((".mrk.json", ".fcsv"), "MarkupsFile"),
    ((".seg.nrrd", ".seg.nhdr", ".seg.vtm"), "SegmentationFile"),
    ((".h5", ".tfm"), "TransformFile"),
    ((".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd", ".dcm"), "VolumeFile"),
    ((".vtk", ".vtp", ".stl", ".obj", ".ply"), "ModelFile"),
    ((".tsv", ".csv"), "TableFile"),
    ((".ctbl",), "ColorTableFile"),
    ((".txt", ".json", ".xml"), "TextFile"),
)
WRITERS = (
    ("vtkMRMLSegmentationNode", "SegmentationFile"),
    ("vtkMRMLVolumeNode", "VolumeFile"),
    ("vtkMRMLMarkupsNode", "MarkupsFile"),
    ("vtkMRMLModelNode", "ModelFile"),
    ("vtkMRMLTransformNode", "TransformFile"),
    ("vtkMRMLTableNode", "TableFile"),
    ("vtkMRMLColorNode", "ColorTableFile"),
    ("vtkMRMLTextNode", "TextFile"),
    ("vtkMRMLScene", "SceneFile"),
)


class UnsupportedFileError(NotImplementedError):
    """Slicer reads or writes this, the host does not."""


@standin(signals=("newFileLoaded(qSlicerIO::IOProperties)", "fileSaved(qSlicerIO::IOProperties)"))
class qSlicerIOManager(qt_class("QObject")):
    """What `slicer.util.loadVolume`, ``saveNode``, ``loadScene`` and their like stand on."""

    def __init__(self, scene: Any, app_logic: Any, logics: dict[str, Any]) -> None:
        super().__init__()
        self._scene, self._app_logic, self._logics = scene, app_logic, logics
        self._readers: dict[str, Callable[[str, Properties, Any], Any]] = {
            "VolumeFile": self._read_volume,
            "SegmentationFile": self._read_segmentation,
            "MarkupsFile": self._read_markups,
            "ModelFile": lambda path, options, messages: logics["Models"].AddModel(path, 1, messages),
            "TransformFile": lambda path, options, messages: logics["Transforms"].AddTransform(path, scene, messages),
            "TableFile": self._read_table,
            "ColorTableFile": lambda path, options, messages: logics["Colors"].LoadColorFile(path, "", messages),
            "TextFile": self._read_text,
            "SceneFile": self._read_scene,
        }

    def fileType(self, path: str) -> str:
        """Return the type that the file's name tells; ``NoFile`` for what nothing reads."""
        name = Path(path).name.lower()
        return next((kind for endings, kind in FILE_TYPES if name.endswith(endings)), "NoFile")

    def fileWriterFileType(self, node: Any, preferred: str = "") -> str:
        """Return the type of file in which the node, or the scene, is written."""
        return next((kind for name, kind in WRITERS if node.IsA(name)), "NoFile")

    def registeredFileReaderCount(self, kind: str) -> int:
        """Return how many readers there are for the file type."""
        return int(kind in self._readers)

    def loadNodes(self, kind: str, properties: Properties, loaded: Any = None, messages: Any = None) -> bool:
        """Read ``properties["fileName"]``, one path or several, and put the nodes into ``loaded``."""
        if kind not in self._readers:
            raise UnsupportedFileError(f"the test host reads no {kind}: {properties.get('fileName')}")
        names = properties["fileName"]
        paths = [names] if isinstance(names, str) else names
        nodes = [self._load(kind, path, properties, messages) for path in paths]
        for node in nodes:
            if loaded is not None and isinstance(node, vtk.vtkObject):
                loaded.AddItem(node)
        return all(nodes)

    def loadScene(self, path: str, clear: bool = True, messages: Any = None) -> bool:
        """Read a scene in place of the present one, or beside it."""
        return self.loadNodes("SceneFile", {"fileName": path, "clear": clear}, None, messages)

    def saveNodes(self, kind: str, properties: Properties, messages: Any = None, scene: Any = None) -> bool:
        """Write the node ``properties["nodeID"]``, or the scene, to ``properties["fileName"]``."""
        path = str(properties["fileName"])
        if kind == "SceneFile":
            done = self._write_scene(path, messages)
        else:
            node = self._scene.GetNodeByID(properties["nodeID"])
            done = self._write_node(node, path, properties.get("useCompression"), messages)
        if done:
            self.fileSaved.emit({**properties, "fileType": kind})
        return done

    def saveScene(self, path: str, screenshot: Any, messages: Any = None) -> bool:
        """Write the whole scene; the host keeps no screenshot with it."""
        return self.saveNodes("SceneFile", {"fileName": path}, messages)

    def addDefaultStorageNodes(self) -> None:
        """Give every node that needs a file of its own the storage node for it."""
        for node in list(self._scene.GetNodesByClass("vtkMRMLStorableNode")):
            node.AddDefaultStorageNode()

    def createAndAddDefaultStorageNode(self, node: Any) -> None:
        """Give one node its storage node."""
        node.AddDefaultStorageNode()

    def _load(self, kind: str, path: str, properties: Properties, messages: Any) -> Any:
        if not Path(path).exists():
            _add_message(messages, f"File not found: {path}")
            return None
        loaded = self._readers[kind](str(path), properties, messages)
        if loaded:
            self.newFileLoaded.emit({**properties, "fileName": str(path), "fileType": kind})
        return loaded

    def _read_volume(self, path: str, properties: Properties, messages: Any) -> Any:
        options = sum(
            flag
            for name, flag, default in (
                ("labelmap", LABEL_MAP, False),
                ("center", CENTRED, False),
                ("singleFile", SINGLE_FILE, False),
                ("autoWindowLevel", AUTO_WINDOW_LEVEL, True),
                ("discardOrientation", DISCARD_ORIENTATION, False),
            )
            if properties.get(name, default)
        )
        files = vtk.vtkStringArray() if properties.get("fileNames") else None
        for name in properties.get("fileNames", ()):
            files.InsertNextValue(str(name))
        name = properties.get("name") or _base_name(path)
        volume = self._logics["Volumes"].AddArchetypeVolume(path, name, options, files, messages)
        if volume and properties.get("colorNodeID"):
            volume.GetDisplayNode().SetAndObserveColorNodeID(properties["colorNodeID"])
        if volume and properties.get("show", True):
            self._show(volume)
        return volume

    def _show(self, volume: Any) -> None:
        selection = self._app_logic.GetSelectionNode()
        if volume.IsA("vtkMRMLLabelMapVolumeNode"):
            selection.SetActiveLabelVolumeID(volume.GetID())
        else:
            selection.SetActiveVolumeID(volume.GetID())
        self._app_logic.PropagateVolumeSelection()

    def _read_segmentation(self, path: str, properties: Properties, messages: Any) -> Any:
        opacities = properties.get("autoOpacities", True)
        return self._logics["Segmentations"].LoadSegmentationFromFile(
            path, opacities, properties.get("name"), None, messages
        )

    def _read_markups(self, path: str, properties: Properties, messages: Any) -> Any:
        identifier = self._logics["Markups"].LoadMarkups(path, properties.get("name"), messages)
        return self._scene.GetNodeByID(identifier) if identifier else None

    def _read_table(self, path: str, properties: Properties, messages: Any) -> Any:
        return self._logics["Tables"].AddTable(path, properties.get("name"), True, "", messages)

    def _read_text(self, path: str, properties: Properties, messages: Any) -> Any:
        node = self._scene.AddNewNodeByClass("vtkMRMLTextNode", _base_name(path))
        node.SetForceCreateStorageNode(node.CreateStorageNodeAlways)
        node.AddDefaultStorageNode(path)
        if node.GetStorageNode().ReadData(node):
            return node
        _add_messages(messages, node.GetStorageNode())
        self._scene.RemoveNode(node)
        return None

    def _read_scene(self, path: str, properties: Properties, messages: Any) -> Any:
        clear = bool(properties.get("clear", False))
        if path.lower().endswith(".mrb"):
            return self._scene.ReadFromMRB(path, clear, messages)
        self._scene.SetURL(path)
        return bool(self._scene.Connect(messages) if clear else self._scene.Import(messages))

    def _write_scene(self, path: str, messages: Any) -> bool:
        if path.lower().endswith(".mrb"):
            return bool(self._scene.WriteToMRB(path, None, messages))
        if path.lower().endswith(".mrml"):
            self._scene.SetURL(path)
            return bool(self._scene.Commit(path, messages))
        Path(path).mkdir(parents=True, exist_ok=True)
        return bool(self._app_logic.SaveSceneToSlicerDataBundleDirectory(path, None, messages))

    def _write_node(self, node: Any, path: str, use_compression: bool | None, messages: Any) -> bool:
        if node is not None:
            node.AddDefaultStorageNode(path)
        # A short text, for example, lives in the scene's own file unless its node asks for one.
        storage = node.GetStorageNode() if node is not None else None
        if storage is None:
            _add_message(messages, f"No node with a file of its own for {path}")
            return False
        storage.SetFileName(path)
        if use_compression is not None:
            storage.SetUseCompression(int(use_compression))
        done = bool(storage.WriteData(node))
        _add_messages(messages, storage)
        return done


def _base_name(path: str) -> str:
    name = Path(path).name
    endings: Iterable[str] = (ending for endings, _ in FILE_TYPES for ending in endings)
    longest = max((ending for ending in endings if name.lower().endswith(ending)), key=len, default="")
    return name[: len(name) - len(longest)] or name


def _add_message(messages: Any, text: str) -> None:
    if messages is not None:
        messages.AddMessage(vtk.vtkCommand.ErrorEvent, text)


def _add_messages(messages: Any, storage: Any) -> None:
    if messages is not None:
        messages.AddMessages(storage.GetUserMessages())
