from __future__ import annotations

import errno
import os
import pickle
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from psmacore.ai.training.checkpoint import CHECKPOINT_FILE, load_checkpoint, save_checkpoint  # noqa: E402
from psmacore.errors import TrainingError  # noqa: E402


def test_what_was_saved_is_read_back(tmp_path: Path) -> None:
    save_checkpoint({"weights": {"a": torch.arange(3.0)}, "epoch": 4, "names": ["x"]}, tmp_path / "new")

    state = load_checkpoint(tmp_path / "new")

    assert state is not None
    assert torch.equal(state["weights"]["a"], torch.arange(3.0))
    assert (state["epoch"], state["names"]) == (4, ["x"])


def test_a_folder_without_a_checkpoint_has_none(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path) is None


def test_a_full_disk_leaves_the_older_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_checkpoint({"epoch": 1}, tmp_path)

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint({"epoch": 2}, tmp_path)

    assert load_checkpoint(tmp_path) == {"epoch": 1}
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT_FILE]


def test_what_a_killed_writer_left_is_cleared_and_never_read(tmp_path: Path) -> None:
    save_checkpoint({"epoch": 1}, tmp_path)
    (tmp_path / f".{CHECKPOINT_FILE}.0123").write_bytes(b"half a checkpoint")

    assert load_checkpoint(tmp_path) == {"epoch": 1}
    save_checkpoint({"epoch": 2}, tmp_path)

    assert load_checkpoint(tmp_path) == {"epoch": 2}
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT_FILE]


@pytest.mark.parametrize("keep", [0, 10, 0.5])
def test_a_damaged_checkpoint_is_named(tmp_path: Path, keep: float) -> None:
    path = save_checkpoint({"weights": torch.zeros(1000)}, tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole)) if keep < 1 else int(keep)])

    with pytest.raises(TrainingError, match="damaged"):
        load_checkpoint(tmp_path)


def test_a_pickle_in_its_place_is_never_executed(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "executed"),)

    (tmp_path / CHECKPOINT_FILE).write_bytes(pickle.dumps(Trap(), protocol=2))

    with pytest.raises(TrainingError, match="damaged"):
        load_checkpoint(tmp_path)
    assert not (tmp_path / "executed").exists()


def test_a_file_that_holds_no_training_is_named(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / CHECKPOINT_FILE)

    with pytest.raises(TrainingError, match="no training"):
        load_checkpoint(tmp_path)
