"""``psma bench inference``: both masks and the numbers of windows of a PET of one's own."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from psmacore.cli.main import main
from psmacore.model.geometry import Geometry
from psmacore.phantom.nifti import write_nifti
from Testing.core.ai.inference.peer import monai_windows

pytest.importorskip("torch")


@pytest.fixture
def a_sparse_pet(tmp_path):
    """Two hot voxels in 96 x 96 x 128 voxels of background, as NIfTI."""
    suv = np.random.default_rng(1).random((128, 96, 96), dtype=np.float32)
    suv[10, 12, 14] = suv[90, 80, 30] = 9.0
    geometry = Geometry.from_axes(shape=suv.shape, origin_lps_mm=(-190, -190, -900), spacing_ijk_mm=(4, 4, 3))
    path = tmp_path / "SUV.nii.gz"
    write_nifti(path, suv, geometry)
    return path, suv


def test_an_option_of_another_benchmark_is_a_usage_error(capsys):
    assert main(["bench", "measure", "--volume", "SUV.nii.gz"]) == 2
    assert "--volume is an option of inference" in capsys.readouterr().err


def test_the_benchmark_leaves_torch_out_of_the_command_lines_process():
    code = (
        "import sys; sys.path[:0] = ['PSMATheranostics', '.'];"
        "from psmacore.cli.bench import _load; _load('inference');"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
def test_a_pet_of_ones_own_is_run_by_both_with_identical_masks(a_sparse_pet, tmp_path, capsys):
    import nibabel

    path, suv = a_sparse_pet
    dump = tmp_path / "dump"
    assert main(["bench", "inference", "--volume", str(path), "--dump", str(dump), "--device", "cpu", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["benchmarks"]
    ours, peer = (nibabel.load(dump / f"{name}.nii.gz") for name in ("ours", "peer"))
    np.testing.assert_array_equal(np.asarray(ours.dataobj), np.asarray(peer.dataobj))
    np.testing.assert_allclose(ours.affine, nibabel.load(path).affine, atol=1e-4)
    starts = monai_windows(suv.shape, (64, 64, 64), overlap=0.5)
    n_hot = sum((suv[k : k + 64, j : j + 64, i : i + 64] >= 3).any() for k, j, i in starts)
    assert json.loads((dump / "windows.json").read_text()) == {"run": n_hot, "all": len(starts)}
    assert (row["windows_run"], row["windows_all"]) == (n_hot, len(starts))
    assert row["masks_identical"]
    assert row["memory_ratio"] > 0
    assert row["ratio_min"] <= row["ratio_median"] <= row["ratio_max"]


@pytest.mark.slow
def test_a_file_that_is_no_image_is_refused(tmp_path):
    path = tmp_path / "SUV.nii.gz"
    path.write_bytes(b"no image")
    assert main(["bench", "inference", "--volume", str(path)]) == 3
