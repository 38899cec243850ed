"""An imported nnU-Net says of every voxel what nnU-Net's own command says."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

pytest.importorskip("torch")
pytest.importorskip("nnunetv2")

import torch

from psmacore.ai.nnunet.checkpoint import read_checkpoint
from psmacore.ai.nnunet.predictor import NnunetPredictor
from psmacore.ai.nnunet.quiet import quietly
from psmacore.ai.preprocess.grid import argmax_on, to_image
from psmacore.errors import InputRefusedError, ModelUnfitError
from psmacore.model.geometry import Geometry
from Testing import nnunet_trees

SHAPE = (11, 14, 13)


@pytest.fixture(autouse=True)
def _one_thread(torch_or_skip: ModuleType) -> None:
    """Every test here runs networks."""


@pytest.fixture
def grid() -> Geometry:
    """Anisotropic, and turned far from the axes that NIfTI calls canonical."""
    c, s = np.cos(0.2), np.sin(0.2)
    return Geometry.from_axes(
        shape=SHAPE,
        origin_lps_mm=(-31.0, 12.5, -407.0),
        spacing_ijk_mm=(4.0, 4.5, 5.0),
        directions_lps=np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])[:, [1, 0, 2]] * [1, -1, 1],
    )


@pytest.fixture
def images() -> NDArray[np.float32]:
    """CT and PET without any symmetry; the CT's first slices are 0 in both, which nnU-Net crops off."""
    values = np.random.default_rng(4).normal(30, 200, (2, *SHAPE)).astype(np.float32)
    values[1] = np.abs(values[1]) / 40
    values[:, :2] = 0
    return values


def opened(place: Path, **options: Any) -> NnunetPredictor:
    """Return our predictor of a result folder."""
    checkpoints = [read_checkpoint(path.read_bytes(), path.name) for path in sorted(place.glob("fold_*/*.pth"))]
    settings = {"device": torch.device("cpu"), "use_mirroring": True, "where": place / "plans.json", **options}
    plans, dataset = (json.loads((place / name).read_text()) for name in ("plans.json", "dataset.json"))
    return NnunetPredictor(plans, dataset, "3d_fullres", checkpoints, **settings)


def by_its_own_files(
    place: Path, images: NDArray[np.float32], grid: Geometry, folder: Path, *, use_mirroring: bool = True
) -> NDArray[np.uint16]:
    """Return what nnU-Net's own predictor writes for the images as files."""
    folder.mkdir()
    files = [str(folder / f"case_000{n}.nii.gz") for n in range(len(images))]
    for values, file in zip(images, files, strict=True):
        sitk.WriteImage(to_image(values, grid), file)
    with quietly():
        from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

        predictor = nnUNetPredictor(use_mirroring=use_mirroring, device=torch.device("cpu"), allow_tqdm=False)
        folds = [path.name.removeprefix("fold_") for path in sorted(place.glob("fold_*"))]
        predictor.initialize_from_trained_model_folder(str(place), folds)
        (folder / "out").mkdir()
        predictor.predict_from_files_sequential([files], [str(folder / "out" / "case")])
    return sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "out" / "case.nii.gz"))).astype(np.uint16)


@pytest.mark.parametrize("reader", ["SimpleITKIO", "NibabelIO", "NibabelIOWithReorient"])
@pytest.mark.parametrize("use_mirroring", [True, False])
def test_labels_are_those_of_nnunets_own_predictor(
    tmp_path: Path, images: NDArray[np.float32], grid: Geometry, reader: str, use_mirroring: bool
) -> None:
    place = nnunet_trees.write_lesion_result(tmp_path, folds=("0", "1"), image_reader_writer=reader)
    ours = opened(place, use_mirroring=use_mirroring).label(images, grid)
    theirs = by_its_own_files(place, images, grid, tmp_path / "files", use_mirroring=use_mirroring)
    assert 0 < np.count_nonzero(theirs) < theirs.size
    np.testing.assert_array_equal(ours.labels, theirs)
    np.testing.assert_array_equal(ours.probabilities.argmax(axis=0), theirs)
    np.testing.assert_allclose(ours.probabilities.sum(axis=0), 1.0, atol=1e-3)


def test_axes_that_the_plans_exchange_come_back(tmp_path: Path, images: NDArray[np.float32], grid: Geometry) -> None:
    exchanged = {"transpose_forward": [2, 0, 1], "transpose_backward": [1, 2, 0]}
    place = nnunet_trees.write_lesion_result(tmp_path, **exchanged)
    ours = opened(place)
    labels = ours.label(images, grid).labels
    np.testing.assert_array_equal(labels, by_its_own_files(place, images, grid, tmp_path / "files"))
    logits = ours.logits(images, grid)
    on_image = argmax_on(logits.values, logits.geometry, grid)
    assert np.mean(on_image[3:-1] == labels[3:-1]) > 0.97


