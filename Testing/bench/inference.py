"""Three fixed cases to the time that their logits take, ours against MONAI's, in a process of their own.

PyTorch is imported there and not here, so that the command line stays free of it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "PSMATheranostics")]

from psmacore.errors import InputRefusedError, ModelUnfitError, PsmaError, UsageError  # noqa: E402

NEEDS_AI = True
OPTIONS = ("volume", "dump", "device")
_ERRORS = {kind.exit_code: kind for kind in (PsmaError, UsageError, InputRefusedError, ModelUnfitError)}


def run(
    *, volume: Path | None = None, dump: Path | None = None, device: str = "auto", repeats: int = 3
) -> list[dict[str, Any]]:
    """Return the fields of each case's benchmark; ratios are peer / ours, so that more is better.

    Parameters
    ----------
    volume : pathlib.Path, optional
        A PET in SUV as NIfTI to run the 64 x 64 x 64 lesion model on, in place of the fixed cases.
    dump : pathlib.Path, optional
        Folder for ``ours.nii.gz``, ``peer.nii.gz`` (thresholded masks) and ``windows.json`` of the 64 x 64 x 64
        lesion model, and in a sub-folder for each fixed case.
    repeats : int
        Pairs of runs, taken in turn.

    Raises
    ------
    PsmaError
        As the process ended: the volume refused, the masks differ.
    """
    command = [sys.executable, str(Path(__file__).with_name("_inference_process.py")), "--device", device]
    command += ["--repeats", str(repeats)]
    command += ["--volume", str(volume)] if volume is not None else []
    command += ["--dump", str(dump)] if dump is not None else []
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise _ERRORS.get(done.returncode, PsmaError)("the benchmark's process failed, see above")
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows
