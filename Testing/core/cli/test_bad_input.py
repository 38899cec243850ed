"""What cannot give a safe SUV is refused with exit code 3, the tag and the value met, and leaves nothing (W07, W09)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from Testing.core.cli.psma_process import assert_refused, everything_below, psma
from Testing.core.cli.simulated_study import NAME, SHAPE, write_study

Write = Callable[[Path], object]


def without(keyword: str) -> Write:
    def edit(one: Dataset, _k: int) -> None:
        delattr(one, keyword)

    return lambda folder: write_study(folder, edit)


def having(keyword: str, value: object, *, only_slice: int | None = None) -> Write:
    def edit(one: Dataset, k: int) -> None:
        if only_slice in (None, k):
            setattr(one, keyword, value)

    return lambda folder: write_study(folder, edit)


def administered(keyword: str, value: object) -> Write:
    def edit(one: Dataset, _k: int) -> None:
        setattr(one.RadiopharmaceuticalInformationSequence[0], keyword, value)

    return lambda folder: write_study(folder, edit)


def no_half_life(folder: Path) -> None:
    def edit(one: Dataset, _k: int) -> None:
        drug = one.RadiopharmaceuticalInformationSequence[0]
        del drug.RadionuclideHalfLife, drug.RadionuclideCodeSequence  # the nuclide's code alone would tell it

    write_study(folder, edit)


def ct_only(folder: Path) -> None:
    write_study(folder, modality="CT")


def truncated(folder: Path) -> None:
    path = write_study(folder).paths[4]
    path.write_bytes(path.read_bytes()[:-300])


def text_files(folder: Path) -> None:
    folder.mkdir()
    (folder / f"{NAME}.txt").write_text("not DICOM")
    (folder / "scan.dcm").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(400))


def missing_slice(folder: Path) -> None:
    write_study(folder).paths[SHAPE[0] // 2].unlink()


def tilted(folder: Path) -> None:
    def edit(one: Dataset, k: int) -> None:
        if k == 3:
            one.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]

    write_study(folder, edit)


def check_refused(tmp_path: Path, write: Write, *words: str) -> None:
    write(tmp_path / "study")
    before = everything_below(tmp_path)
    outcome = psma("-v", "analyse", "--dicom", tmp_path / "study", "--out", tmp_path / "new" / "result", "--json")
    assert_refused(outcome, 3, *words)
    assert everything_below(tmp_path) == before
    assert NAME not in outcome.err


@pytest.mark.parametrize(
    ("write", "words"),
    [
        pytest.param(without("PatientWeight"), ("(0010,1030)", "absent"), id="no weight"),
        pytest.param(ct_only, ("no PET volume", "(0008,0060)", "series: CT"), id="CT only"),
    ],
)
def test_unsafe_input_is_refused_with_tag_and_value(tmp_path: Path, write: Write, words: tuple[str, ...]) -> None:
    check_refused(tmp_path, write, *words)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("write", "words"),
    [
        pytest.param(truncated, ("(7FE0,0010)", "truncated"), id="truncated slice"),
        pytest.param(text_files, ("no DICOM file", "2 other files"), id="not DICOM"),
        pytest.param(having("Units", "PROPCPS"), ("(0054,1001)", "'PROPCPS'"), id="unknown units"),
        pytest.param(having("CorrectedImage", ["DECY", "SCAT"]), ("(0028,0051)", "SCAT"), id="no attenuation"),
        pytest.param(
            administered("RadiopharmaceuticalStartTime", "103000"), ("(0018,1072)", "103000"), id="injected later"
        ),
        pytest.param(having("PatientID", "SIM-2", only_slice=2), ("(0010,0020)", "2 different"), id="mixed patients"),
        pytest.param(having("Rows", 65535), ("(7FE0,0010)", "65535"), id="absurd size"),
        pytest.param(having("PatientWeight", "0"), ("(0010,1030)", "0"), id="weight zero"),
        pytest.param(no_half_life, ("(0018,1075)", "absent"), id="no half-life"),
        pytest.param(administered("RadionuclideHalfLife", "6586.2"), ("(0018,1075)", "6586.2"), id="F-18's half-life"),
        pytest.param(
            administered("RadiopharmaceuticalStartDateTime", "20240105103000"),
            ("(0018,1078)", "2024-01-05 10:30"),
            id="injected later, by date and time",
        ),
        pytest.param(having("RescaleIntercept", "5"), ("(0028,1052)", "5"), id="intercept"),
        pytest.param(missing_slice, ("missing slice", "(0020,0032)"), id="missing slice"),
        pytest.param(tilted, ("mixed orientations", "(0020,0037)"), id="tilted"),
        pytest.param(
            having("Columns", 65535, only_slice=1), ("mixed sizes", "(0028,0010)", "65535"), id="one absurd size"
        ),
        pytest.param(having("DecayCorrection", "SOMEHOW"), ("(0054,1102)", "SOMEHOW"), id="decay correction"),
        pytest.param(lambda folder: folder.mkdir(), ("no DICOM file", "0 other files"), id="empty folder"),
    ],
)
def test_further_unsafe_input_is_refused_too(tmp_path: Path, write: Write, words: tuple[str, ...]) -> None:
    check_refused(tmp_path, write, *words)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "content", "words"),
    [
        ("--organs", b"no NIfTI at all", "cannot be read as NIfTI"),
        ("--mask", b"", "cannot be read as NIfTI"),
    ],
)
def test_a_broken_delineation_is_refused(tmp_path: Path, option: str, content: bytes, words: str) -> None:
    write_study(tmp_path / "study")
    broken = tmp_path / "labels.nii.gz"
    broken.write_bytes(content)
    before = everything_below(tmp_path)
    outcome = psma("analyse", "--dicom", tmp_path / "study", option, broken, "--out", tmp_path / "result")
    assert_refused(outcome, 3, words)
    assert everything_below(tmp_path) == before
