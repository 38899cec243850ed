from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from psmacore.ai.evaluation.rules import OrganSource, Rule, RuleMethod
from psmacore.ai.evaluation.run import evaluate
from psmacore.errors import InputRefusedError, ModelUnfitError, UsageError
from psmacore.pipeline.evaluate_request import EvaluateRequest
from Testing.core.ai.evaluation import small_data, small_models
from Testing.core.ai.evaluation.small_data import N_DECOY, N_LESION, N_LIVER, VOXEL_ML

pytestmark = pytest.mark.usefixtures("one_thread")


def run(request: EvaluateRequest, folder):
    folder.mkdir(exist_ok=True)
    return evaluate(replace(request, device="cpu"), folder, on_progress=lambda _stage, _fraction: None)


def test_all_hot_lesion_model_has_the_figures_of_the_threshold(deep_psma_data, tmp_path):
    """D17: the decoy is one false component of 48 voxels; both lesions are found whole."""
    model = small_models.write_lesion_model(tmp_path)
    found = run(EvaluateRequest(str(model), deep_psma_data), tmp_path / "out")
    dsc = 2 * N_LESION / (2 * N_LESION + N_DECOY)
    assert len(found.cases) == 2
    assert found.summary["dsc"].mean == pytest.approx(dsc)
    assert found.summary["dsc"].ci95 == pytest.approx((dsc, dsc))
    assert found.summary["fpv_ml"].mean == pytest.approx(N_DECOY * VOXEL_ML)
    assert found.summary["fnv_ml"].mean == 0.0
    assert found.summary["delta_mtv_percent"].mean == pytest.approx(100 * N_DECOY / N_LESION)
    assert found.summary["delta_suv_mean_percent"].mean == pytest.approx(0.0)
    assert [(size.n_lesions, size.n_found) for size in found.sizes] == [(0, 0), (4, 4), (0, 0), (0, 0)]


def test_results_are_one_json_object_tables_and_a_picture_a_case(deep_psma_data, tmp_path):
    """DESIGN.md, evaluate --json; D27."""
    model = small_models.write_lesion_model(tmp_path)
    run(EvaluateRequest(str(model), deep_psma_data), tmp_path / "out")
    record = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert {"model", "data", "n_cases", "cases", "summary"} <= set(record)
    assert (record["model"], record["n_cases"], len(record["cases"])) == ("all-hot", 2, 2)
    assert all({"mean", "median", "ci95"} <= set(figure) for figure in record["summary"].values())
    assert record["summary"]["dsc"]["mean"] == pytest.approx(record["cases"][0]["dsc"])
    assert "train_0001" in (tmp_path / "out" / "cases.csv").read_text()
    assert len((tmp_path / "out" / "lesions.csv").read_text().splitlines()) == 1 + 4
    assert "| dsc " in (tmp_path / "out" / "report.md").read_text()
    assert len(list((tmp_path / "out" / "error_mips").glob("*.png"))) == 2


def test_paired_model_is_measured_per_tracer_on_its_own_grid(deep_psma_data, tmp_path):
    """D15, D17: the model finds every FDG voxel and no PSMA voxel."""
    model = small_models.write_paired_model(tmp_path)
    found = run(EvaluateRequest(str(model), deep_psma_data), tmp_path / "out")
    assert len(found.cases) == 4
    assert found.summary["fdg_dsc"].mean == pytest.approx(2 * N_LESION / (2 * N_LESION + N_DECOY))
    assert found.summary["psma_dsc"].mean == 0.0
    assert found.summary["psma_fnv_ml"].mean == pytest.approx(N_LESION * VOXEL_ML)
    assert (found.summary["fdg_dsc"].n, found.summary["psma_dsc"].n) == (2, 2)


def test_rules_are_measured_on_the_same_cases_and_the_best_is_named(deep_psma_data, tmp_path):
    """The predicted liver fills the volume, the given one holds the decoy alone."""
    model = small_models.write_lesion_model(tmp_path)
    organs = small_models.write_organ_model(tmp_path)
    request = EvaluateRequest(str(model), deep_psma_data, with_rules=True, organ_model=str(organs))
    found = run(request, tmp_path / "out")
    by_rule = {report.rule: report for report in found.rules}
    assert by_rule[Rule(RuleMethod.MINUS_ORGANS, 0, OrganSource.GIVEN)].dsc == 1.0
    assert by_rule[Rule(RuleMethod.MINUS_ORGANS, 0, OrganSource.PREDICTED)].dsc == 0.0
    (best,) = found.best_rules
    assert best.rule == Rule(RuleMethod.THRESHOLD)
    assert best.margin.mean == pytest.approx(0.0)
    assert "best_rules" in json.loads((tmp_path / "out" / "evaluation.json").read_text())


def test_organ_model_is_measured_organ_by_organ(deep_psma_data, tmp_path):
    model = small_models.write_organ_model(tmp_path)
    found = run(EvaluateRequest(str(model), deep_psma_data), tmp_path / "out")
    n_voxels = int(np.prod(small_data.SHAPE))
    assert found.summary["liver_dsc"].mean == pytest.approx(2 * N_LIVER / (N_LIVER + n_voxels))
    assert "spleen_dsc" not in found.summary
    assert found.rules == ()


def test_classifier_is_measured_at_its_operating_point(tmp_path):
    """W75: two studies with lesions and one without, all called abnormal."""
    data = small_data.write_autopet(tmp_path / "data")
    model = small_models.write_classifier(tmp_path)
    found = run(EvaluateRequest(str(model), data), tmp_path / "out")
    assert found.summary["accuracy"].mean == pytest.approx(2 / 3)
    assert found.summary["balanced_accuracy"].mean == 0.5
    assert found.summary["auc"].mean == 0.5
    record = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    matrix = {"true_positive": 2, "false_positive": 1, "false_negative": 0, "true_negative": 0}
    assert record["confusion_matrix"] == matrix
    strict = run(EvaluateRequest(str(model), data, operating_point="0.9"), tmp_path / "strict")
    assert strict.summary["recall"].mean == 0.0


