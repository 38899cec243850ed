"""Requirements to installed packages through Slicer's own Python, ``PythonSlicer``.

The host has no ``PythonSlicer``, so nothing is installed and `pip_install` raises as in a Slicer without one. A test
that is about installing puts a program of that name first on PATH.
"""

from __future__ import annotations

import importlib.metadata
import logging
import shlex
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import slicer
from packaging.requirements import InvalidRequirement, Requirement

Requirements = str | Requirement | Sequence[str | Requirement]


def load_requirements(path: str | Path) -> list[Requirement]:
    """Return the requirements of a requirements.txt; comments and pip's options are left out."""
    lines = (line.strip() for line in Path(path).read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line and line[0] not in "#-"]


def load_pyproject_dependencies(path: str | Path) -> list[Requirement]:
    """Return ``[project] dependencies`` of a pyproject.toml; KeyError where it has no such table."""
    project = tomllib.loads(Path(path).read_text(encoding="utf-8"))["project"]
    return [Requirement(line) for line in project.get("dependencies", [])]


def pip_check(req: Requirements) -> bool:
    """Return whether everything that applies here is installed in a version that fits."""
    return all(_is_satisfied(one) for one in _parsed(req))


def pip_ensure(
    requirements: Requirements,
    constraints: str | Path | None = None,
    skip_packages: list[str] | None = None,
    prompt_install: bool = True,
    prompt_restart: bool = True,
    requester: str | None = None,
    skip_in_testing: bool = True,
    show_progress: bool = True,
) -> list[str] | None:
    """Install what is missing, after asking; in testing mode nothing, unless ``skip_in_testing`` is false."""
    missing = [str(one) for one in _parsed(requirements) if not _is_satisfied(one)]
    if not missing:
        return None
    if skip_in_testing and slicer.app.testingEnabled():
        logging.info("Testing mode: not installing %s", ", ".join(missing))
        return None
    question = f"{len(missing)} Python packages need to be installed."
    title = f"{requester} - Install Python Packages" if requester else "Install Python Packages"
    if prompt_install and not slicer.util.confirmOkCancelDisplay(question, title, detailedText="\n".join(missing)):
        raise RuntimeError("User declined package installation")
    return pip_install(missing, constraints, skip_packages=skip_packages, requester=requester)


def pip_install(
    requirements: str | list[str],
    constraints: str | Path | None = None,
    no_deps_requirements: str | list[str] | None = None,
    skip_packages: list[str] | None = None,
    blocking: bool = True,
    show_progress: bool = True,
    requester: str | None = None,
    parent: Any = None,
    logCallback: Callable[[str], None] | None = None,
    completedCallback: Callable[[int], None] | None = None,
) -> list[str] | None:
    """Run ``PythonSlicer -m pip install``; CalledProcessError where it fails."""
    if skip_packages is not None:
        raise NotImplementedError("the test host does not know skip_packages")
    limits = ["-c", str(constraints)] if constraints else []
    if no_deps_requirements is not None:
        slicer.util.executePythonModule("pip", ["install", *limits, "--no-deps", *_arguments(no_deps_requirements)])
    arguments = ["install", *limits, *_arguments(requirements)]
    slicer.util.executePythonModule(
        "pip", arguments, blocking=blocking, logCallback=logCallback, completedCallback=completedCallback
    )
    return None


def pip_uninstall(requirements: str | list[str], **kwargs: Any) -> None:
    """Run ``PythonSlicer -m pip uninstall``; CalledProcessError where it fails."""
    slicer.util.executePythonModule("pip", ["uninstall", "--yes", *_arguments(requirements)], **kwargs)


def isPipInstallInProgress() -> bool:
    """Return whether an installation runs in the background, which the host does not track."""
    return False


def _parsed(requirements: Requirements) -> list[Requirement]:
    if isinstance(requirements, str):
        try:
            return [Requirement(requirements)]
        except InvalidRequirement:
            return [Requirement(one) for one in requirements.split()]
    several = [requirements] if isinstance(requirements, Requirement) else requirements
    return [Requirement(one) if isinstance(one, str) else one for one in several]


def _is_satisfied(requirement: Requirement) -> bool:
    if requirement.marker is not None and not requirement.marker.evaluate():
        return True
    try:
        installed = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return requirement.specifier.contains(installed, prereleases=True)


def _arguments(requirements: str | list[str]) -> list[str]:
    return shlex.split(requirements) if isinstance(requirements, str) else list(requirements)
