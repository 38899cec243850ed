"""Weights in several files to one list of their checksums, and back to the assurance that none was altered."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from psmacore.errors import ModelMissingError, ModelUnfitError

LIST_FILE = "weights.sha256"
"""A line for each file: 64 hexadecimal digits, two spaces, path; ``sha256sum --check`` reads it."""

_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")
_CHUNK_BYTES = 1 << 20


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256, 64 hexadecimal digits; read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(_CHUNK_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def write_list(folder: Path, paths: Iterable[Path]) -> str:
    """Write the list of files of a model's folder; return the list's own SHA-256, which stands for all of them."""
    names = sorted(path.relative_to(folder).as_posix() for path in paths)
    text = "".join(f"{sha256_of(folder / name)}  {name}\n" for name in names)
    (folder / LIST_FILE).write_text(text, encoding="utf-8", newline="\n")
    return hashlib.sha256(text.encode()).hexdigest()


def read_list(path: Path) -> Mapping[str, str]:
    """Return the checksum of each file by its path within the folder.

    Raises
    ------
    ModelUnfitError
        If the file is no such list, names nothing, or a path leads out of the folder.
    """
    digests: dict[str, str] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelUnfitError(f"{path} cannot be read: {error}") from error
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            raise ModelUnfitError(f"{path}: {line!r} is no checksum and path")
        name = PurePosixPath(match[2])
        if name.is_absolute() or ".." in name.parts:
            raise ModelUnfitError(f"{path}: {match[2]!r} leads out of the model's folder")
        digests[match[2]] = match[1]
    if not digests:
        raise ModelUnfitError(f"{path} names no file")
    return digests


def check_listed(path: Path) -> None:
    """Check that every file of a list is there, inside the folder, and unaltered.

    Raises
    ------
    ModelMissingError
        If one is absent.
    ModelUnfitError
        If one was altered, or is a link that leads out of the folder.
    """
    for name, digest in read_list(path).items():
        check_one(path.parent, name, digest, sha256_of(place_of(path.parent, name)))


def place_of(folder: Path, name: str) -> Path:
    """Return where a listed file lies; raise where it is absent or a link that leads out of the folder."""
    path = folder / name
    if not path.is_file():
        raise ModelMissingError(f"{path} is missing, though {LIST_FILE} lists it")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ModelUnfitError(f"{path} leads out of the model's folder, to {path.resolve()}")
    return path


def check_one(folder: Path, name: str, expected: str, met: str) -> None:
    """Raise :class:`ModelUnfitError` where a listed file's checksum is another one."""
    if met != expected:
        raise ModelUnfitError(f"{folder / name} was altered: sha256 {met}, but {LIST_FILE} names {expected}")
