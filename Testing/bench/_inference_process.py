"""Cases to times, memory and masks of our engine and of MONAI's ``sliding_window_inference``, as JSON on stdout.

Both run the same network in one process, in turn, in single precision, with the same windows, overlap and batch. Their
thresholded masks must be identical before a time counts.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "PSMATheranostics"), str(ROOT)]

import monai  # noqa: E402
import torch  # noqa: E402
from monai.inferers import sliding_window_inference  # noqa: E402
from torch import nn  # noqa: E402

from psmacore.ai.device import choose_device, describe_device  # noqa: E402
from psmacore.ai.inference.arithmetic import exact_arithmetic, fast_dtype  # noqa: E402
from psmacore.ai.inference.engine import Prediction, Predictor  # noqa: E402
from psmacore.ai.inference.settings import InferenceSettings, Mode  # noqa: E402
from psmacore.errors import PsmaError  # noqa: E402
from psmacore.phantom.nifti import write_nifti  # noqa: E402
from psmacore.registry.manifest import Grid  # noqa: E402
from Testing.bench._inference_cases import LESION_64, BenchCase, case_of, fixed_cases  # noqa: E402

Logits = NDArray[np.float32]
TIME_LIMIT = 1.05
_MIB = 1 << 10  # in KiB


class Took(NamedTuple):
    """Time by the clock, and of all this process's threads, which neighbours on the machine disturb less."""

    wall_s: float
    cpu_s: float


Pairs = list[tuple[Took, Took]]


def ours(case: BenchCase, settings: InferenceSettings) -> Prediction:
    """Run our engine with the case's gate."""
    return Predictor(case.network, case.grid, settings=settings, n_outputs=2).predict(case.image, gate=case.gate)


def peer(network: nn.Module, image: Logits, grid: Grid, settings: InferenceSettings) -> Logits:
    """Run MONAI's sliding windows on the same device, in the same arithmetic and batch."""
    with exact_arithmetic():
        source = torch.from_numpy(image)[None].to(settings.device)
        logits: torch.Tensor = sliding_window_inference(
            source, grid.patch, settings.batch_size, network, overlap=grid.overlap, mode="gaussian"
        )
        return logits[0].cpu().numpy()


