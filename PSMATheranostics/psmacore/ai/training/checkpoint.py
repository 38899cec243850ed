"""A training's state to a file that is whole or the one before it, and back."""

from __future__ import annotations

import io
import os
import pickle
import uuid
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from psmacore.errors import TrainingError

CHECKPOINT_FILE = "checkpoint.pt"


def save_checkpoint(state: Mapping[str, Any], folder: Path) -> Path:
    """Write ``folder/checkpoint.pt`` aside, flush it to disk and rename it; until then the older one stands.

    Parameters
    ----------
    state : mapping of str to object
        Tensors, numbers, text and lists and mappings of such.
    folder : pathlib.Path
        Made where absent.

    Raises
    ------
    OSError
        If it cannot be written (a full disk); the older file is whole then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob(f".{CHECKPOINT_FILE}.*"):  # of a process that was killed while it wrote
        leftover.unlink(missing_ok=True)
    buffer = io.BytesIO()  # torch tells of a full disk by an assertion; a file of Python's by its errno
    torch.save(dict(state), buffer)
    target = folder / CHECKPOINT_FILE
    aside = folder / f".{CHECKPOINT_FILE}.{uuid.uuid4().hex}"
    try:
        with aside.open("wb") as stream:
            stream.write(buffer.getbuffer())
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)
    return target


def load_checkpoint(folder: Path) -> dict[str, Any] | None:
    """Read what :func:`save_checkpoint` wrote, on the CPU; ``None`` where there is none.

    Raises
    ------
    TrainingError
        If the file is damaged. Nothing in it is executed (``weights_only``).
    """
    path = folder / CHECKPOINT_FILE
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        raise TrainingError(
            f"the checkpoint {path} is damaged: {type(error).__name__}; train without --resume"
        ) from error
    if not isinstance(state, dict):
        raise TrainingError(f"the checkpoint {path} holds no training; train without --resume")
    return state
