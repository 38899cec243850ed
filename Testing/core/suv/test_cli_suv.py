"""``psma suv``: its JSON contract, exit codes, NIfTI files and refusals (W07, W09)."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from psmacore.cli import suv as command
from psmacore.errors import PsmaError, UsageError

ROOT = Path(__file__).resolve().parents[3]
WriteSeries = Callable[..., Path]
KEYS = {
    "series_uid",
    "units",
    "suv_type_stored",
    "decay_correction",
    "factor_g_per_bq",
    "factors",
    "nifti",
    "derivation",
    "warnings",
    "refused",
}
GA68_FACTOR = 80_000 / 150e6 * 2 ** (3600 / 4057.7)


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def series(self) -> list[dict[str, Any]]:
        answer = json.loads(self.out)
        assert set(answer) == {"series"}
        return list(answer["series"])


@pytest.fixture
def psma_suv(capfd: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Runs the command in this process; its errors become exit codes as in ``psma``."""

    def run(*arguments: object) -> Outcome:
        parser = argparse.ArgumentParser()
        command.add_parser(parser.add_subparsers())
        message = ""
        try:
            code = command.run(parser.parse_args(["suv", *map(str, arguments)]))
        except PsmaError as error:
            code, message = error.exit_code, str(error)
        captured = capfd.readouterr()
        return Outcome(code, captured.out, captured.err + message)

    return run


def test_json_answers_the_contract(psma_suv: Callable[..., Outcome], a_series_folder: WriteSeries) -> None:
    outcome = psma_suv(a_series_folder(SeriesInstanceUID="1.2.3.4"), "--json")
    (entry,) = outcome.series
    assert outcome.code == 0
    assert set(entry) == KEYS
    assert set(entry["factors"]) == {"bw", "lbm", "lbm_james128", "lbm_janma", "bsa", "ibw"}
    assert entry["series_uid"] == "1.2.3.4"
    assert (entry["units"], entry["suv_type_stored"], entry["decay_correction"]) == ("BQML", None, "START")
    assert entry["factor_g_per_bq"] == pytest.approx(GA68_FACTOR, rel=1e-9)
    assert entry["factors"]["lbm_janma"] == pytest.approx(9270 / (6680 + 216 * 80 / 1.8**2), rel=1e-9)
    assert entry["nifti"] is None
    assert entry["refused"] is None
    assert any("(0018,1074)" in step for step in entry["derivation"])


def test_nifti_holds_suvbw_of_each_slope_on_the_scanners_grid(
    psma_suv: Callable[..., Outcome], a_series_folder: WriteSeries, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "out"
    (entry,) = psma_suv(a_series_folder(SeriesInstanceUID="1.2.3.4"), "--json", "--out", out).series
    assert [path.name for path in out.iterdir()] == ["1.2.3.4_suvbw.nii.gz"]
    assert Path(entry["nifti"]) == out / "1.2.3.4_suvbw.nii.gz"
    stored = np.arange(15).reshape(3, 5)[None] + 100 * np.arange(4)[:, None, None] + 1000
    expected = stored * (0.5 * np.arange(1, 5))[:, None, None] * GA68_FACTOR
    image: Any = sitk.ReadImage(entry["nifti"])
    assert sitk.GetArrayFromImage(image) == pytest.approx(expected, rel=1e-6)
    assert image.GetPixelID() == sitk.sitkFloat32
    assert image.GetOrigin() == pytest.approx((-30.0, 12.0, 100.0), abs=1e-4)
    assert image.GetSpacing() == pytest.approx((2.0, 4.0, 3.0), abs=1e-5)
    # NIfTI is RAS: L and P change sign; column n of the affine is one step along i, j, k
    lps = np.array([[2 * 0.8660254, 4 * -0.5, 0, -30], [2 * 0.5, 4 * 0.8660254, 0, 12], [0, 0, 3, 100], [0, 0, 0, 1]])
    ras: Any = nibabel.load(entry["nifti"])
    assert ras.affine == pytest.approx(np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps, abs=1e-3)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"PatientWeight": None}, "(0010,1030)"),
        ({"PatientWeight": 0}, "(0010,1030)"),
        ({"Units": "PROPCPS"}, "(0054,1001)"),
        ({"Units": None}, "(0054,1001)"),
        ({"CorrectedImage": ["DECY", "SCAT"]}, "(0028,0051)"),
        ({"DecayCorrection": None}, "(0054,1102)"),
        ({"RadiopharmaceuticalInformationSequence": None}, "(0054,0016)"),
        ({"administration": {"RadiopharmaceuticalStartTime": "101000"}}, "(0018,1072)"),
        ({"administration": {"RadionuclideTotalDose": 4.1}}, "(0018,1074)"),
        ({"administration": {"RadionuclideHalfLife": None}}, "(0018,1075)"),
    ],
)
def test_no_wrong_suv_but_exit_3_with_the_tag(
    psma_suv: Callable[..., Outcome],
    a_series_folder: WriteSeries,
    tmp_path: Path,
    changes: dict[str, Any],
    reason: str,
) -> None:
    out = tmp_path / "out"
    outcome = psma_suv(a_series_folder(**changes), "--json", "--out", out)
    (entry,) = outcome.series
    assert outcome.code == 3
    assert set(entry) == KEYS
    assert reason in entry["refused"]
    assert reason in outcome.err
    assert entry["factor_g_per_bq"] is None
    assert set(entry["factors"].values()) == {None}
    assert not out.exists()


