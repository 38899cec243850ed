"""A model folder's ``manifest.json`` (schema ``psma-model/1``) to a checked record, and back."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from psmacore.errors import ModelMissingError, ModelUnfitError
from psmacore.registry.checks import check_manifest
from psmacore.registry.manifest import (
    Activation,
    Architecture,
    ChannelName,
    Cost,
    Grid,
    InputChannel,
    Manifest,
    Metric,
    Normalisation,
    OutputClass,
    Setting,
    Task,
    Training,
    Validity,
)

MANIFEST_FILE = "manifest.json"
SCHEMA_NAME = "psma-model/1"
SCHEMA_FILE = Path(__file__).with_name("psma-model-1.schema.json")


def read_manifest(folder: Path) -> Manifest:
    """Return what a model folder's ``manifest.json`` says.

    Only the manifest is read: whether weights lie beside it and are unaltered is
    :func:`psmacore.registry.verify.verify`'s question.

    Raises
    ------
    ModelMissingError
        If the folder holds no manifest.
    ModelUnfitError
        If the file is not JSON, a key is unknown or missing, or a value cannot be; the message names the
        file, the place and the value met.
    """
    path = folder / MANIFEST_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ModelMissingError(f"{folder} is no model folder: it holds no {MANIFEST_FILE}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ModelUnfitError(f"{path} cannot be read: {error}") from error
    try:
        return manifest_from_json(text)
    except ModelUnfitError as error:
        raise ModelUnfitError(f"{path}: {error}") from error


def write_manifest(manifest: Manifest, folder: Path) -> Path:
    """Write ``manifest.json`` into a model folder, aside first and then renamed; return its path.

    Raises
    ------
    ModelUnfitError
        If the manifest does not hold together; nothing is written then.
    """
    text = manifest_to_json(manifest)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / MANIFEST_FILE
    aside = folder / f".{os.getpid()}_{MANIFEST_FILE}"
    try:
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return path


def manifest_from_json(text: str) -> Manifest:
    """Return the manifest that a JSON text describes.

    Raises
    ------
    ModelUnfitError
        As :func:`read_manifest`, without the file's name.
    """
    try:
        record = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ModelUnfitError(f"is not JSON: {error}") from error
    _check_schema(record)
    manifest = _manifest(record)
    check_manifest(manifest)
    return manifest


def manifest_to_json(manifest: Manifest) -> str:
    """Return the JSON text of a manifest, keys in the record's own order.

    Raises
    ------
    ModelUnfitError
        If the manifest does not hold together.
    """
    check_manifest(manifest)
    record = {"schema": SCHEMA_NAME, **_plain(manifest)}
    _check_schema(record)
    return json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


@cache
def _validator() -> Any:
    return jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))


def _check_schema(record: object) -> None:
    if isinstance(record, dict) and record.get("schema") != SCHEMA_NAME:
        raise ModelUnfitError(f"schema: {SCHEMA_NAME!r} is needed, not {record.get('schema')!r}")
    error = jsonschema.exceptions.best_match(_validator().iter_errors(record))
    if error is not None:
        place = "/".join(map(str, error.absolute_path))
        raise ModelUnfitError(f"{place}: {error.message}" if place else error.message)


def _manifest(record: Mapping[str, Any]) -> Manifest:
    """Return the manifest of a record that fits the schema."""
    values = {key: value for key, value in record.items() if key != "schema"}
    values["task"] = Task(record["task"])
    values["architecture"] = Architecture(
        record["architecture"]["kind"], _settings(record["architecture"]["parameters"])
    )
    values["inputs"] = tuple(_channel(one) for one in record["inputs"])
    values["grid"] = Grid(**{key: _tuple(value) for key, value in record["grid"].items()})
    values["outputs"] = tuple(OutputClass(**one) for one in record["outputs"])
    values["activation"] = Activation(record["activation"])
    values["validity"] = Validity(**{key: _tuple(value) for key, value in record["validity"].items()})
    values["training"] = None if record["training"] is None else Training(**record["training"])
    values["metrics"] = tuple(Metric(**one) for one in record["metrics"])
    values["costs"] = tuple(Cost(**one) for one in record["costs"])
    return Manifest(**values)


def _channel(record: Mapping[str, Any]) -> InputChannel:
    parameters = {key: float(value) for key, value in record["parameters"].items()}
    return InputChannel(
        ChannelName(record["name"]),
        record["unit"],
        Normalisation(record["normalisation"]),
        parameters,
    )


def _settings(record: Mapping[str, Any]) -> Mapping[str, Setting]:
    return {key: _tuple(value) for key, value in record.items()}


def _tuple(value: Any) -> Any:
    """Return a JSON value with tuples in place of its lists."""
    return tuple(_tuple(one) for one in value) if isinstance(value, list) else value


def _plain(value: object) -> Any:
    """Return a record as JSON holds it."""
    if isinstance(value, StrEnum):
        return str(value)
    if hasattr(value, "__dataclass_fields__"):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}  # type: ignore[arg-type]
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in value]
    return value
