"""An imported nnU-Net is measured as a model of ours is, and gives evaluation the masks that it gives analysis."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("nnunetv2")

from psmacore.ai.evaluation.case_model import case_model
from psmacore.ai.evaluation.report import Evaluation
from psmacore.ai.evaluation.rules import OrganSource, Rule, RuleMethod
from psmacore.ai.evaluation.run import evaluate
from psmacore.ai.segmenters.nnunet_lesions import NnunetLesions
from psmacore.ai.segmenters.nnunet_organs import NnunetOrgans
from psmacore.ai.segmenters.running import Machine
from psmacore.errors import InputRefusedError, ModelUnfitError
from psmacore.model.geometry import Geometry
from psmacore.model.lesions import LesionState
from psmacore.model.volumes import CtVolume, SuvVolume
from psmacore.pipeline.evaluate_request import EvaluateRequest
from psmacore.pipeline.images import StudyImages
from psmacore.pipeline.request import ModelOptions
from psmacore.registry.catalog import ModelFolder
from psmacore.registry.manifest import ChannelName, Task
from psmacore.registry.nnunet_import import import_nnunet
from psmacore.registry.nnunet_manifest import ImportWishes
from Testing import nnunet_trees
from Testing.core.ai.evaluation import small_data, small_models
from Testing.core.ai.evaluation.small_data import N_DECOY, N_LESION, N_LIVER, VOXEL_ML
from Testing.core.ai.segmenters.conftest import ct_over
from Testing.timepoints import PSMA_11, make_derivation

pytestmark = pytest.mark.usefixtures("one_thread")
FAR = 30.0
GRID = Geometry.from_axes(
    shape=small_data.SHAPE,
    origin_lps_mm=(0.0, 0.0, 0.0),
    spacing_ijk_mm=(small_data.SPACING_MM,) * 3,
    frame_of_reference_uid="2.25.77",
)


@pytest.fixture(autouse=True)
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hospital's models folder, empty."""
    folder = tmp_path / "models"
    monkeypatch.setenv("PSMA_MODELS", str(folder))
    return folder


@pytest.fixture
def machine() -> Machine:
    return Machine(ModelOptions(device="cpu", is_fast=True))


def a_lesion_model(root: Path, *biases: float, labels: dict[str, int] | None = None, **wishes: Any) -> ModelFolder:
    """Import a model that says the same of every voxel: lesion, unless told otherwise."""
    names = labels or {"background": 0, "lesion": 1}
    weights = nnunet_trees.says(2, *(biases or (-FAR, FAR)))
    result = nnunet_trees.write_result(
        root / "lesions",
        nnunet_trees.plans("Dataset900_OwnLesions", 2),
        nnunet_trees.dataset(("CT", "PET"), names),
        {"0": nnunet_trees.checkpoint(weights)},
    )
    asked = {"licence": "CC BY 4.0", "name": "own-lesions", "task": Task.LESIONS, "tracers": ("psma",), **wishes}
    return import_nnunet(ImportWishes(result, **asked))


def a_random_lesion_model(root: Path) -> ModelFolder:
    """Import a model of random weights, which takes some voxels for lesion and others not."""
    result = nnunet_trees.write_lesion_result(root)
    return import_nnunet(
        ImportWishes(result, licence="CC BY 4.0", name="own-lesions", task=Task.LESIONS, tracers=("psma",))
    )


def an_organ_model(root: Path) -> ModelFolder:
    """Import a model that says liver, its label 2, of every voxel."""
    result = nnunet_trees.write_result(
        root / "organs",
        nnunet_trees.plans("Dataset901_Organs", 1, image_reader_writer="NibabelIOWithReorient"),
        nnunet_trees.dataset(("CT",), {"background": 0, "spleen": 1, "liver": 2}),
        {"0": nnunet_trees.checkpoint(nnunet_trees.says(1, -FAR, -FAR, FAR))},
    )
    return import_nnunet(ImportWishes(result, licence="CC BY 4.0", name="own-organs", task=Task.ORGANS))


def run(request: EvaluateRequest, folder: Path) -> Evaluation:
    folder.mkdir(exist_ok=True)
    fast = replace(request, device="cpu", is_fast=True)
    return evaluate(fast, folder, on_progress=lambda _stage, _fraction: None)


def random_images() -> dict[ChannelName, np.ndarray]:
    """CT and PET without any symmetry."""
    values = np.random.default_rng(4).normal(30, 200, (2, *small_data.SHAPE)).astype(np.float32)
    return {ChannelName.CT: np.rint(values[0]), ChannelName.PET: np.abs(values[1]) / 40}


def study(images: dict[ChannelName, np.ndarray]) -> StudyImages:
    """Return the images as a study of PSMA that is analysed."""
    suv = SuvVolume(images[ChannelName.PET], GRID, make_derivation())
    ct: CtVolume = ct_over(GRID, images[ChannelName.CT].astype(np.int16))
    return StudyImages(suv, organs=None, tracer=PSMA_11, read_ct=lambda: ct)