def test_one_accepted_series_of_several_is_exit_0(
    psma_suv: Callable[..., Outcome], a_series_folder: WriteSeries
) -> None:
    a_series_folder(SeriesInstanceUID="1.2.3.1", CorrectedImage=["DECY"])
    outcome = psma_suv(a_series_folder(SeriesInstanceUID="1.2.3.2"), "--json")
    assert outcome.code == 0
    assert {entry["series_uid"]: entry["refused"] is None for entry in outcome.series} == {
        "1.2.3.1": False,
        "1.2.3.2": True,
    }


def test_every_study_of_one_patient_is_answered(psma_suv: Callable[..., Outcome], a_series_folder: WriteSeries) -> None:
    a_series_folder(SeriesInstanceUID="1.2.3.1", StudyInstanceUID="1.2.1", StudyDate="20260601")
    a_series_folder(SeriesInstanceUID="1.2.3.2", StudyInstanceUID="1.2.2", StudyDate="20260302")
    outcome = psma_suv(a_series_folder(SeriesInstanceUID="1.2.3.3", StudyInstanceUID="1.2.3"), "--json")
    assert [entry["series_uid"] for entry in outcome.series] == ["1.2.3.2", "1.2.3.3", "1.2.3.1"]
    assert outcome.code == 0


def test_several_patients_are_refused(psma_suv: Callable[..., Outcome], a_series_folder: WriteSeries) -> None:
    a_series_folder(PatientID="SIM-A", StudyInstanceUID="1.2.1")
    outcome = psma_suv(a_series_folder(PatientID="SIM-B", StudyInstanceUID="1.2.2"), "--json")
    assert outcome.code == 3
    assert outcome.series == []
    assert "(0010,0020)" in outcome.err


def test_a_folder_without_pet_is_exit_3_with_an_empty_list(
    psma_suv: Callable[..., Outcome], a_series_folder: WriteSeries
) -> None:
    outcome = psma_suv(a_series_folder(Modality="CT", SOPClassUID="1.2.840.10008.5.1.4.1.1.2", Units=None), "--json")
    assert (outcome.code, outcome.series) == (3, [])
    assert "no PET series" in outcome.err


@pytest.mark.parametrize("content", [None, b"", b"not DICOM at all\n" * 100])
def test_an_empty_or_junk_folder_is_exit_3_with_an_empty_list(
    psma_suv: Callable[..., Outcome], tmp_path: Path, content: bytes | None
) -> None:
    folder = tmp_path / "junk"
    folder.mkdir()
    if content is not None:
        (folder / "file.dcm").write_bytes(content)
    outcome = psma_suv(folder, "--json")
    assert (outcome.code, outcome.series) == (3, [])
    assert outcome.err


