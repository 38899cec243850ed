"""A simulated autoPET data set is laid out as the published ones, with folds by patient and lesions as asked."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from psmacore.errors import CancelledError, UsageError
from psmacore.phantom.layout_autopet import write_autopet_case, write_index
from psmacore.phantom.layout_common import CaseRequest, is_negative


def put_marker(folder: Path, case: str, patient: str, *, is_negative: bool = False) -> None:
    kind = "FDG" if case.startswith("fdg") else "PSMA"
    marker = {
        "patient_id": patient,
        "case": case,
        "subject_id": f"{'PETCT' if kind == 'FDG' else 'PSMA'}_{case.split('_')[1]}",
        "study": case.split("_")[2],
        "age_y": 70,
        "radionuclide": "18F",
        "is_negative": is_negative,
        "studies": {kind: {"date": "2023-04-05"}},
    }
    folder.mkdir(exist_ok=True)
    (folder / f"{case}.json").write_text(json.dumps(marker))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_study_is_two_channels_and_a_label_on_one_grid(an_autopet_folder: Path):
    """W70: CT on the PET grid, SUV and segmentation."""
    labels = list((an_autopet_folder / "labelsTr").iterdir())
    assert len(labels) == 1
    case = labels[0].name.removesuffix(".nii.gz")
    ct, suv = (sitk.ReadImage(an_autopet_folder / "imagesTr" / f"{case}_{n}.nii.gz") for n in ("0000", "0001"))
    label = sitk.ReadImage(labels[0])
    assert ct.GetSize() == suv.GetSize() == label.GetSize()
    assert ct.GetOrigin() == suv.GetOrigin() == label.GetOrigin()
    assert case.startswith("fdg_")
    assert len(case.split("_")[1]) == 10


def test_channels_are_in_hu_and_suv_and_air_beyond_the_ct(an_autopet_folder: Path):
    images = sorted((an_autopet_folder / "imagesTr").iterdir())
    ct, suv = (sitk.GetArrayFromImage(sitk.ReadImage(path)) for path in images)
    body = ct > -300
    assert np.unique(ct[:, :4, :4]) == [-1024]
    assert -30 < np.median(ct[body]) < 70
    assert 0.2 < suv[body].mean() < 3.0
    assert suv[~body].mean() < 0.2


def test_the_label_is_the_markers_disease(an_autopet_folder: Path):
    marker = json.loads(next((an_autopet_folder / "simulated").iterdir()).read_text())
    image = sitk.ReadImage(next((an_autopet_folder / "labelsTr").iterdir()))
    label = sitk.GetArrayFromImage(image)
    volume_ml = float(label.sum() * np.prod(image.GetSpacing()) / 1000)
    assert set(np.unique(label)) == {0, 1}
    assert marker["studies"]["FDG"]["burden_ml"] == pytest.approx(volume_ml, rel=1e-4)
    assert marker["is_negative"] is False


def test_the_description_is_what_nnunet_asks_for(an_autopet_folder: Path):
    description = json.loads((an_autopet_folder / "dataset.json").read_text())
    assert set(description["channel_names"]) == {"0", "1"}
    assert description["labels"] == {"background": 0, "tumor": 1}
    assert (description["numTraining"], description["file_ending"]) == (1, ".nii.gz")


def test_metadata_lead_from_subject_and_file_location_to_the_case(an_autopet_folder: Path):
    (row,) = rows_of(an_autopet_folder / "fdg_metadata.csv")
    parts = row["File Location"].split("/")
    case = f"fdg_{parts[2].removeprefix('PETCT_')}_{parts[3]}"
    assert (an_autopet_folder / "labelsTr" / f"{case}.nii.gz").exists()
    assert row["Subject ID"] == parts[2]
    assert (row["diagnosis"], row["sex"]) == ("PROSTATE_CANCER", "M")


def test_folds_keep_all_studies_of_a_patient_on_one_side(tmp_path: Path):
    """W70: split by patient, not by scan."""
    for number in range(7):
        put_marker(tmp_path / "simulated", f"psma_{number:016x}_2023-04-05", f"PHANTOM-{number:04d}")
        put_marker(tmp_path / "simulated", f"fdg_{number:010x}_04-05-2023-NA", f"PHANTOM-{number:04d}")
    write_index(tmp_path)
    folds = json.loads((tmp_path / "splits_final.json").read_text())
    assert len(folds) == 5
    assert sorted(case for fold in folds for case in fold["val"]) == sorted(
        path.stem for path in (tmp_path / "simulated").iterdir()
    )
    for fold in folds:
        train, val = ({int(case.split("_")[1], 16) for case in fold[side]} for side in ("train", "val"))
        assert train
        assert val
        assert not train & val


def test_two_patients_give_two_folds_and_one_gives_none(tmp_path: Path):
    put_marker(tmp_path / "simulated", "psma_a_2023-04-05", "PHANTOM-0001")
    write_index(tmp_path)
    assert json.loads((tmp_path / "splits_final.json").read_text()) == []
    put_marker(tmp_path / "simulated", "psma_b_2023-04-05", "PHANTOM-0002")
    write_index(tmp_path)
    assert len(json.loads((tmp_path / "splits_final.json").read_text())) == 2


def test_a_study_without_lesions_is_negative_in_the_metadata(tmp_path: Path):
    """W71: the classifier's label."""
    put_marker(tmp_path / "simulated", "fdg_a_04-05-2023-NA", "PHANTOM-0001", is_negative=True)
    put_marker(tmp_path / "simulated", "fdg_b_04-05-2023-NA", "PHANTOM-0002")
    write_index(tmp_path)
    assert [row["diagnosis"] for row in rows_of(tmp_path / "fdg_metadata.csv")] == ["NEGATIVE", "PROSTATE_CANCER"]


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0), (0.1, 10), (0.25, 25), (0.5, 50), (1.0, 100)])
def test_the_share_of_negatives_is_exact_in_a_row_of_seeds(share: float, expected: int):
    assert sum(is_negative(seed, share) for seed in range(300, 400)) == expected