def test_imported_lesion_model_has_the_figures_of_its_mask_above_the_threshold(
    deep_psma_data: Path, tmp_path: Path
) -> None:
    """D17, W88: the figures of the all-hot network of our own, by the name it was imported under."""
    model = a_lesion_model(tmp_path)
    found = run(EvaluateRequest("own-lesions", deep_psma_data), tmp_path / "out")
    assert len(found.cases) == 2
    assert found.summary["dsc"].mean == pytest.approx(2 * N_LESION / (2 * N_LESION + N_DECOY))
    assert found.summary["fpv_ml"].mean == pytest.approx(N_DECOY * VOXEL_ML)
    assert found.summary["fnv_ml"].mean == 0.0
    record = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert (record["model"], record["weights_sha256"]) == ("own-lesions", model.manifest.weights_sha256)
    assert record["device"].startswith("CPU")


@pytest.mark.parametrize(("wanted", "is_found"), [(None, False), ("0.3", True), ("0.5", False)])
def test_labels_decide_unless_the_user_names_an_operating_point(
    deep_psma_data: Path, tmp_path: Path, wanted: str | None, is_found: bool
) -> None:
    """Lesion has probability 0.4, normal uptake 0.6: its own labels say normal."""
    a_lesion_model(
        tmp_path, -FAR, float(np.log(0.4)), float(np.log(0.6)), labels={"background": 0, "lesion": 1, "normal": 2},
        lesion_names=("lesion",),
    )  # fmt: skip
    request = EvaluateRequest("own-lesions", deep_psma_data, cases=("train_0001",), operating_point=wanted)
    found = run(request, tmp_path / "out")
    assert (found.summary["fnv_ml"].mean == 0.0) is is_found
    record = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert record["operating_point"] == (None if wanted is None else float(wanted))
    assert any("own labels" in sentence for sentence in record["method"]) is (wanted is None)


def test_masks_are_those_of_the_analysis(tmp_path: Path, machine: Machine) -> None:
    """D02: what random weights say, cut to SUV 3.0; components of single voxels count here too."""
    model = a_random_lesion_model(tmp_path)
    images = random_images()
    mask = case_model(model, machine).lesion_mask(GRID, images, {ChannelName.PET: 3.0})
    candidates = NnunetLesions(machine, "own-lesions").segment(study(images)).candidates
    drawn = [part.segment_number for part in candidates.parts if part.state is LesionState.UNCONFIRMED]
    counted = np.isin(candidates.segmentation.labels, drawn)
    assert 0 < np.count_nonzero(counted) < np.count_nonzero(images[ChannelName.PET] >= 3.0)
    assert not np.any(counted & ~mask)
    assert np.count_nonzero(mask & ~counted) < 0.1 * np.count_nonzero(mask)


def test_a_model_that_reads_multiples_of_the_threshold_is_given_them(tmp_path: Path, machine: Machine) -> None:
    """GTRC-Net: twice the uptake at twice the threshold is the same image; at the same threshold it is another."""
    plan = nnunet_trees.plans("Dataset801_PSMA_PET", 2)
    plan["foreground_intensity_properties_per_channel"]["0"] = {
        "max": 20.0, "mean": 1.0, "median": 1.0, "min": 0.0,
        "percentile_00_5": 0.0, "percentile_99_5": 5.0, "std": 1.0,
    }  # fmt: skip
    result = nnunet_trees.write_result(
        tmp_path / "gtrc",
        plan,
        nnunet_trees.dataset(("noNorm", "CT"), {"background": 0, "norm": 1, "ttb": 2}),
        {"0": nnunet_trees.checkpoint(nnunet_trees.network(2, 3).state_dict())},
    )
    model = import_nnunet(ImportWishes(result, licence="Apache-2.0", name="own-lesions"))
    opened, images = case_model(model, machine), random_images()
    once = opened.lesion_mask(GRID, images, {ChannelName.PET: 3.0})
    hotter = {**images, ChannelName.PET: 2 * images[ChannelName.PET]}
    assert 0 < np.count_nonzero(once) < np.count_nonzero(images[ChannelName.PET] >= 3.0)
    np.testing.assert_array_equal(opened.lesion_mask(GRID, hotter, {ChannelName.PET: 6.0}), once)
    hot = images[ChannelName.PET] >= 3.0
    assert np.any(opened.lesion_mask(GRID, hotter, {ChannelName.PET: 3.0})[hot] != once[hot])


