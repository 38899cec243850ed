from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from psmacore.ai.data.open_data import find_cases, load_case
from psmacore.errors import GeometryError, InputRefusedError
from psmacore.registry.manifest import ChannelName
from Testing.core.ai.data.folders import PET_GRID, a_ct, a_pet, an_autopet_study, an_nnunet_study, write
from Testing.core.ai.preprocess.grids import an_oblique_grid
from Testing.core.ai.preprocess.manifests import lesion_manifest, paired_manifest, study_manifest


@pytest.fixture
def an_autopet_folder(tmp_path: Path) -> Path:
    an_autopet_study(tmp_path / "PETCT_aa" / "01-01-2001-NA-PET-CT-1", seed=1)
    an_autopet_study(tmp_path / "PETCT_aa" / "02-02-2002-NA-PET-CT-2", seed=2, has_lesion=False)
    an_autopet_study(tmp_path / "PETCT_bb" / "03-03-2003-NA-PET-CT-3", seed=3)
    (tmp_path / "readme.txt").write_text("text")
    return tmp_path


@pytest.fixture
def an_nnunet_folder(tmp_path: Path) -> Path:
    an_nnunet_study(tmp_path, "fdg_aa_01-01-2001-NA-PET-CT Ganzkoerper  mit KM-1", seed=1)
    an_nnunet_study(tmp_path, "psma_bb_2018-04-16", seed=2)
    an_nnunet_study(tmp_path, "psma_bb_2019-04-16", seed=3, has_lesion=False)
    return tmp_path


def test_studies_of_one_patient_share_the_patient(an_autopet_folder: Path) -> None:
    """W70: loader for NIfTI SUV/CTres/SEG; split by patient, not by scan."""
    refs = find_cases(an_autopet_folder, lesion_manifest("fdg"))

    assert [ref.patient_id for ref in refs] == ["PETCT_aa", "PETCT_aa", "PETCT_bb"]
    assert len({ref.case_id for ref in refs}) == 3
    assert {ref.tracer for ref in refs} == {"fdg"}


def test_a_study_is_read_in_lps_with_its_units(an_autopet_folder: Path) -> None:
    ref = find_cases(an_autopet_folder, lesion_manifest("fdg"))[0]

    case = load_case(ref, lesion_manifest("fdg"))

    assert case.geometry.is_same_grid(PET_GRID, tolerance_mm=1e-3)
    assert np.array_equal(case.channels[ChannelName.PET], a_pet(PET_GRID, 1))
    assert np.array_equal(case.channels[ChannelName.CT], a_ct(PET_GRID))
    assert case.target is not None
    assert case.target.sum() == 2 * 3 * 5
    assert case.target[3, 5, 8] == 1
    assert case.thresholds_suv == {}


def test_a_classifier_reads_pet_and_whether_there_is_a_lesion(an_autopet_folder: Path) -> None:
    """W71: PET only, binary label."""
    refs = find_cases(an_autopet_folder, study_manifest())

    cases = [load_case(ref, study_manifest()) for ref in refs]

    assert [case.has_lesion for case in cases] == [True, False, True]
    assert all(set(case.channels) == {ChannelName.PET} for case in cases)
    assert all(case.target is None for case in cases)


def test_a_mask_outweighs_the_patients_diagnosis(an_autopet_folder: Path) -> None:
    """A follow-up without lesion of a patient with lymphoma is a study without lesion."""
    (an_autopet_folder / "Clinical Metadata FDG PET_CT Lesions.csv").write_text(
        "Subject ID,Study UID,diagnosis\nPETCT_aa,1.2,LYMPHOMA\n"
    )
    ref = find_cases(an_autopet_folder, study_manifest())[1]

    assert load_case(ref, study_manifest()).has_lesion is False


def test_without_a_mask_only_a_negative_diagnosis_is_believed(an_autopet_folder: Path) -> None:
    for study in sorted(an_autopet_folder.glob("PETCT_*/*")):
        (study / "SEG.nii.gz").unlink()
    (an_autopet_folder / "fdg_metadata.csv").write_text("Subject ID,diagnosis\nPETCT_aa,LYMPHOMA\nPETCT_bb,NEGATIVE\n")
    refs = find_cases(an_autopet_folder, study_manifest())

    assert [load_case(ref, study_manifest()).has_lesion for ref in refs] == [None, None, False]


def test_the_nnunet_form_holds_both_tracers(an_nnunet_folder: Path) -> None:
    refs = find_cases(an_nnunet_folder, lesion_manifest("psma", "fdg"))

    assert [ref.tracer for ref in refs] == ["fdg", "psma", "psma"]
    assert [ref.patient_id for ref in refs] == ["fdg_aa", "psma_bb", "psma_bb"]


