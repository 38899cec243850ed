"""A request reaches the worker through job.json as it was made, and impossible ones are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from psmacore.errors import UsageError
from psmacore.model.promise import CommonIliac, PromiseRules, PromiseVersion
from psmacore.model.suv import Override
from psmacore.pipeline.request import AnalyseRequest, MaskSource, ModelOptions


@pytest.fixture
def a_full_request(tmp_path: Path) -> AnalyseRequest:
    return AnalyseRequest(
        dicomweb_url="http://127.0.0.1:1/dicom-web",
        study_uid="1.2.3",
        segmenter="threshold:suv_4",
        organs=tmp_path / "organs.nii.gz",
        mask=MaskSource(tmp_path / "roi.dcm", "GTV"),
        pet_series_uid="1.2.3.4",
        ct_series_uid="1.2.3.5",
        overrides=(Override("weight_kg", "81", "80", "reader", "scale was wrong"),),
        publish=True,
        promise=PromiseRules(PromiseVersion.V1, CommonIliac.DISTANT, is_after_prostatectomy=True),
    )


def test_a_request_survives_the_job_file(a_full_request: AnalyseRequest) -> None:
    inputs = json.loads(json.dumps(a_full_request.inputs()))
    parameters = json.loads(json.dumps(a_full_request.parameters()))
    assert AnalyseRequest.from_job(inputs, parameters) == a_full_request


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({}, "one source"),
        ({"dicom": Path("a"), "dicomweb_url": "http://x", "study_uid": "1"}, "one source"),
        ({"dicomweb_url": "http://x"}, "Study Instance UID"),
        ({"dicom": Path("a"), "publish": True}, "publishing"),
        ({"dicom": Path("a"), "companion": Path("b"), "companion_study_uid": "1"}, "companion once"),
        (
            {
                "dicomweb_url": "http://x",
                "study_uid": "1",
                "publish": True,
                "models": ModelOptions(allow_simulation_weights=True),
            },
            "cannot be published",
        ),
    ],
)
def test_a_request_that_contradicts_itself_is_refused(arguments: dict[str, object], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        AnalyseRequest(**arguments)  # type: ignore[arg-type]


def test_a_job_with_an_unknown_key_is_refused() -> None:
    with pytest.raises(UsageError, match="devcie"):
        AnalyseRequest.from_job({"dicom": "a"}, {"devcie": "cuda"})


@pytest.mark.parametrize(("entry", "reason"), [({"edition": "V1"}, "unknown key edition"), ({"version": "V3"}, "V3")])
def test_a_job_with_unknown_promise_rules_is_refused(entry: dict[str, str], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        AnalyseRequest.from_job({"dicom": "a"}, {"promise": entry})


@pytest.mark.parametrize("options", [{"device": "gpu"}, {"operating_point": "1.5"}, {"operating_point": "high"}])
def test_model_options_that_are_none_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=next(iter(options.values()))):
        ModelOptions(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("segmenter", "options", "expected"),
    [
        ("threshold", {}, False),
        ("threshold:suv_4", {"organ_model": "none", "classifier": "none"}, False),
        ("threshold", {"organ_model": "organ-unet"}, True),
        ("threshold", {"classifier": "study-cnn"}, True),
        ("lesion-unet", {"organ_model": "none"}, True),
    ],
)
def test_only_requests_for_models_need_ai(segmenter: str, options: dict[str, str], expected: bool) -> None:
    request = AnalyseRequest(dicom=Path("a"), segmenter=segmenter, models=ModelOptions(**options))  # type: ignore[arg-type]
    assert request.needs_ai is expected


def test_a_readers_mask_needs_no_ai_whatever_the_segmenter(tmp_path: Path) -> None:
    mask = MaskSource(tmp_path / "roi.dcm")
    assert not AnalyseRequest(dicom=Path("a"), segmenter="lesion-unet", mask=mask).needs_ai


def test_a_mask_names_its_roi_behind_the_last_colon(tmp_path: Path) -> None:
    (tmp_path / "rt:struct.dcm").touch()
    whole = MaskSource.parse(str(tmp_path / "rt:struct.dcm"))
    with_roi = MaskSource.parse(f"{tmp_path / 'rt:struct.dcm'}:GTV Mass")
    assert (whole.path.name, whole.roi_name) == ("rt:struct.dcm", None)
    assert (with_roi.path.name, with_roi.roi_name) == ("rt:struct.dcm", "GTV Mass")


def test_a_mask_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        MaskSource.parse(str(tmp_path / "absent.dcm"))


def test_a_rois_name_may_hold_colons(tmp_path: Path) -> None:
    (tmp_path / "rt.dcm").touch()
    source = MaskSource.parse(f"{tmp_path / 'rt.dcm'}:GTV: left: new")
    assert (source.path.name, source.roi_name) == ("rt.dcm", "GTV: left: new")


def test_a_mask_that_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        MaskSource.parse(f"{tmp_path}:GTV")