@pytest.mark.parametrize("reader", ["SimpleITKIO", "NibabelIOWithReorient"])
def test_logits_lie_where_the_labels_are(
    tmp_path: Path, images: NDArray[np.float32], grid: Geometry, reader: str
) -> None:
    place = nnunet_trees.write_lesion_result(tmp_path, image_reader_writer=reader)
    ours = opened(place)
    logits = ours.logits(images, grid)
    np.testing.assert_allclose(logits.geometry.spacing_kji_mm, 4.0, rtol=0.05)
    labels = ours.label(images, grid).labels
    on_image = argmax_on(logits.values, logits.geometry, grid)
    inside = np.s_[2:]  # the slices before are 0 and cropped off
    assert np.mean(on_image[inside] == labels[inside]) > 0.97
    moved = np.roll(on_image[inside], 1, axis=2)
    assert np.mean(moved == labels[inside]) < 0.95, "a shift by one voxel would be seen"


def test_progress_counts_the_windows_of_all_folds(tmp_path: Path, images: NDArray[np.float32], grid: Geometry) -> None:
    place = nnunet_trees.write_lesion_result(tmp_path, folds=("0", "1"))
    told: list[tuple[int, int]] = []
    opened(place).label(images, grid, on_window=lambda done, all_: told.append((done, all_)))
    n_all = told[0][1]
    assert n_all % 2 == 0
    assert told == [(done, n_all) for done in range(1, n_all + 1)]


def test_a_result_of_lesiontracers_runs_without_its_organ_head(
    tmp_path: Path, images: NDArray[np.float32], grid: Geometry
) -> None:
    network = nnunet_trees.network(2, 2, nnunet_trees.RESIDUAL)
    weights = dict(network.state_dict())
    description = nnunet_trees.dataset(("CT", "CT"), {"background": 0, "lesion": 1})
    plan = nnunet_trees.plans("Dataset222_AutoPETIII_2024", 2, nnunet_trees.RESIDUAL)
    bare = nnunet_trees.write_result(tmp_path / "bare", plan, description, {"0": nnunet_trees.checkpoint(weights)})
    weights["decoder.organ_seg_layers.0.weight"] = torch.ones(11, 2, 1, 1, 1)
    weights["decoder.organ_seg_layers.0.bias"] = torch.ones(11)
    record = nnunet_trees.checkpoint(weights, trainer_name="autoPET3_Trainer")
    headed = nnunet_trees.write_result(tmp_path / "headed", plan, description, {"0": record})
    ours = opened(headed).label(images, grid).labels
    np.testing.assert_array_equal(ours, by_its_own_files(bare, images, grid, tmp_path / "files"))


def test_weights_of_another_network_are_refused_by_name(tmp_path: Path) -> None:
    place = nnunet_trees.write_lesion_result(tmp_path)
    plan = nnunet_trees.plans("Dataset900_OwnLesions", 2)
    plan["configurations"]["3d_fullres"]["architecture"]["arch_kwargs"]["features_per_stage"] = [2, 6]
    (place / "plans.json").write_text(json.dumps(plan))
    with pytest.raises(ModelUnfitError, match=r"not of the network that .* plans: .*size mismatch"):
        opened(place)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_refused(
    tmp_path: Path, images: NDArray[np.float32], grid: Geometry, value: float
) -> None:
    images[1, 5, 5, 5] = value
    with pytest.raises(InputRefusedError, match="no finite numbers"):
        opened(nnunet_trees.write_lesion_result(tmp_path)).label(images, grid)


def test_a_missing_channel_is_refused(tmp_path: Path, images: NDArray[np.float32], grid: Geometry) -> None:
    with pytest.raises(InputRefusedError, match="2 channels"):
        opened(nnunet_trees.write_lesion_result(tmp_path)).label(images[:1], grid)


def test_one_slice_gives_a_result(tmp_path: Path, images: NDArray[np.float32]) -> None:
    flat = Geometry.from_axes(shape=(1, *SHAPE[1:]), origin_lps_mm=(0, 0, 0), spacing_ijk_mm=(4.0, 4.5, 5.0))
    labelled = opened(nnunet_trees.write_lesion_result(tmp_path)).label(images[:, 5:6], flat)
    assert labelled.labels.shape == flat.shape


def test_nothing_is_printed(
    tmp_path: Path, images: NDArray[np.float32], grid: Geometry, capfd: pytest.CaptureFixture[str]
) -> None:
    opened(nnunet_trees.write_lesion_result(tmp_path)).label(images, grid)
    assert capfd.readouterr().out == ""


def test_a_checkpoint_with_numpy_scalars_opens_and_its_optimiser_is_dropped(tmp_path: Path) -> None:
    place = nnunet_trees.write_lesion_result(tmp_path)
    path = place / "fold_0" / "checkpoint_final.pth"
    checkpoint = read_checkpoint(path.read_bytes(), path.name)
    assert checkpoint.mirror_axes == (0, 1, 2)
    assert set(checkpoint.weights) == set(nnunet_trees.network(2, 2).state_dict())


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    weights = nnunet_trees.network(2, 2).state_dict()
    next(iter(weights.values()))[0] = float("nan")
    torch.save(nnunet_trees.checkpoint(weights), tmp_path / "checkpoint_final.pth")
    with pytest.raises(ModelUnfitError, match="not finite"):
        read_checkpoint((tmp_path / "checkpoint_final.pth").read_bytes(), "checkpoint_final.pth")