def test_a_psma_model_sees_no_fdg_study(an_nnunet_folder: Path) -> None:
    refs = find_cases(an_nnunet_folder, lesion_manifest("psma"))

    assert {ref.tracer for ref in refs} == {"psma"}


def test_the_nnunet_forms_channel_0_is_ct_and_channel_1_suv(an_nnunet_folder: Path) -> None:
    ref = find_cases(an_nnunet_folder, lesion_manifest("psma"))[0]

    case = load_case(ref, lesion_manifest("psma"))

    assert np.array_equal(case.channels[ChannelName.PET], a_pet(PET_GRID, 2))
    assert np.array_equal(case.channels[ChannelName.CT], a_ct(PET_GRID))
    assert case.target is not None
    assert np.argwhere(case.target).tolist() == [[1, 2, 3]]


def test_half_a_study_is_named(an_autopet_folder: Path) -> None:
    (an_autopet_folder / "PETCT_bb" / "03-03-2003-NA-PET-CT-3" / "CTres.nii.gz").unlink()

    with pytest.raises(InputRefusedError, match=r"missing: PETCT_bb/03-03-2003-NA-PET-CT-3/CTres\.nii\.gz"):
        find_cases(an_autopet_folder, lesion_manifest("fdg"))


def test_a_file_the_task_does_not_read_may_be_missing(an_autopet_folder: Path) -> None:
    (an_autopet_folder / "PETCT_bb" / "03-03-2003-NA-PET-CT-3" / "CTres.nii.gz").unlink()

    assert len(find_cases(an_autopet_folder, study_manifest())) == 3


def test_a_mask_on_another_grid_is_named(an_autopet_folder: Path) -> None:
    study = an_autopet_folder / "PETCT_bb" / "03-03-2003-NA-PET-CT-3"
    other = an_oblique_grid(shape=PET_GRID.shape, spacing_ijk_mm=(4.0, 4.0, 5.1))
    write(study / "SEG.nii.gz", np.zeros(other.shape, np.uint8), other)
    ref = find_cases(an_autopet_folder, lesion_manifest("fdg"))[2]

    with pytest.raises(GeometryError, match=r"SEG\.nii\.gz .* and .*SUV\.nii\.gz .* must lie on one grid"):
        load_case(ref, lesion_manifest("fdg"))


def test_not_a_number_is_named_by_its_file(an_autopet_folder: Path) -> None:
    study = an_autopet_folder / "PETCT_bb" / "03-03-2003-NA-PET-CT-3"
    pet = a_pet(PET_GRID, 3)
    pet[0, 0, 0] = np.nan
    write(study / "SUV.nii.gz", pet, PET_GRID)
    ref = find_cases(an_autopet_folder, lesion_manifest("fdg"))[2]

    with pytest.raises(InputRefusedError, match=r"SUV\.nii\.gz holds 1 voxels that are no finite number"):
        load_case(ref, lesion_manifest("fdg"))


def test_a_mask_of_fractions_is_refused(an_autopet_folder: Path) -> None:
    study = an_autopet_folder / "PETCT_bb" / "03-03-2003-NA-PET-CT-3"
    write(study / "SEG.nii.gz", np.full(PET_GRID.shape, 0.5, np.float32), PET_GRID)
    ref = find_cases(an_autopet_folder, lesion_manifest("fdg"))[2]

    with pytest.raises(InputRefusedError, match="fractions"):
        load_case(ref, lesion_manifest("fdg"))


def test_a_truncated_file_is_named(an_autopet_folder: Path) -> None:
    path = an_autopet_folder / "PETCT_bb" / "03-03-2003-NA-PET-CT-3" / "SUV.nii.gz"
    path.write_bytes(path.read_bytes()[:200])
    ref = find_cases(an_autopet_folder, lesion_manifest("fdg"))[2]

    with pytest.raises(InputRefusedError, match=r"SUV\.nii\.gz cannot be read"):
        load_case(ref, lesion_manifest("fdg"))


def test_a_volume_of_several_frames_is_refused(an_autopet_folder: Path) -> None:
    path = an_autopet_folder / "PETCT_bb" / "03-03-2003-NA-PET-CT-3" / "SUV.nii.gz"
    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 4, 4, 2), np.float32), np.eye(4)), path)
    ref = find_cases(an_autopet_folder, lesion_manifest("fdg"))[2]

    with pytest.raises(InputRefusedError, match="not one scalar volume"):
        load_case(ref, lesion_manifest("fdg"))


def test_a_paired_model_cannot_be_trained_on_single_studies(an_autopet_folder: Path) -> None:
    with pytest.raises(InputRefusedError, match="the autopet layout serves lesion_segmentation, study_classification"):
        find_cases(an_autopet_folder, paired_manifest())