def test_imported_organ_model_is_measured_organ_by_organ(deep_psma_data: Path, tmp_path: Path) -> None:
    """Its label 2 is our liver, 5; nnU-Net looks at the part of the CT that is not 0, which is the liver here."""
    an_organ_model(tmp_path)
    found = run(EvaluateRequest("own-organs", deep_psma_data), tmp_path / "out")
    assert found.summary["liver_dsc"].mean == 1.0
    assert found.cases[0].structures[-1].predicted_ml == pytest.approx(N_LIVER * VOXEL_ML)


def test_organ_labels_are_those_of_the_analysis(tmp_path: Path, machine: Machine) -> None:
    network = nnunet_trees.network(1, 3)
    result = nnunet_trees.write_result(
        tmp_path / "organs",
        nnunet_trees.plans("Dataset901_Organs", 1, image_reader_writer="NibabelIOWithReorient"),
        nnunet_trees.dataset(("CT",), {"background": 0, "spleen": 1, "liver": 2}),
        {"0": nnunet_trees.checkpoint(network.state_dict())},
    )
    model = import_nnunet(ImportWishes(result, licence="CC BY 4.0", name="own-organs", task=Task.ORGANS))
    images = random_images()
    labels = case_model(model, machine).organ_labels(GRID, {ChannelName.CT: images[ChannelName.CT]})
    assert set(np.unique(labels)) == {0, 1, 5}
    analysed = NnunetOrgans(machine, "own-organs").segment_organs(study(images)).value
    np.testing.assert_array_equal(labels, analysed.labels)


def test_rules_and_fdg_thresholds_take_organs_from_an_imported_model(deep_psma_data: Path, tmp_path: Path) -> None:
    """The model that is measured may be of either kind, and so may the organ model, which finds the liver here."""
    an_organ_model(tmp_path)
    ours = small_models.write_lesion_model(tmp_path / "ours")
    request = EvaluateRequest(str(ours), deep_psma_data, with_rules=True, organ_model="own-organs")
    found = run(replace(request, cases=("train_0001",)), tmp_path / "out")
    by_rule = {report.rule: report for report in found.rules}
    assert by_rule[Rule(RuleMethod.MINUS_ORGANS, 0, OrganSource.GIVEN)].dsc == 1.0
    assert by_rule[Rule(RuleMethod.MINUS_ORGANS, 0, OrganSource.PREDICTED)].dsc == 1.0
    assert by_rule[Rule(RuleMethod.THRESHOLD)].dsc < 0.5
    assert any("own-organs" in warning for warning in found.warnings)


def test_imported_weights_of_simulated_patients_say_nothing_of_the_phantoms_version(tmp_path: Path) -> None:
    """An import names no phantom, so it is of no other version either."""
    data = small_data.write_deep_psma(tmp_path / "data", patients=("train_0007",))
    stamp = {"seed": 7, "phantom": {"version": "1", "sha256": "0" * 64}}
    (data / "train_0007" / "simulated.json").write_text(json.dumps(stamp))
    a_lesion_model(tmp_path, is_simulated=True)
    found = run(EvaluateRequest("own-lesions", data), tmp_path / "out")
    assert found.is_simulated
    assert not any("phantom" in warning for warning in found.warnings)


def test_checkpoints_are_read_once_for_all_cases(tmp_path: Path, machine: Machine, models_folder: Path) -> None:
    """The second case needs the files no more."""
    model = a_random_lesion_model(tmp_path)
    opened, images = case_model(model, machine), random_images()
    first = opened.lesion_mask(GRID, images, {ChannelName.PET: 3.0})
    for checkpoint in models_folder.rglob("*.pth"):
        checkpoint.unlink()
    np.testing.assert_array_equal(opened.lesion_mask(GRID, images, {ChannelName.PET: 3.0}), first)


def test_an_altered_checkpoint_is_refused(deep_psma_data: Path, tmp_path: Path, models_folder: Path) -> None:
    a_lesion_model(tmp_path)
    (checkpoint,) = models_folder.rglob("*.pth")
    with checkpoint.open("ab") as file:
        file.write(b" ")
    with pytest.raises(ModelUnfitError, match="was altered"):
        run(EvaluateRequest("own-lesions", deep_psma_data), tmp_path / "out")


def test_a_missing_image_or_threshold_is_named(tmp_path: Path, machine: Machine) -> None:
    opened, images = case_model(a_lesion_model(tmp_path), machine), random_images()
    with pytest.raises(InputRefusedError, match="nothing states the threshold"):
        opened.lesion_mask(GRID, images, {})
    with pytest.raises(InputRefusedError, match="own-lesions reads ct"):
        opened.lesion_mask(GRID, {ChannelName.PET: images[ChannelName.PET]}, {ChannelName.PET: 3.0})


def test_no_imported_model_classifies_studies(tmp_path: Path, machine: Machine) -> None:
    with pytest.raises(ModelUnfitError, match="classifies no studies"):
        case_model(a_lesion_model(tmp_path), machine).study_probability(GRID, random_images())
