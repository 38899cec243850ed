"""What is written is read back, and what cannot be is refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from psmacore.errors import ModelMissingError, ModelUnfitError
from psmacore.registry.manifest import (
    Activation,
    Architecture,
    ChannelName,
    Cost,
    InputChannel,
    Manifest,
    Metric,
    Normalisation,
    Training,
)
from psmacore.registry.read import SCHEMA_FILE, manifest_from_json, manifest_to_json, read_manifest, write_manifest


@pytest.fixture
def a_full_manifest(a_manifest: Manifest) -> Manifest:
    """Every field filled, with values that no default has."""
    return replace(
        a_manifest,
        architecture=Architecture(
            "dynunet", {"strides": (1, (2, 1, 1)), "is_residual": True, "norm": "instance", "slope": 0.01, "n": 3}
        ),
        training=Training("simulated patients", "Apache-2.0", True, "1.2", "cd" * 32),
        weights_sha256="ab" * 32,
        operating_point=0.4,
        metrics=(Metric("DSC, mean", 0.81, "1", "20 simulated patients"),),
        costs=(Cost("CPU, 2 threads", 61.5, 2048.0, "psma analyse"),),
    )


def test_a_manifest_survives_being_written_and_read(a_full_manifest: Manifest, tmp_path: Path) -> None:
    write_manifest(a_full_manifest, tmp_path / "model")
    assert read_manifest(tmp_path / "model") == a_full_manifest
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["manifest.json"]


def test_settings_keep_their_kinds(a_full_manifest: Manifest) -> None:
    settings = manifest_from_json(manifest_to_json(a_full_manifest)).architecture.parameters
    assert settings["strides"] == (1, (2, 1, 1))
    assert settings["is_residual"] is True
    assert type(settings["n"]) is int
    assert type(settings["slope"]) is float


def test_the_schema_is_a_schema_and_knows_every_field() -> None:
    import dataclasses

    import jsonschema

    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    fields = {one.name for one in dataclasses.fields(Manifest)}
    assert set(schema["properties"]) == {"schema", *fields} == set(schema["required"])


def test_a_folder_without_a_manifest_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match=r"holds no manifest\.json"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '"model"', '{"a": NaN}', "[" * 100_000, "\ufeff{}"])
def test_a_file_that_is_no_manifest_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(ModelUnfitError, match=r"manifest\.json"):
        read_manifest(tmp_path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(b"\x80\x04\x95")
    with pytest.raises(ModelUnfitError, match="cannot be read"):
        read_manifest(tmp_path)


def _drop(key: str) -> Callable[[dict[str, Any]], object]:
    return lambda record: record.pop(key)


def _put(place: str, value: object) -> Callable[[dict[str, Any]], object]:
    def change(record: dict[str, Any]) -> None:
        *path, last = place.split("/")
        here: Any = record
        for part in path:
            here = here[int(part) if part.isdigit() else part]
        here[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (_drop("version"), "'version' is a required property"),
        (_put("colour", "blue"), "'colour' was unexpected"),
        (_put("grid/colour", "blue"), "grid: .*'colour' was unexpected"),
        (_put("schema", "psma-model/2"), "schema: 'psma-model/1' is needed, not 'psma-model/2'"),
        (_put("task", "guessing"), "task: 'guessing' is not one of"),
        (_put("inputs/0/name", "mri"), "inputs/0/name: 'mri' is not one of"),
        (_put("inputs/0/unit", "HU"), "inputs/pet/unit: 'g/ml' is needed, not 'HU'"),
        (_put("inputs/1/name", "pet"), "named twice"),
        (_put("inputs/0/parameters", {"low": 0.0}), "inputs/pet/parameters: clip_min_max needs high, low, not low"),
        (_put("inputs/0/parameters", {"low": 3.0, "high": 3.0}), "low 3 must lie below high 3"),
        (_put("inputs/1/normalisation", "threshold"), "clip|threshold needs none"),
        (_put("inputs", []), "inputs: "),
        (_put("outputs/0/label", 2), "softmax needs the background, label 0, first"),
        (_put("outputs/1/label", 0), "outputs: 0 is named twice"),
        (_put("outputs/1/label", -1), "outputs/1/label"),
        (_put("activation", "sigmoid"), "sigmoid has no background"),
        (_put("grid/patch", [32, 128]), "grid/patch"),
        (_put("grid/patch", [0, 128, 128]), "grid/patch"),
        (_put("grid/overlap", 1.0), "grid/overlap"),
        (_put("grid/spacing_kji_mm", [2.0, 0.0, 1.5]), "grid/spacing_kji_mm"),
        (_put("validity/tracers", []), "must name the tracers"),
        (_put("weights_sha256", "1234"), "weights_sha256"),
        (_put("weights_sha256", "ab" * 32), "training: a model with weights must say what it was trained on"),
        (_put("operating_point", 1.5), "operating_point"),
        (_put("name", "../other"), "name: .*not '../other'"),
        (_put("name", "a/b"), "name: "),
        (_put("name", ".hidden"), "name: "),
        (_put("task", "study_classification"), "is_thresholded|one sigmoid output"),
        (_put("task", "paired_lesion_segmentation"), "paired_lesion_segmentation needs fdg_pet, psma_pet, not ct, pet"),
        (_put("metrics", [{"name": "DSC", "value": "good", "unit": "1", "data": "x"}]), "metrics/0/value"),
    ],
)
def test_a_manifest_that_does_not_hold_together_is_refused_by_name(
    change: Callable[[dict[str, Any]], object], named: str, a_manifest: Manifest
) -> None:
    record = json.loads(manifest_to_json(a_manifest))
    change(record)
    with pytest.raises(ModelUnfitError, match=named):
        manifest_from_json(json.dumps(record))


def test_spacing_and_size_exclude_each_other(a_manifest: Manifest) -> None:
    record = json.loads(manifest_to_json(a_manifest))
    record["grid"] |= {"spacing_kji_mm": [2, 2, 2], "resize_to": [8, 8, 8]}
    with pytest.raises(ModelUnfitError, match="exclude each other"):
        manifest_from_json(json.dumps(record))


def test_a_z_score_may_wait_for_its_constants_only_until_the_model_is_trained(a_manifest: Manifest) -> None:
    """W72: the constants are the training data's."""
    waiting = InputChannel(ChannelName.PET, "g/ml", Normalisation.Z_SCORE)
    recipe = replace(a_manifest, inputs=(waiting,))
    assert manifest_from_json(manifest_to_json(recipe)) == recipe
    trained = replace(recipe, weights_sha256="ab" * 32, training=Training("patients", "CC BY 4.0", False))
    with pytest.raises(ModelUnfitError, match="z_score needs mean, sd, not none"):
        manifest_to_json(trained)


def test_a_manifest_that_does_not_hold_together_is_not_written(a_manifest: Manifest, tmp_path: Path) -> None:
    with pytest.raises(ModelUnfitError, match="sigmoid"):
        write_manifest(replace(a_manifest, activation=Activation.SIGMOID), tmp_path / "model")
    assert not (tmp_path / "model").exists()