def test_study_without_lesions_counts_by_its_false_positive_volume_alone(tmp_path):
    """autoPET III: a lesion-free case has no DSC; PSMA's threshold is 3.0 where nothing states it (D02)."""
    data = small_data.write_autopet(tmp_path / "data")
    found = run(EvaluateRequest(str(small_models.write_lesion_model(tmp_path)), data), tmp_path / "out")
    assert (found.summary["dsc"].n, found.summary["fpv_ml"].n) == (2, 3)
    record = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert record["cases"][1]["dsc"] is None
    assert record["cases"][1]["fpv_ml"] == pytest.approx(N_DECOY * VOXEL_ML)


def test_fdg_threshold_that_nothing_states_is_measured_in_the_predicted_liver(tmp_path):
    """D02: liver mean + 2 SD; 0.5 g/ml without spread here, so that every voxel reaches it."""
    data = small_data.write_autopet(tmp_path / "data", tracer="fdg", lesion_free=())
    model = small_models.write_lesion_model(tmp_path, tracers=("fdg",))
    organs = small_models.write_organ_model(tmp_path)
    found = run(EvaluateRequest(str(model), data, organ_model=str(organs)), tmp_path / "out")
    n_voxels = int(np.prod(small_data.SHAPE))
    assert found.summary["dsc"].mean == pytest.approx(2 * N_LESION / (N_LESION + n_voxels))


def test_seen_patients_are_told(deep_psma_data, tmp_path):
    model = small_models.write_lesion_model(tmp_path)
    fold = {"train": ["train_0001"], "validation": ["train_0002"], "test": []}
    (model / "split.json").write_text(json.dumps({"schema": "psma-splits/1", "folds": [fold]}))
    found = run(EvaluateRequest(str(model), deep_psma_data), tmp_path / "out")
    assert "trained on 1 and selected on 1" in found.warnings[0]
    held = run(EvaluateRequest(str(model), deep_psma_data, split="validation"), tmp_path / "held")
    assert [case.patient_id for case in held.cases] == ["train_0002"]
    with pytest.raises(InputRefusedError, match="no patient for test"):
        run(EvaluateRequest(str(model), deep_psma_data, split="test"), tmp_path / "none")


def test_seeds_that_weights_and_data_share_are_told(tmp_path):
    """Test seeds are never used in training: both accounts name theirs."""
    data = small_data.write_deep_psma(tmp_path / "data", patients=("train_0007", "train_0009"))
    for seed in (7, 9):
        stamp = {"seed": seed, "phantom": {"version": "1", "sha256": "0" * 64}}
        (data / f"train_000{seed}" / "simulated.json").write_text(json.dumps(stamp))
    known = small_models.write_lesion_model(tmp_path / "known", trained_on="2 cases, simulated, seeds 3, 6-8, layout x")
    warnings = run(EvaluateRequest(str(known), data), tmp_path / "out").warnings
    assert any("1 of the simulated patients, such as seed 7" in warning for warning in warnings)
    other = small_models.write_lesion_model(
        tmp_path / "other", trained_on="2 cases, simulated, seeds 8, 10-12, layout x"
    )
    found = run(EvaluateRequest(str(other), data), tmp_path / "other-out")
    assert not any("seed" in warning for warning in found.warnings)
    assert found.is_simulated


def test_cases_are_chosen_by_name(deep_psma_data, tmp_path):
    model = small_models.write_lesion_model(tmp_path)
    found = run(EvaluateRequest(str(model), deep_psma_data, cases=("train_0002",)), tmp_path / "out")
    assert [case.case_id for case in found.cases] == ["train_0002_psma"]
    assert found.summary["dsc"].ci95 is None
    with pytest.raises(UsageError, match="nobody"):
        run(EvaluateRequest(str(model), deep_psma_data, cases=("nobody",)), tmp_path / "out")


def test_rules_of_a_model_that_finds_no_lesions_are_refused(deep_psma_data, tmp_path):
    model = small_models.write_organ_model(tmp_path)
    with pytest.raises(UsageError, match="--rule"):
        run(EvaluateRequest(str(model), deep_psma_data, with_rules=True), tmp_path / "out")


def test_altered_weights_are_refused(deep_psma_data, tmp_path):
    model = small_models.write_lesion_model(tmp_path)
    weights = model / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ModelUnfitError):
        run(EvaluateRequest(str(model), deep_psma_data), tmp_path / "out")


def test_empty_folder_has_no_cases(tmp_path):
    model = small_models.write_lesion_model(tmp_path)
    (tmp_path / "data").mkdir()
    with pytest.raises(InputRefusedError):
        run(EvaluateRequest(str(model), tmp_path / "data"), tmp_path / "out")


def test_nan_in_a_case_is_refused_and_the_case_is_named(tmp_path):
    import SimpleITK as sitk

    data = small_data.write_deep_psma(tmp_path / "data", patients=("train_0007",))
    path = str(data / "train_0007" / "PSMA" / "PET.nii.gz")
    picture = sitk.ReadImage(path)
    picture[0, 0, 0] = float("nan")
    sitk.WriteImage(picture, path)
    model = small_models.write_lesion_model(tmp_path)
    with pytest.raises(InputRefusedError, match="train_0007"):
        run(EvaluateRequest(str(model), data), tmp_path / "out")