def test_a_share_beyond_one_is_refused():
    with pytest.raises(UsageError, match=r"1\.5"):
        is_negative(3, 1.5)


def test_lesions_and_negatives_exclude_each_other(tmp_path: Path):
    with pytest.raises(UsageError, match="not both"):
        write_autopet_case(tmp_path, CaseRequest(3, n_lesions=2, quick=True), negatives=0.5)


def test_the_tree_is_refused_for_a_psma_tracer(tmp_path: Path):
    with pytest.raises(UsageError, match="psma-11"):
        write_autopet_case(tmp_path, CaseRequest(3, quick=True), form="tree")


def test_an_equal_study_is_kept_and_another_one_refused(an_autopet_folder: Path):
    path = next((an_autopet_folder / "labelsTr").iterdir())
    before = path.stat().st_mtime_ns
    write_autopet_case(an_autopet_folder, CaseRequest(20, tracer="fdg", n_lesions=8, quick=True))
    assert path.stat().st_mtime_ns == before
    with pytest.raises(UsageError, match="already holds"):
        write_autopet_case(an_autopet_folder, CaseRequest(20, tracer="fdg", n_lesions=7, quick=True))


@pytest.mark.parametrize("at", ["simulating", pytest.param("writing", marks=pytest.mark.slow)])
def test_a_study_that_is_interrupted_leaves_no_file(tmp_path: Path, at: str):
    def stop(stage: str, fraction: float) -> None:
        if stage == at:
            raise CancelledError("stopped by the test")

    with pytest.raises(CancelledError):
        write_autopet_case(tmp_path, CaseRequest(3, n_lesions=0, quick=True), on_progress=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_tree_holds_the_files_of_fdg_pet_ct_lesions(tmp_path: Path):
    """W70."""
    marker = write_autopet_case(tmp_path, CaseRequest(21, tracer="fdg", quick=True), negatives=0.5, form="tree")
    write_index(tmp_path, form="tree")
    names = {"SUV.nii.gz", "CTres.nii.gz", "CT.nii.gz", "SEG.nii.gz", "PET.nii.gz", "simulated.json"}
    assert {path.name for path in marker.parent.iterdir()} == names
    assert marker.parent.parent.name.startswith("PETCT_")
    suv, activity, seg = (
        sitk.GetArrayFromImage(sitk.ReadImage(marker.parent / f"{name}.nii.gz")) for name in ("SUV", "PET", "SEG")
    )
    seen = suv > 0.1
    assert np.ptp(activity[seen] / suv[seen]) / np.median(activity[seen] / suv[seen]) < 1e-5
    assert not seg.any()
    (row,) = rows_of(tmp_path / "fdg_metadata.csv")
    assert row["diagnosis"] == "NEGATIVE"
