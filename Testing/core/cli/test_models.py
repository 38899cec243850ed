"""``psma models``: a real process over models that ship and models of the hospital."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from psmacore.registry.catalog import shipped_models_folder
from Testing.core.cli.psma_process import Outcome, Running


def psma_models(folder: Path, *arguments: str) -> Outcome:
    return Running(("models", *arguments), {"PSMA_MODELS": str(folder)}).outcome()


@pytest.fixture
def own_models(tmp_path: Path) -> Path:
    """One recipe of the hospital's own, a copy of one that ships."""
    folder = tmp_path / "models" / "deep-psma"
    shutil.copytree(shipped_models_folder() / "deep-psma", folder)
    return folder.parent


def test_list_gives_the_agreed_fields(own_models: Path) -> None:
    outcome = psma_models(own_models, "list", "--json")
    assert outcome.code == 0, outcome.err
    models = {model["name"]: model for model in outcome.json["models"]}
    assert {"name", "task", "tracer", "weights_sha256", "licence"} <= set(models["lesion-unet-psma"])
    assert models["lesion-unet-psma"]["task"] == "lesion_segmentation"
    assert models["lesion-unet-psma"]["tracer"] == "psma"
    assert models["lesion-unet-psma"]["weights_sha256"] is None
    assert models["organ-unet"]["tracer"] is None
    assert models["deep-psma"]["folder"] == str(own_models / "deep-psma")


def test_list_for_people_says_what_has_no_weights(own_models: Path) -> None:
    outcome = psma_models(own_models, "list")
    (line,) = [line for line in outcome.out.splitlines() if line.startswith("lesion-unet-psma ")]
    assert line.split() == ["lesion-unet-psma", "lesion_segmentation", "psma", "recipe,", "no", "weights"]


def test_show_gives_the_card_or_the_manifest(own_models: Path) -> None:
    assert "# deep-psma" in psma_models(own_models, "show", "deep-psma").out
    shown = psma_models(own_models, "show", "deep-psma", "--json").json
    assert shown["schema"] == "psma-model/1"
    (own_models / "deep-psma" / "MODEL_CARD.md").unlink()
    assert '"psma-model/1"' in psma_models(own_models, "show", "deep-psma").out


def test_show_of_an_unknown_model_ends_with_5(own_models: Path) -> None:
    outcome = psma_models(own_models, "show", "no-such-model")
    assert outcome.code == 5
    assert "no model is named 'no-such-model'; there are: " in outcome.err


def test_verify_passes_what_ships(own_models: Path) -> None:
    outcome = psma_models(own_models, "verify", "--json")
    assert outcome.code == 0, outcome.err
    assert {model["fault"] for model in outcome.json["models"]} == {None}


def test_verify_finds_weights_that_nobody_named_and_ends_with_5(own_models: Path) -> None:
    (own_models / "deep-psma" / "weights.safetensors").write_bytes(b"from somewhere")
    outcome = psma_models(own_models, "verify", "deep-psma", "organ-unet", "--json")
    assert outcome.code == 5
    faults = {model["name"]: model["fault"] for model in outcome.json["models"]}
    assert "the manifest names no weights" in faults["deep-psma"]
    assert faults["organ-unet"] is None


def test_a_broken_manifest_is_told_by_list_and_fails_verify(own_models: Path) -> None:
    (own_models / "deep-psma" / "manifest.json").write_text("{")
    listed = psma_models(own_models, "list")
    assert listed.code == 0
    assert "deep-psma is left out: " in listed.err
    assert "deep-psma " not in listed.out
    verified = psma_models(own_models, "verify")
    assert verified.code == 5
    assert "is not JSON" in verified.out


def test_no_action_is_a_usage_error(own_models: Path) -> None:
    assert psma_models(own_models).code == 2
