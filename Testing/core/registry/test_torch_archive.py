"""A checkpoint is looked through, never executed."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest

from psmacore.errors import ModelUnfitError
from psmacore.registry.torch_archive import read_facts


class Evil:
    """Makes a folder when it is unpickled."""

    def __init__(self, trap: Path) -> None:
        self.trap = trap

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.trap),)


def archive(path: Path, record: object, *, protocol: int = 2, **others: bytes) -> Path:
    """Write a PyTorch archive whose pickle holds that record."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps(record, protocol=protocol))
        file.writestr("archive/version", "3\n")
        for name, content in others.items():
            file.writestr(f"archive/{name.replace('__', '/')}", content)
    return path


HARMLESS = {
    "network_weights": OrderedDict(),
    "trainer_name": "nnUNetTrainer",
    "init_args": {"configuration": "3d_fullres"},
}


def test_a_checkpoint_tells_trainer_and_configuration(tmp_path: Path) -> None:
    facts = read_facts(archive(tmp_path / "checkpoint_final.pth", HARMLESS))
    assert (facts.trainer, facts.configuration) == ("nnUNetTrainer", "3d_fullres")
    assert facts.n_inputs is None


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_an_evil_pickle_is_refused_and_never_executed(tmp_path: Path, protocol: int) -> None:
    trap = tmp_path / "trap"
    path = archive(tmp_path / "checkpoint_final.pth", {**HARMLESS, "_best_ema": Evil(trap)}, protocol=protocol)
    with pytest.raises(ModelUnfitError, match=r"could run code \((posix.mkdir|nt.mkdir|STACK_GLOBAL)\)"):
        read_facts(path)
    assert not trap.exists()


def test_a_bare_pickle_is_refused_and_never_executed(tmp_path: Path) -> None:
    trap, path = tmp_path / "trap", tmp_path / "checkpoint_final.pth"
    path.write_bytes(pickle.dumps(Evil(trap)))
    with pytest.raises(ModelUnfitError, match="bare pickles are refused"):
        read_facts(path)
    assert not trap.exists()


def test_a_program_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "checkpoint_final.pth", HARMLESS, code__forward=b"def forward(self): ...")
    with pytest.raises(ModelUnfitError, match="holds a program"):
        read_facts(path)


def test_a_truncated_archive_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "checkpoint_final.pth", HARMLESS)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ModelUnfitError, match="truncated"):
        read_facts(path)


def test_a_damaged_pickle_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "checkpoint_final.pth", "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps(HARMLESS, protocol=2)[:-9])
    with pytest.raises(ModelUnfitError, match="damaged pickle"):
        read_facts(tmp_path / "checkpoint_final.pth")


@pytest.mark.parametrize("record", [{"state_dict": {}}, [1, 2]])
def test_what_is_no_nnunet_checkpoint_is_refused(tmp_path: Path, record: object) -> None:
    with pytest.raises(ModelUnfitError, match="no network_weights"):
        read_facts(archive(tmp_path / "checkpoint_final.pth", record))
