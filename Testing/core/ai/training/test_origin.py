from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from psmacore.ai.data.case import CaseRef, Layout
from psmacore.ai.training.origin import describe_training, trained_further
from psmacore.errors import InputRefusedError
from psmacore.registry.catalog import find_model


def refs(data: Path, n: int, layout: Layout = Layout.DEEP_PSMA) -> list[CaseRef]:
    return [CaseRef(f"case{number}", f"patient{number}", layout, data / f"patient{number}") for number in range(n)]


def mark(path: Path, *, seed: object, version: str = "2.0") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {"simulated": True, "seed": seed, "phantom": {"version": version, "sha256": "ab" * 32}}
    path.write_text(json.dumps(record))


def test_real_cases_carry_their_own_terms(tmp_path: Path) -> None:
    """D29: weights of DEEP-PSMA's data are non-commercial."""
    training = describe_training(tmp_path, refs(tmp_path, 2), licence="Apache-2.0")

    assert not training.is_simulated
    assert training.data.startswith("2 cases of 2 patients in the layout of DEEP-PSMA (CC BY-NC 4.0")
    assert training.licence == "as the training data"
    assert training.phantom_sha256 == ""


def test_simulated_cases_are_called_so_with_their_phantom(tmp_path: Path) -> None:
    for number, seed in enumerate((7, 8, 11)):
        mark(tmp_path / f"patient{number}" / "simulated.json", seed=seed)

    training = describe_training(tmp_path, refs(tmp_path, 3), licence="Apache-2.0")

    assert training.is_simulated
    assert training.data == "3 cases of 3 patients, simulated, seeds 7-8, 11, layout deep-psma"
    assert (training.licence, training.phantom_version, training.phantom_sha256) == ("Apache-2.0", "2.0", "ab" * 32)


def test_terms_of_the_weights_begun_with_stay(tmp_path: Path) -> None:
    """D29: what was learnt from non-commercial data is not free of it after a training on other data."""
    real = describe_training(tmp_path, refs(tmp_path, 2), licence="Apache-2.0")
    for number in range(3):
        mark(tmp_path / f"patient{number}" / "simulated.json", seed=number)
    simulated = describe_training(tmp_path, refs(tmp_path, 3), licence="Apache-2.0")
    start = replace(find_model("lesion-unet-psma").manifest, training=real, weights_sha256="ab" * 32)

    training = trained_further(simulated, start)

    assert training.licence == "Apache-2.0; as the training data"
    assert training.is_simulated
    assert training.data.startswith(simulated.data)
    assert training.data.endswith(f"({'ab' * 32}), trained on: {real.data}")


def test_markers_lie_beside_the_images_where_all_cases_share_a_folder(tmp_path: Path) -> None:
    mark(tmp_path / "simulated" / "psma_01_2024-01-01.json", seed=3)
    ref = CaseRef("psma_01_2024-01-01", "01", Layout.AUTOPET, tmp_path)

    assert describe_training(tmp_path, [ref], licence="").is_simulated


def test_a_marker_of_the_patient_counts_for_the_study(tmp_path: Path) -> None:
    mark(tmp_path / "PETCT_1" / "simulated.json", seed=3)
    ref = CaseRef("PETCT_1/study", "PETCT_1", Layout.AUTOPET, tmp_path / "PETCT_1" / "study")

    assert describe_training(tmp_path, [ref], licence="").is_simulated


def test_one_simulated_case_makes_the_training_simulated(tmp_path: Path) -> None:
    mark(tmp_path / "patient1" / "simulated.json", seed=1)

    training = describe_training(tmp_path, refs(tmp_path, 3), licence="Apache-2.0")

    assert training.is_simulated
    assert "1 cases of them simulated" in training.data
    assert training.licence == "as the training data"


def test_cases_of_two_phantoms_are_refused(tmp_path: Path) -> None:
    mark(tmp_path / "patient0" / "simulated.json", seed=1)
    mark(tmp_path / "patient1" / "simulated.json", seed=2, version="1.0")

    with pytest.raises(InputRefusedError, match=r"different phantoms \(versions 1\.0, 2\.0\)"):
        describe_training(tmp_path, refs(tmp_path, 2), licence="")


def test_a_broken_marker_is_never_passed_over(tmp_path: Path) -> None:
    (tmp_path / "patient0").mkdir()
    (tmp_path / "patient0" / "simulated.json").write_text("{")

    with pytest.raises(InputRefusedError, match=r"simulated\.json cannot be read"):
        describe_training(tmp_path, refs(tmp_path, 1), licence="")
