"""A folder on disk to the cases that a model is trained or evaluated on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from psmacore.ai.data import autopet, deep_psma, prostate_ct
from psmacore.ai.data.case import Case, CaseRef, Layout
from psmacore.errors import InputRefusedError
from psmacore.registry.manifest import Manifest, Task


@dataclass(frozen=True)
class _Loader:
    layout: Layout
    is_it: Callable[[Path], bool]
    find: Callable[[Path, Manifest], tuple[CaseRef, ...]]
    load: Callable[[CaseRef, Manifest], Case]
    tasks: frozenset[Task]
    looked_for: str


_LOADERS = {
    loader.layout: loader
    for loader in (
        _Loader(
            Layout.DEEP_PSMA,
            deep_psma.is_deep_psma,
            deep_psma.find_deep_psma_cases,
            deep_psma.load_deep_psma_case,
            deep_psma.TASKS,
            deep_psma.LOOKED_FOR,
        ),
        _Loader(
            Layout.AUTOPET,
            autopet.is_autopet,
            autopet.find_autopet_cases,
            autopet.load_autopet_case,
            autopet.TASKS,
            autopet.LOOKED_FOR,
        ),
        _Loader(
            Layout.PROSTATE_CT,
            prostate_ct.is_prostate_ct,
            prostate_ct.find_prostate_cases,
            prostate_ct.load_prostate_case,
            prostate_ct.TASKS,
            prostate_ct.LOOKED_FOR,
        ),
    )
}


def detect_layout(folder: Path) -> Layout:
    """Return the published layout of a data set, by its files.

    Raises
    ------
    InputRefusedError
        If the folder does not exist or is none; what was looked for is listed.
    """
    if not folder.is_dir():
        raise InputRefusedError(f"{folder.name!r} is not a folder")
    for loader in _LOADERS.values():
        if loader.is_it(folder):
            return loader.layout
    listed = "; ".join(loader.looked_for for loader in _LOADERS.values())
    raise InputRefusedError(f"{folder.name!r} holds no data set of a known layout. Looked for {listed}")


def find_cases(folder: Path, manifest: Manifest) -> tuple[CaseRef, ...]:
    """Return the cases of a data set that a model can be trained or evaluated on, not yet read.

    Parameters
    ----------
    folder : pathlib.Path
        The data set's root, in one of the published layouts.
    manifest : Manifest
        Task, inputs and tracers decide which cases there are: a paired model sees each DEEP-PSMA patient twice
        (D07), a PSMA model no FDG study.

    Returns
    -------
    tuple of CaseRef
        Sorted by case; never empty.

    Raises
    ------
    InputRefusedError
        If the folder is no known layout, does not serve the task, has incomplete cases, or none for the model.
    """
    loader = _LOADERS[detect_layout(folder)]
    if manifest.task not in loader.tasks:
        able = ", ".join(sorted(loader.tasks))
        raise InputRefusedError(
            f"{manifest.name} does {manifest.task}; the {loader.layout} layout serves {able}. "
            f"Layouts that serve it: {', '.join(one.layout for one in _LOADERS.values() if manifest.task in one.tasks)}"
        )
    refs = loader.find(folder, manifest)
    if not refs:
        tracers = ", ".join(manifest.validity.tracers) or "any"
        raise InputRefusedError(f"{folder.name!r} has no case for {manifest.name} (tracer: {tracers})")
    return refs


def load_case(ref: CaseRef, manifest: Manifest) -> Case:
    """Return a case's images and target on one grid, in the units of the images.

    Raises
    ------
    InputRefusedError
        If a file is missing, unreadable, or holds a voxel that is no finite number.
    GeometryError
        If grids that must agree do not.
    """
    return _LOADERS[ref.layout].load(ref, manifest)
