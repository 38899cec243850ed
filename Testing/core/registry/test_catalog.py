"""Models are found by name and chosen by what they may be used for."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from psmacore.errors import ModelMissingError, ModelUnfitError
from psmacore.jobs.folder import PARTIAL
from psmacore.registry.catalog import (
    broken_models,
    choose_model,
    find_model,
    list_models,
    open_model,
    serves_tracer,
    shipped_models_folder,
    user_models_folder,
)
from psmacore.registry.manifest import Validity
from Testing.core.registry.conftest import SIMULATED, WriteModel


def names() -> list[str]:
    return [model.manifest.name for model in list_models()]


def test_models_that_ship_and_the_hospitals_are_listed_by_name(write_model: WriteModel) -> None:
    write_model("own")
    listed = names()
    assert listed == sorted(listed)
    assert {"own", "deep-psma", "organ-unet"} <= set(listed)


def test_the_hospitals_model_wins_on_equal_names(write_model: WriteModel, models_folder: Path) -> None:
    write_model("deep-psma", version="9.0.0")
    assert find_model("deep-psma").folder == models_folder / "deep-psma"
    assert names().count("deep-psma") == 1


def test_no_folder_of_ones_own_is_no_error(models_folder: Path) -> None:
    assert not models_folder.exists()
    assert "deep-psma" in names()


def test_without_psma_models_the_users_data_folder_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PSMA_MODELS", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert user_models_folder() == tmp_path / "psma" / "models"


def test_an_unknown_name_tells_the_known_ones(models_folder: Path) -> None:
    with pytest.raises(ModelMissingError, match=r"'lesion-net'; there are: deep-psma, .*organ-unet") as error:
        find_model("lesion-net")
    assert str(models_folder) in str(error.value)
    assert error.value.exit_code == 5


def test_a_model_whose_folder_has_another_name_is_left_out_and_told(
    write_model: WriteModel, models_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = write_model("own")
    shutil.copytree(model.folder, models_folder / "copy")
    with caplog.at_level(logging.WARNING):
        assert "copy" not in names()
    assert "names the model 'own', but its folder is 'copy'" in caplog.text
    with pytest.raises(ModelUnfitError, match="its folder is 'copy'"):
        find_model("copy")


def test_the_result_of_a_training_is_opened_whatever_its_folder_is_called(
    write_model: WriteModel, tmp_path: Path
) -> None:
    shutil.copytree(write_model("own").folder, tmp_path / "run-1")
    model = open_model(tmp_path / "run-1")
    assert model.manifest.name == "own"
    assert model.has_weights


def test_a_broken_model_hides_the_shipped_one_that_it_was_to_replace(models_folder: Path) -> None:
    (models_folder / "deep-psma").mkdir(parents=True)
    (models_folder / "deep-psma" / "manifest.json").write_text("{")
    assert "deep-psma" not in names()
    assert [broken.name for broken in broken_models()] == ["deep-psma"]
    with pytest.raises(ModelUnfitError, match="is not JSON"):
        find_model("deep-psma")


def test_files_and_unfinished_trainings_beside_the_models_are_no_models(
    write_model: WriteModel, models_folder: Path
) -> None:
    write_model("own")
    (models_folder / "README.txt").write_text("models of this hospital")
    (models_folder / "empty").mkdir()
    shutil.copytree(models_folder / "own", models_folder / f"own{PARTIAL}0123")
    assert not broken_models()


def test_weights_trained_on_patients_go_before_simulation(write_model: WriteModel) -> None:
    write_model("a-simulated", training=SIMULATED, version="9.0.0")
    clinical = write_model("b-clinical")
    assert choose_model("lesion-unet", "psma", allow_simulation=True) == clinical


def test_a_higher_version_goes_before_a_lower_one(write_model: WriteModel) -> None:
    write_model("nine", version="1.9.0")
    ten = write_model("another", version="1.10.0")
    assert choose_model("lesion-unet", "psma", allow_simulation=False) == ten


def test_simulation_is_taken_only_where_it_is_allowed(write_model: WriteModel) -> None:
    family = {"family": "own-family"}
    simulated = write_model("simulated", training=SIMULATED, **family)
    assert choose_model("own-family", "psma", allow_simulation=True) == simulated
    with pytest.raises(ModelMissingError, match="--allow-simulation-weights"):
        choose_model("own-family", "psma", allow_simulation=False)


def test_weights_for_one_tracer_are_not_taken_for_another(write_model: WriteModel) -> None:
    """W87."""
    write_model("fdg-only", family="own-family", validity=Validity(tracers=("fdg",)))
    with pytest.raises(ModelMissingError, match="for the tracer 'psma', only for: fdg"):
        choose_model("own-family", "psma", allow_simulation=True)


@pytest.mark.parametrize("with_digest", [True, False])
def test_a_model_without_weights_is_not_chosen(with_digest: bool, write_model: WriteModel) -> None:
    model = write_model("own", weights=b"weights" if with_digest else None, family="own-family")
    model.weights_path.unlink(missing_ok=True)
    with pytest.raises(ModelMissingError, match="psma train own --data DIR"):
        choose_model("own-family", "psma", allow_simulation=True)


def test_an_unknown_family_tells_the_known_ones(models_folder: Path) -> None:
    with pytest.raises(ModelMissingError, match=r"'lesions'; there are: .*lesion-unet"):
        choose_model("lesions", "psma", allow_simulation=True)


@pytest.mark.parametrize(
    ("valid_for", "tracer", "expected"),
    [
        (("psma",), "psma", True),
        (("psma",), "18f-psma-1007", True),
        (("psma",), "fdg", False),
        (("18f-psma-1007",), "18f-psma-1007", True),
        (("18f-psma-1007",), "68ga-psma-11", False),
        (("18f-psma-1007",), "psma", False),
        (("psma", "fdg"), "18f-fdg", True),
        ((), "fdg", True),
        (("fdg",), None, True),
    ],
)
def test_a_group_of_tracers_covers_its_members(
    valid_for: tuple[str, ...], tracer: str | None, expected: bool, write_model: WriteModel
) -> None:
    model = write_model("own", weights=None)
    manifest = model.manifest
    object.__setattr__(manifest, "validity", Validity(tracers=valid_for))
    assert serves_tracer(manifest, tracer) is expected


def test_an_installed_extension_finds_its_models_beside_the_packages(tmp_path: Path) -> None:
    """As CMakeLists.txt installs them: psmacore and Resources/Models in one folder."""
    root = Path(__file__).resolve().parents[3]
    shutil.copytree(root / "PSMATheranostics" / "psmacore", tmp_path / "lib" / "psmacore")
    shutil.copytree(shipped_models_folder(), tmp_path / "lib" / "Resources" / "Models")
    script = "from psmacore.registry.catalog import list_models; print(*{m.folder.parent for m in list_models()})"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(tmp_path / "lib"), "PSMA_MODELS": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(done.stdout.strip()) == tmp_path / "lib" / "Resources" / "Models"


def test_the_registry_imports_no_torch() -> None:
    script = (
        "import sys, psmacore.registry.catalog as c, psmacore.registry.verify, psmacore.registry.reduce;"
        "c.list_models(); print(sorted({'torch', 'monai'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], env=_paths(), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _paths() -> dict[str, str]:
    root = Path(__file__).resolve().parents[3]
    return {"PYTHONPATH": str(root / "PSMATheranostics")}