def test_a_truncated_file_refuses_its_series(psma_suv: Callable[..., Outcome], a_series_folder: WriteSeries) -> None:
    folder = a_series_folder()
    path = sorted(folder.iterdir())[1]
    path.write_bytes(path.read_bytes()[:-12])
    outcome = psma_suv(folder, "--json")
    assert outcome.code == 3
    assert all(entry["refused"] for entry in outcome.series)
    assert "Traceback" not in outcome.err


def test_overrides_are_applied_and_recorded(psma_suv: Callable[..., Outcome], a_series_folder: WriteSeries) -> None:
    folder = a_series_folder(PatientWeight=None)
    outcome = psma_suv(folder, "--json", "--override", "weight_kg=40", "--override", "residual_activity_mbq=30")
    (entry,) = outcome.series
    assert entry["factor_g_per_bq"] == pytest.approx(GA68_FACTOR / 2 * 150 / 120, rel=1e-9)
    assert any("weight_kg = 40 in place of nothing" in step for step in entry["derivation"])


@pytest.mark.parametrize(
    "arguments", [("--override", "weight=80"), ("--override", "weight_kg=80", "--override", "weight_kg=81")]
)
def test_a_wrong_override_is_a_usage_error(
    psma_suv: Callable[..., Outcome], a_series_folder: WriteSeries, arguments: tuple[str, ...]
) -> None:
    outcome = psma_suv(a_series_folder(), "--json", *arguments)
    assert (outcome.code, outcome.out) == (UsageError.exit_code, "")


def test_a_missing_folder_is_a_usage_error(psma_suv: Callable[..., Outcome], tmp_path: Path) -> None:
    assert psma_suv(tmp_path / "absent").code == UsageError.exit_code


def test_no_patient_name_or_id_leaves_the_command(
    psma_suv: Callable[..., Outcome], a_series_folder: WriteSeries, tmp_path: Path
) -> None:
    a_series_folder(SeriesInstanceUID="1.2.3.1", PatientWeight=None)
    folder = a_series_folder(SeriesInstanceUID="1.2.3.2")
    for arguments in ((), ("--json",)):
        outcome = psma_suv(folder, "--out", tmp_path / "out", *arguments)
        assert "SIMULATED" not in outcome.out + outcome.err
        assert "4711" not in outcome.out + outcome.err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["1.2.3.2_suvbw.nii.gz"]


def test_nothing_half_written_stays_where_the_file_cannot_be_put(
    psma_suv: Callable[..., Outcome], a_series_folder: WriteSeries, tmp_path: Path
) -> None:
    in_the_way = tmp_path / "out" / "1.2.3.4_suvbw.nii.gz"
    in_the_way.mkdir(parents=True)
    with pytest.raises(OSError, match=r"1\.2\.3\.4_suvbw"):
        psma_suv(a_series_folder(SeriesInstanceUID="1.2.3.4"), "--out", tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == [in_the_way]


def test_without_json_the_derivation_is_readable(
    psma_suv: Callable[..., Outcome], a_series_folder: WriteSeries
) -> None:
    a_series_folder(SeriesInstanceUID="1.2.3.1", PatientWeight=None)
    outcome = psma_suv(a_series_folder(SeriesInstanceUID="1.2.3.2"))
    assert outcome.code == 0
    assert "SUVbw factor: 0.000986" in outcome.out
    assert "REFUSED: (0010,1030) Patient's Weight" in outcome.out
    assert "150 MBq x exp(-ln 2 x 3600 s / 4057.7 s)" in outcome.out


def test_the_real_command_answers_one_json_object(a_series_folder: WriteSeries) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "PSMATheranostics"), str(ROOT)])}
    process = subprocess.run(
        [sys.executable, "-m", "psmacore", "suv", str(a_series_folder()), "--json"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=60,
    )
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout)["series"][0]["factor_g_per_bq"] == pytest.approx(GA68_FACTOR, rel=1e-9)
