"""What the extension installs into Slicer is what the checkout holds: no more, no less, and at versions that agree."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from Testing.architecture.module_source import DOORS, ROOT
from Testing.conftest import skip_or_fail

MODULES_FOLDER = "lib/Slicer/qt-scripted-modules"
# What a real Slicer's CMake files define, as far as ours call it; the lists that ours hand over are installed as given.
STAND_IN = """
set(Slicer_QTSCRIPTEDMODULES_LIB_DIR "@folder@")
set(Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR "@folder@")
set(Slicer_USE_FILE ${CMAKE_CURRENT_LIST_DIR}/Use.cmake)
set(Slicer_EXTENSION_GENERATE_CONFIG ${CMAKE_CURRENT_LIST_DIR}/Nothing.cmake)
set(Slicer_EXTENSION_CPACK ${CMAKE_CURRENT_LIST_DIR}/Nothing.cmake)
set(BUILD_TESTING ON)
"""
USE_FILE = """
function(ctkMacroCompilePythonScript)
  set(single TARGET_NAME SOURCE_DIR DESTINATION_DIR INSTALL_DIR)
  cmake_parse_arguments(MY "NO_INSTALL_SUBDIR" "${single}" "SCRIPTS;RESOURCES" ${ARGN})
  if(MY_UNPARSED_ARGUMENTS OR NOT MY_TARGET_NAME OR NOT MY_NO_INSTALL_SUBDIR)
    message(FATAL_ERROR "not as Slicer's macro is called: ${ARGN}")
  endif()
  if(NOT MY_SOURCE_DIR)
    set(MY_SOURCE_DIR ${CMAKE_CURRENT_SOURCE_DIR})
  endif()
  foreach(file ${MY_SCRIPTS} ${MY_RESOURCES})
    if(IS_ABSOLUTE ${file} OR NOT EXISTS ${MY_SOURCE_DIR}/${file})
      message(FATAL_ERROR "nonexistent file '${file}'")
    endif()
    get_filename_component(subfolder ${file} DIRECTORY)
    install(FILES ${MY_SOURCE_DIR}/${file} DESTINATION ${MY_INSTALL_DIR}/${subfolder})
  endforeach()
endfunction()
macro(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(MODULE "WITH_GENERIC_TESTS" "NAME" "SCRIPTS;RESOURCES" ${ARGN})
  if(MODULE_UNPARSED_ARGUMENTS OR NOT MODULE_NAME)
    message(FATAL_ERROR "not as Slicer's macro is called: ${ARGN}")
  endif()
  ctkMacroCompilePythonScript(TARGET_NAME ${MODULE_NAME} SCRIPTS "${MODULE_SCRIPTS}" RESOURCES "${MODULE_RESOURCES}"
    DESTINATION_DIR ${CMAKE_BINARY_DIR}/${Slicer_QTSCRIPTEDMODULES_LIB_DIR}
    INSTALL_DIR ${Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR} NO_INSTALL_SUBDIR)
endmacro()
function(slicer_add_python_unittest)
  cmake_parse_arguments(MY "" "SCRIPT" "" ${ARGN})
  if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${MY_SCRIPT})
    message(FATAL_ERROR "no test script '${MY_SCRIPT}'")
  endif()
endfunction()
"""
# No compiler is needed for Python modules, and looking for one takes longest.
NO_COMPILER = [
    f"-DCMAKE_{language}_COMPILER{suffix}={value}"
    for language in ("C", "CXX")
    for suffix, value in (("", sys.executable), ("_FORCED", "1"), ("_WORKS", "1"), ("_ID_RUN", "1"))
]


@pytest.fixture(scope="module")
def installed_extension(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of scripted modules that CMake fills from the checkout."""
    cmake = shutil.which("cmake")
    if cmake is None:
        skip_or_fail("cmake", "CMake is not installed (Debian package cmake)")
    folder = tmp_path_factory.mktemp("extension")
    slicer = folder / "slicer"
    slicer.mkdir()
    (slicer / "SlicerConfig.cmake").write_text(STAND_IN.replace("@folder@", MODULES_FOLDER))
    (slicer / "Use.cmake").write_text(USE_FILE)
    (slicer / "Nothing.cmake").write_text("")
    build = folder / "build"
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    for command in (
        [cmake, "-S", str(ROOT), "-B", str(build), f"-DSlicer_DIR={slicer}", *generator, *NO_COMPILER],
        [cmake, "--install", str(build), "--prefix", str(folder / "prefix")],
    ):
        outcome = subprocess.run(command, capture_output=True, text=True, check=False)
        assert outcome.returncode == 0, outcome.stderr
    return folder / "prefix" / MODULES_FOLDER


