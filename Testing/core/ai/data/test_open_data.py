from __future__ import annotations

from pathlib import Path

import pytest

from psmacore.ai.data.open_data import detect_layout, find_cases
from psmacore.errors import InputRefusedError
from Testing.core.ai.data.folders import an_autopet_study, an_nnunet_study
from Testing.core.ai.preprocess.manifests import lesion_manifest


def test_a_folder_of_no_layout_lists_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()

    with pytest.raises(InputRefusedError) as refused:
        find_cases(tmp_path, lesion_manifest())

    for word in ("SUV,CTres,SEG", "imagesTr", "totseg_24", "rigid.tfm", "RTSTRUCT"):
        assert word in str(refused.value)


def test_an_empty_folder_is_no_layout(tmp_path: Path) -> None:
    with pytest.raises(InputRefusedError, match="no data set of a known layout"):
        detect_layout(tmp_path)


def test_a_folder_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(InputRefusedError, match="'nothing' is not a folder"):
        find_cases(tmp_path / "nothing", lesion_manifest())


def test_a_patient_without_study_folders_is_no_autopet_patient(tmp_path: Path) -> None:
    (tmp_path / "PETCT_aa").mkdir()

    with pytest.raises(InputRefusedError, match="no data set of a known layout"):
        detect_layout(tmp_path)


def test_a_data_set_of_the_other_tracer_has_no_case(tmp_path: Path) -> None:
    an_autopet_study(tmp_path / "PETCT_aa" / "study")

    with pytest.raises(InputRefusedError, match=r"has no case for small-lesion_segmentation \(tracer: psma\)"):
        find_cases(tmp_path, lesion_manifest("psma"))


def test_names_of_single_tracers_count_for_their_family(tmp_path: Path) -> None:
    an_nnunet_study(tmp_path, "psma_aa_2018-01-01")
    an_nnunet_study(tmp_path, "fdg_bb_2018-01-01")

    refs = find_cases(tmp_path, lesion_manifest("68Ga-PSMA-11", "18F-DCFPyL"))

    assert [ref.tracer for ref in refs] == ["psma"]
