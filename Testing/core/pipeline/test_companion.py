"""The other tracer's study: whose it must be, which tracer, and how it is brought to the study."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from psmacore.errors import InputRefusedError, StudyContentError
from psmacore.pipeline.companion import beside, load_companion
from psmacore.pipeline.load import LoadedStudy, load_study
from psmacore.pipeline.request import AnalyseRequest
from Testing.core.cli import simulated_study

Edit = Callable[[Dataset, int], None]


def as_fdg(one: Dataset, _k: int) -> None:
    """Turn an image into one of FDG with F-18."""
    (drug,) = one.RadiopharmaceuticalInformationSequence
    drug.Radiopharmaceutical, drug.RadionuclideHalfLife = "FDG", "6586.2"
    (nuclide,) = drug.RadionuclideCodeSequence
    nuclide.CodeValue, nuclide.CodeMeaning = "77004003", "F-18"


def write(folder: Path, edit: Edit | None = None, **parts: object) -> Path:
    return simulated_study.write_study(folder, edit, **parts).folder


@pytest.fixture
def a_psma_study(tmp_path: Path) -> LoadedStudy:
    folder = write(tmp_path / "psma", frame_of_reference_uid="2.25.9")
    return load_study(AnalyseRequest(dicom=folder), folder)


def test_the_other_tracer_of_the_same_patient_is_a_companion(a_psma_study: LoadedStudy, tmp_path: Path) -> None:
    other = load_companion(a_psma_study, write(tmp_path / "fdg", as_fdg), None)
    assert other.tracer.meaning == "[18F]FDG"


def test_one_of_several_studies_is_chosen_by_its_uid(a_psma_study: LoadedStudy, tmp_path: Path) -> None:
    write(tmp_path / "both" / "psma")
    write(tmp_path / "both" / "fdg", as_fdg, study_uid="2.25.4711")
    other = load_companion(a_psma_study, tmp_path / "both", "2.25.4711")
    assert other.pet.header.study_uid == "2.25.4711"


def test_another_patients_study_is_refused_without_telling_whose(a_psma_study: LoadedStudy, tmp_path: Path) -> None:
    def of_another(one: Dataset, k: int) -> None:
        as_fdg(one, k)
        one.PatientID = "SIM-9999"

    with pytest.raises(InputRefusedError, match="another patient") as refusal:
        load_companion(a_psma_study, write(tmp_path / "fdg", of_another), None)
    assert "SIM-" not in str(refusal.value)


def test_the_same_tracer_and_the_study_itself_are_refused(a_psma_study: LoadedStudy, tmp_path: Path) -> None:
    with pytest.raises(InputRefusedError, match="the other tracer of PSMA and FDG"):
        load_companion(a_psma_study, write(tmp_path / "again"), None)
    with pytest.raises(InputRefusedError, match="the study itself"):
        load_companion(a_psma_study, tmp_path / "psma", None)


def test_one_frame_of_reference_needs_no_registration(a_psma_study: LoadedStudy, tmp_path: Path) -> None:
    other = load_companion(a_psma_study, write(tmp_path / "fdg", as_fdg, frame_of_reference_uid="2.25.9"), None)
    companion = beside(a_psma_study.images, other.images)
    assert np.array_equal(companion.companion_lps_from_lps, np.eye(4))
    assert "Frame of Reference" in companion.registration


def test_two_frames_of_reference_need_two_cts(a_psma_study: LoadedStudy, tmp_path: Path) -> None:
    other = load_companion(a_psma_study, write(tmp_path / "fdg", as_fdg), None)
    with pytest.raises(StudyContentError, match="CT"):
        beside(a_psma_study.images, other.images)