def test_every_package_file_and_module_resource_is_installed_and_nothing_else(installed_extension: Path) -> None:
    installed = {
        str(path.relative_to(installed_extension)) for path in installed_extension.rglob("*") if path.is_file()
    }
    assert installed == wanted_files()


def wanted_files() -> set[str]:
    """Return what belongs into Slicer, by its path there."""
    found: set[Path] = set()
    for package in (
        "PSMATheranostics/psmacore",
        "PSMATheranostics/PSMATheranosticsLib",
        "PSMALongitudinal/PSMALongitudinalLib",
        "web_bridge",
    ):
        files = (path for path in (ROOT / package).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        found |= {path.relative_to((ROOT / package).parent) for path in files}
    for door in DOORS:
        folder = (ROOT / door).parent
        found |= {Path(door).relative_to(folder.name)}
        found |= {path.relative_to(folder) for path in (folder / "Resources").rglob("*") if path.is_file()}
    models = (path for path in (ROOT / "Resources" / "Models").rglob("*") if path.is_file())
    found |= {path.relative_to(ROOT) for path in [*models, ROOT / "Resources" / "requirements.txt"]}
    return {str(path) for path in found}


def test_the_installed_packages_find_each_other(installed_extension: Path) -> None:
    script = (
        "import psmacore, PSMATheranosticsLib.worker_python as worker; "
        "from psmacore.registry.catalog import shipped_models_folder; "
        "print(worker.core_folder()); print(shipped_models_folder())"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", script],
        cwd=installed_extension.parent,
        env={"PYTHONPATH": str(installed_extension), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.stdout.split() == [str(installed_extension), str(installed_extension / "Resources" / "Models")]


def test_each_module_has_its_panel_and_its_icon() -> None:
    for door in DOORS:
        folder, name = (ROOT / door).parent, Path(door).stem
        assert (folder / "Resources" / "UI" / f"{name}.ui").is_file()
        assert (folder / "Resources" / "Icons" / f"{name}.png").is_file()


def test_the_extension_description_is_an_entry_of_the_extensions_index() -> None:
    """As the catalog entry schema 1.0.1 of Slicer 5.8 and newer says."""
    entry = json.loads((ROOT / "PSMATheranostics.json").read_text())
    kinds = {
        "$schema": str,
        "category": str,
        "scm_url": str,
        "scm_revision": str,
        "scm_type": str,
        "build_dependencies": list,
        "build_subdirectory": str,
        "enabled": bool,
        "tier": int,
    }
    assert entry.keys() <= kinds.keys()
    assert {"$schema", "category", "scm_url"} <= entry.keys()
    assert all(isinstance(value, kinds[key]) for key, value in entry.items())
    assert entry["scm_type"] in ("git", "local")
    assert entry["tier"] in (1, 3, 5)
    assert "project(PSMATheranostics)" in (ROOT / "CMakeLists.txt").read_text()


def test_the_modules_are_in_the_category_of_the_extension() -> None:
    category = json.loads((ROOT / "PSMATheranostics.json").read_text())["category"]
    for door in DOORS:
        assert f'"{category}"' in (ROOT / door).read_text()


def requirements(path: Path) -> dict[str, tuple[str, str]]:
    """Return package to comparison and version."""
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    found = [re.fullmatch(r"([\w.-]+)(==|>=)([\w.]+)", line) for line in lines if line]
    assert all(found), f"{path.name}: a line is neither name==version nor name>=version"
    return {match[1].lower(): (match[2], match[3]) for match in found if match}


def test_what_slicer_gets_agrees_with_what_everybody_gets() -> None:
    everybody = requirements(ROOT / "requirements.txt")
    for name, (comparison, version) in requirements(ROOT / "Resources" / "requirements.txt").items():
        ours = everybody[name][1]
        if comparison == "==":
            assert version == ours, name
        else:
            assert numbers(version) <= numbers(ours), name


def numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]


def test_slicer_gets_every_package_that_the_core_imports() -> None:
    of_module = packages_distributions()
    wanted = {
        name.lower()
        for module in third_party_modules(
            ROOT / "PSMATheranostics" / "psmacore", ROOT / "PSMATheranostics" / "PSMATheranosticsLib"
        )
        for name in of_module.get(module, [module])
    }
    assert wanted == requirements(ROOT / "Resources" / "requirements.txt").keys()


def third_party_modules(*packages: Path) -> set[str]:
    """Return the outside modules that the packages import, their AI rooms left out."""
    found: set[str] = set()
    for file in (path for package in packages for path in package.rglob("*.py")):
        if file.parent.name == "worker" or "ai" in file.relative_to(ROOT).parts:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add((node.module or "").partition(".")[0])
    ours = {"psmacore", "PSMATheranosticsLib", "slicer", "qt", "ctk", "vtk", "torch"}
    return found - ours - sys.stdlib_module_names
