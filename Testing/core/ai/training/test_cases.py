from __future__ import annotations

import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from psmacore.ai.data.case import Layout  # noqa: E402
from psmacore.ai.data.open_data import find_cases, load_case  # noqa: E402
from psmacore.ai.preprocess.prepare import prepare, prepare_target  # noqa: E402
from psmacore.ai.training import cases as cases_module  # noqa: E402
from psmacore.ai.training.cases import PreparedCases, prepare_case, with_measured_constants  # noqa: E402
from psmacore.errors import InputRefusedError  # noqa: E402
from psmacore.registry.manifest import InputChannel, Manifest, Normalisation  # noqa: E402
from Testing.core.ai.preprocess.manifests import (  # noqa: E402
    lesion_manifest,
    organ_manifest,
    paired_manifest,
    study_manifest,
)


def thresholded(manifest: Manifest) -> Manifest:
    return replace(manifest, validity=replace(manifest.validity, is_thresholded=True))


def unmeasured_study() -> Manifest:
    (pet,) = study_manifest().inputs
    return replace(study_manifest(), inputs=(InputChannel(pet.name, pet.unit, Normalisation.Z_SCORE),))


def test_a_prepared_case_is_what_inference_would_read(a_data_set: Path, tmp_path: Path) -> None:
    manifest = paired_manifest()
    ref = find_cases(a_data_set, manifest)[0]
    case = load_case(ref, manifest)
    expected = prepare(manifest, case.geometry, case.channels, case.thresholds_suv)

    (item,) = PreparedCases(manifest, [ref], tmp_path / "cases")

    assert np.array_equal(item["image"].numpy(), expected.image)
    assert case.target is not None
    assert np.array_equal(item["label"].numpy(), prepare_target(manifest, case.target, expected))
    assert item["voxel_ml"] == pytest.approx(expected.geometry.voxel_volume_ml)


def test_a_case_is_read_once_and_then_kept(a_data_set: Path, tmp_path: Path) -> None:
    manifest = thresholded(paired_manifest())
    cases = PreparedCases(manifest, find_cases(a_data_set, manifest)[:1], tmp_path / "cases")
    first = cases[0]
    shutil.rmtree(a_data_set)

    again = cases[0]

    assert torch.equal(first["image"], again["image"])
    assert torch.equal(first["label"], again["label"])
    assert first["gate_levels"] == again["gate_levels"] == [0.0, 0.0]


def test_what_a_training_does_to_a_case_does_not_reach_its_file(a_data_set: Path, tmp_path: Path) -> None:
    manifest = lesion_manifest("psma")
    cases = PreparedCases(manifest, find_cases(a_data_set, manifest)[:1], tmp_path / "cases")
    before = cases[0]["image"].clone()

    cases[0]["image"].zero_()

    assert torch.equal(cases[0]["image"], before)


def test_another_models_prepared_cases_are_not_taken(a_data_set: Path, tmp_path: Path) -> None:
    one = lesion_manifest("psma")
    other = replace(one, inputs=one.inputs[:1])
    ref = find_cases(a_data_set, one)[0]

    kept = [PreparedCases(manifest, [ref], tmp_path / "cases")[0]["image"] for manifest in (one, other)]

    assert [image.shape[0] for image in kept] == [2, 1]


def test_what_a_killed_process_left_half_written_is_not_read(a_data_set: Path, tmp_path: Path) -> None:
    manifest = lesion_manifest("psma")
    cases = PreparedCases(manifest, find_cases(a_data_set, manifest)[:1], tmp_path / "cases")
    image = cases[0]["image"].clone()
    (record,) = (tmp_path / "cases").glob("*.json")
    (values,) = (tmp_path / "cases").glob("*-image.npy")
    record.unlink()
    values.write_bytes(b"half")

    assert torch.equal(cases[0]["image"], image)


def test_a_full_disk_keeps_nothing_and_goes_on(
    a_data_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(cases_module.shutil, "disk_usage", lambda _path: usage(1, 1, 1))
    manifest = lesion_manifest("psma")
    cases = PreparedCases(manifest, find_cases(a_data_set, manifest)[:1], tmp_path / "cases")

    assert torch.equal(cases[0]["image"], cases[0]["image"])
    assert list((tmp_path / "cases").iterdir()) == []


def test_thresholds_become_levels_of_the_normalised_channel(a_data_set: Path, tmp_path: Path) -> None:
    """3 g/ml of 0 to 15 is 0.2 (W80, D02)."""
    manifest = thresholded(lesion_manifest("psma"))
    (item,) = PreparedCases(manifest, find_cases(a_data_set, manifest)[:1], tmp_path / "cases")

    assert item["gate_levels"] == pytest.approx([0.2])


def test_a_gated_model_needs_the_cases_threshold(a_data_set: Path) -> None:
    manifest = thresholded(lesion_manifest("psma"))
    case = load_case(find_cases(a_data_set, manifest)[0], manifest)

    with pytest.raises(InputRefusedError, match="states no SUV threshold for pet"):
        prepare_case(manifest, replace(case, thresholds_suv={}, ref=replace(case.ref, tracer="fdg")))


@pytest.mark.parametrize(("tracer", "expected"), [("psma", [0.2]), ("fdg", None)])
def test_autopet_states_no_threshold_and_psma_has_its_own(
    tracer: str, expected: list[float] | None, a_data_set: Path
) -> None:
    """D02: 3 g/ml for PSMA; FDG's needs the liver, so that such a case is not gated."""
    manifest = thresholded(lesion_manifest(tracer))
    case = load_case(find_cases(a_data_set, manifest)[0], manifest)
    ref = replace(case.ref, tracer=tracer, layout=Layout.AUTOPET)

    found = prepare_case(manifest, replace(case, thresholds_suv={}, ref=ref))["gate_levels"]

    assert found == (None if expected is None else pytest.approx(expected))


def test_a_case_without_a_target_is_named(a_data_set: Path) -> None:
    manifest = lesion_manifest("psma")
    case = load_case(find_cases(a_data_set, manifest)[0], manifest)

    with pytest.raises(InputRefusedError, match="train_0000_psma has no segmentation to learn from"):
        prepare_case(manifest, replace(case, target=None))


@pytest.mark.parametrize("has_lesion", [True, False])
def test_a_study_is_labelled_by_its_lesions(has_lesion: bool, a_data_set: Path) -> None:
    """W71."""
    case = load_case(find_cases(a_data_set, study_manifest())[0], study_manifest())
    item = prepare_case(study_manifest(), replace(case, has_lesion=has_lesion))

    assert item["label"].tolist() == [float(has_lesion)]
    assert item["image"].shape == (1, 16, 16, 16)


def test_mean_and_sd_are_those_of_the_training_cases(a_data_set: Path) -> None:
    """W72: after z-scoring with them, the cases have mean 0 and SD 1."""
    refs = find_cases(a_data_set, unmeasured_study())[:3]

    measured = with_measured_constants(unmeasured_study(), refs)

    values = np.concatenate([prepare_case(measured, load_case(ref, measured))["image"].ravel() for ref in refs])
    assert values.mean() == pytest.approx(0, abs=1e-4)
    assert values.std() == pytest.approx(1, abs=1e-4)


def test_a_model_without_z_scores_is_measured_nothing() -> None:
    manifest = organ_manifest(5)

    assert with_measured_constants(manifest, ()) is manifest