def mask_of(logits: Logits, gate: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the lesion voxels that reach the threshold."""
    return np.asarray((logits[1] > logits[0]) & gate)


def measure(case: BenchCase, device: torch.device, *, repeats: int, dump: Path | None) -> dict[str, Any]:
    """Return the fields of one case's benchmark.

    Raises
    ------
    PsmaError
        If the masks differ; they are dumped all the same.
    """
    case.network.to(device)
    exact = InferenceSettings(device=device)
    _warm_up(case, exact)
    pairs, theirs, mine = [], np.empty(0, np.float32), None
    for number in range(repeats):
        theirs, peer_took = _timed(lambda: peer(case.network, case.image, case.grid, exact))
        mine, ours_took = _timed(lambda: ours(case, exact))
        pairs.append((ours_took, peer_took))
        seconds = f"ours {ours_took.wall_s:.1f} s, MONAI {peer_took.wall_s:.1f} s"
        sys.stderr.write(f"{case.name} {number + 1}/{repeats}: {seconds}\n")
    if mine is None:
        raise PsmaError(f"at least one pair of runs is needed, not {repeats}")
    masks = mask_of(mine.logits, case.gate), mask_of(theirs, case.gate)
    if dump is not None:
        _dump(dump, case, masks, mine)
    if not np.array_equal(*masks):
        n = np.count_nonzero(masks[0] != masks[1])
        raise PsmaError(f"{case.name}: the masks differ in {n} voxels")
    return {**_fields(case, pairs, mine, device), **_fast_fields(case, masks[1], pairs, device, repeats)}


def _fields(case: BenchCase, pairs: Pairs, mine: Prediction, device: torch.device) -> dict[str, Any]:
    ratios = sorted(theirs.wall_s / own.wall_s for own, theirs in pairs)
    ours_s, peer_s = (statistics.median(one.wall_s for one in side) for side in zip(*pairs, strict=True))
    ours_cpu_s, peer_cpu_s = (statistics.median(one.cpu_s for one in side) for side in zip(*pairs, strict=True))
    allowed_s = TIME_LIMIT * mine.n_windows_run / mine.n_windows * peer_s
    peer_mib, ours_mib = (_memory_mib(side, case) for side in ("peer", "ours"))
    return {
        "name": case.name,
        "peer": f"MONAI {monai.__version__} sliding_window_inference",
        "ratio_median": statistics.median(ratios),
        "ratio_min": ratios[0],
        "ratio_max": ratios[-1],
        "ours_s": ours_s,
        "peer_s": peer_s,
        "ours_cpu_s": ours_cpu_s,
        "peer_cpu_s": peer_cpu_s,
        "memory_ratio": peer_mib / ours_mib,
        "device": describe_device(device),
        "command": "psma bench inference",
        "repeats": len(pairs),
        "shape_kji": list(case.gate.shape),
        "patch_kji": list(case.grid.patch),
        "overlap": case.grid.overlap,
        "weights": case.weights,
        "threshold_suv": case.threshold_suv,
        "above_threshold_share": float(case.gate.mean()),
        "windows_run": mine.n_windows_run,
        "windows_all": mine.n_windows,
        "masks_identical": True,
        "allowed_s": allowed_s,
        "within_limit": ours_s <= allowed_s,
    }


def _fast_fields(
    case: BenchCase, reference: NDArray[np.bool_], pairs: Pairs, device: torch.device, repeats: int
) -> dict[str, Any]:
    settings = InferenceSettings(mode=Mode.FAST, device=device)
    predictor = Predictor(case.network, case.grid, settings=settings, n_outputs=2)
    predictor.predict(case.image, gate=case.gate)
    runs = [_timed(lambda: predictor.predict(case.image, gate=case.gate)) for _ in range(repeats)]
    fast_s = statistics.median(took.wall_s for _, took in runs)
    found = mask_of(runs[-1][0].logits, case.gate)
    n_both = np.count_nonzero(found) + np.count_nonzero(reference)
    return {
        "fast_s": fast_s,
        "fast_ratio": statistics.median(theirs.wall_s for _, theirs in pairs) / fast_s,
        "fast_dice": 2 * np.count_nonzero(found & reference) / n_both if n_both else None,
        "fast_precision": str(fast_dtype(device) or torch.float32).removeprefix("torch."),
        "mask_voxels": int(np.count_nonzero(reference)),
    }


def _timed(act: Callable[[], Any]) -> tuple[Any, Took]:
    wall, cpu = time.perf_counter(), time.process_time()
    result = act()
    return result, Took(time.perf_counter() - wall, time.process_time() - cpu)


def _warm_up(case: BenchCase, settings: InferenceSettings) -> None:
    """Run one batch, so that no side pays for the kernels' preparation."""
    corner = case.image[:, : case.grid.patch[0], : case.grid.patch[1], : case.grid.patch[2]]
    peer(case.network, np.ascontiguousarray(corner), case.grid, settings)


def _dump(folder: Path, case: BenchCase, masks: tuple[NDArray[np.bool_], NDArray[np.bool_]], mine: Prediction) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, mask in zip(("ours", "peer"), masks, strict=True):
        write_nifti(folder / f"{name}.nii.gz", mask.astype(np.uint8), case.geometry)
    counts = {"run": mine.n_windows_run, "all": mine.n_windows}
    (folder / "windows.json").write_text(json.dumps(counts) + "\n")


def _memory_mib(side: str, case: BenchCase) -> float:
    """Return how far a side lifts a fresh process's peak memory above its inputs, on the CPU.

    A pointwise network stands in for the case's own, whose layers need the same on both sides.
    """
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "image.npy", case.image)
        np.save(Path(folder) / "gate.npy", case.gate)
        sizes = [str(size) for size in case.grid.patch]
        command = [sys.executable, str(Path(__file__).resolve()), "--memory-of", side, "--inputs", folder]
        command += ["--patch", *sizes, "--overlap", str(case.grid.overlap)]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _report_memory(side: str, folder: Path, grid: Grid) -> None:
    image, gate = np.load(folder / "image.npy"), np.load(folder / "gate.npy")
    network, settings = nn.Conv3d(len(image), 2, kernel_size=1), InferenceSettings()
    patch = np.zeros((len(image), *grid.patch), np.float32)
    Predictor(network, grid, settings=settings).predict(patch)
    peer(network, patch, grid, settings)
    before = _peak_kib()
    if side == "ours":
        Predictor(network, grid, settings=settings, n_outputs=2).predict(image, gate=gate)
    else:
        peer(network, image, grid, settings)
    sys.stdout.write(f"{max(_peak_kib() - before, _MIB) / _MIB}\n")


def _peak_kib() -> int:
    """Return this process's peak memory; on Linux without its parent's, which ``getrusage`` starts from."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--volume", type=Path, help="a PET in SUV as NIfTI, in place of the fixed cases")
    parser.add_argument("--dump", type=Path, help="folder for masks and window counts")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cases", nargs="*", help="names of the fixed cases to run; all by default")
    parser.add_argument("--memory-of", choices=("ours", "peer"), help=argparse.SUPPRESS)
    parser.add_argument("--inputs", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--patch", type=int, nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--overlap", type=float, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    """Print the benchmarks as one JSON array."""
    arguments = _arguments()
    if arguments.memory_of:
        _report_memory(arguments.memory_of, arguments.inputs, Grid(tuple(arguments.patch), overlap=arguments.overlap))
        return 0
    try:
        device = choose_device(arguments.device)
        cases: Iterable[BenchCase] = fixed_cases() if arguments.volume is None else [case_of(arguments.volume)]
        rows = []
        for case in cases:
            if arguments.cases and case.name not in arguments.cases:
                continue
            is_first = arguments.volume is not None or case.name == LESION_64
            folder = arguments.dump if is_first or arguments.dump is None else arguments.dump / case.name
            rows.append(measure(case, device, repeats=arguments.repeats, dump=folder))
    except PsmaError as error:
        sys.stderr.write(f"bench inference: {error}\n")
        return error.exit_code
    sys.stdout.write(json.dumps(rows) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
