"""A command called wrongly says so: exit code 2, or 5 where a model is asked for that there is none of."""

from __future__ import annotations

from pathlib import Path

import pytest

from Testing.core.cli.psma_process import assert_refused, everything_below, psma
from Testing.core.cli.simulated_study import SimulatedStudy


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--thershold", "3"), "unrecognized arguments: --thershold"),
        (("--publish",), "publishing needs the DICOMweb archive"),
        (("--override", "weight=80"), "unknown override 'weight'"),
        (("--override", "weight_kg=heavy"), "weight_kg='heavy'"),
        (("--organs", "nowhere.nii.gz"), "--organs: no such file: nowhere.nii.gz"),
        (("--mask", "nowhere.dcm:GTV"), "--mask: no such file: nowhere.dcm:GTV"),
        (("--companion", "1.2.3"), "--companion"),
    ],
)
def test_an_option_that_cannot_be_is_a_usage_error(
    options: tuple[str, ...], words: str, a_study: SimulatedStudy, tmp_path: Path
) -> None:
    outcome = psma("analyse", "--dicom", a_study.folder, "--out", tmp_path / "new" / "result", *options)
    assert_refused(outcome, 2, words)
    assert everything_below(tmp_path) == set()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (("--dicom", "nowhere"), "--dicom: no such folder: nowhere"),
        (("--dicomweb", "http://127.0.0.1:1/dicom-web"), "Study Instance UID"),
        (("--dicomweb", "127.0.0.1:8042", "--study", "1.2.3"), "http:// or https://"),
        ((), "--dicom --dicomweb"),
    ],
)
def test_a_study_must_be_named(source: tuple[str, ...], words: str, tmp_path: Path) -> None:
    assert_refused(psma("analyse", *source, "--out", tmp_path / "result"), 2, words)
    assert everything_below(tmp_path) == set()


@pytest.mark.parametrize(
    ("segmenter", "code", "words"),
    [
        pytest.param("threshold:psma_fxied", 2, "unknown rule 'psma_fxied'", marks=pytest.mark.slow),
        pytest.param("threshold:psma_fixed=many", 2, "'many' is no SUV", marks=pytest.mark.slow),
        ("lesion-tracer", 5, "no segmenter is named 'lesion-tracer'"),
    ],
)
def test_a_segmenter_that_is_not_there_is_named(
    segmenter: str, code: int, words: str, a_study: SimulatedStudy, tmp_path: Path
) -> None:
    outcome = psma("analyse", "--dicom", a_study.folder, "--segmenter", segmenter, "--out", tmp_path / "new" / "result")
    assert_refused(outcome, code, words)
    assert everything_below(tmp_path) == set()


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_psma_did_not_write_is_not_replaced(kind: str, a_study: SimulatedStudy, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    if kind == "folder":
        theirs.mkdir()
        (theirs / "thesis.tex").write_text("years of work")
    else:
        theirs.write_text("years of work")
    before = everything_below(tmp_path)
    assert_refused(psma("analyse", "--dicom", a_study.folder, "--out", theirs), 2, str(theirs))
    assert everything_below(tmp_path) == before


@pytest.mark.parametrize("arguments", [("setup",), ("setup", "--ai")])
def test_set_up_without_the_launcher_names_the_launcher(arguments: tuple[str, ...]) -> None:
    assert_refused(psma(*arguments), 2, "./psma setup")
