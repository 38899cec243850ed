"""Frozen dataclasses to JSON records, and such records strictly back."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from psmacore.errors import ModelUnfitError

Record = TypeVar("Record")


def to_record(value: object) -> Any:
    """Return what JSON writes of a dataclass: objects by field name, enums by value, tuples as lists."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_record(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): to_record(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_record(item) for item in value]
    return value


def from_record(kind: type[Record], record: object, *, where: str) -> Record:
    """Return the dataclass that a JSON object describes.

    Parameters
    ----------
    kind : type
        A frozen dataclass of numbers, text, enums, tuples, optionals and dataclasses.
    record : object
        As ``json.loads`` gives it; fields with a default may be absent.
    where : str
        File and key, for the error's words.

    Raises
    ------
    ModelUnfitError
        If a key is unknown or missing, or a value is of the wrong type.
    """
    if not isinstance(record, Mapping):
        raise ModelUnfitError(f"{where}: an object is needed, not {record!r}")
    hints = get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(record) - set(fields))
    if unknown:
        raise ModelUnfitError(f"{where}: unknown key {', '.join(unknown)}")
    missing = [name for name, field in fields.items() if name not in record and not _has_default(field)]
    if missing:
        raise ModelUnfitError(f"{where}: missing key {', '.join(missing)}")
    values = {name: _value(hints[name], item, f"{where}: {name}") for name, item in record.items()}
    try:
        return kind(**values)
    except ValueError as error:
        raise ModelUnfitError(f"{where}: {error}") from error


def _has_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def _value(hint: Any, value: object, where: str) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _optional(hint, value, where)
    if origin is tuple:
        return _tuple(hint, value, where)
    if dataclasses.is_dataclass(hint):
        return from_record(hint, value, where=where)  # type: ignore[arg-type]
    if isinstance(hint, type) and issubclass(hint, Enum):
        try:
            return hint(value)
        except ValueError:
            raise ModelUnfitError(
                f"{where}: one of {', '.join(str(item.value) for item in hint)}, not {value!r}"
            ) from None
    return _plain(hint, value, where)


def _optional(hint: Any, value: object, where: str) -> Any:
    if value is None and type(None) in get_args(hint):
        return None
    kinds = [kind for kind in get_args(hint) if kind is not type(None)]
    return _value(kinds[0], value, where)


def _tuple(hint: Any, value: object, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise ModelUnfitError(f"{where}: a list is needed, not {value!r}")
    kinds = get_args(hint)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise ModelUnfitError(f"{where}: {len(kinds)} values are needed, not {len(value)}")
    return tuple(_value(kind, item, where) for kind, item in zip(kinds, value, strict=True))


def _plain(hint: Any, value: object, where: str) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise ModelUnfitError(f"{where}: {hint.__name__} is needed, not {value!r}")
    return value
