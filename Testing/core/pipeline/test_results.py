"""results.json keeps its contract (schema psma-results/1), is written whole or not at all, and reads back."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from psmacore.errors import InputRefusedError
from psmacore.model.lesions import Lesion, LesionState, ReferenceRegion
from psmacore.model.promise import BonePattern, CommonIliac, PromiseStage, PromiseVersion
from psmacore.model.timepoint import ModelUse, StudyClassification, Timepoint
from psmacore.pipeline.results import SCHEMA_FILE, ResultFiles, check_results, read_results, to_results, write_results
from psmacore.pipeline.results_records import dicom_dt, moment_of
from Testing.timepoints import SITES, confirmed, make_lesion, make_timepoint

FILES = ResultFiles(
    seg="seg.dcm",
    seg_union="seg-union.dcm",
    sr="sr.dcm",
    sr_display="sr-display.dcm",
    rwvm="rwvm.dcm",
    sc="mip.dcm",
    pdf="report.dcm",
    report_pdf="report.pdf",
    html="report.html",
)
TIMINGS_S = {"read": 1.25, "segment": 0.5}

# the contract, key by key
CONTRACT: dict[str, set[str]] = {
    "": {
        "schema", "software", "created_at", "patient", "study", "series", "tracer", "scanner", "uptake_min", "suv",
        "segmenter", "classification", "lesions", "totals", "reference_regions", "files", "timings_s", "warnings",
    },
    "software": {"name", "version", "commit"},
    "patient": {"id", "sex", "birth_year"},
    "study": {"uid", "date", "time", "description"},
    "series": {"pet_uid", "ct_uid"},
    "tracer": {"name", "code"},
    "scanner": {"manufacturer", "model", "reconstruction"},
    "suv": {
        "type", "factor_g_per_bq", "unit", "decay_correction", "reference_time", "injected_at",
        "injected_activity_bq", "half_life_s", "weight_kg", "height_m", "sex", "sul_per_suvbw", "overrides",
        "derivation", "warnings",
    },
    "segmenter": {"name", "version", "weights_sha256", "threshold_suv", "parameters"},
    "totals": {"n_lesions", "psma_tv_ml", "tl_psma_ml", "suv_max", "suv_mean"},
    "reference_regions": {"liver", "blood_pool", "parotid", "spleen", "kidneys"},
    "files": {"seg", "seg_union", "sr", "sr_display", "rwvm", "sc", "pdf", "report_pdf", "html"},
}  # fmt: skip
# what later versions added; results without it stay readable
ADDED = {"models", "is_simulated", "promise"}
ADDED_TO_LESION = {"site_alternative", "is_score_borderline", "confidence"}
LESION_KEYS = {
    "tracking_uid", "tracking_id", "segment_number", "state", "confirmed_by", "site", "volume_ml", "suv_max",
    "suv_mean", "suv_peak", "suv_peak_hottest", "tl_psma_ml", "short_axis_mm", "centroid_lps_mm", "voxels", "mi_tnm",
    "expression_score",
}  # fmt: skip


@pytest.fixture
def a_timepoint() -> Timepoint:
    """One lesion of every state."""
    return make_timepoint(0, others=[make_lesion(n, state) for n, state in enumerate(LesionState, start=1)])


@pytest.fixture
def results(a_timepoint: Timepoint) -> dict[str, Any]:
    """What is written of it."""
    return to_results(a_timepoint, FILES, TIMINGS_S)


@pytest.fixture
def schema() -> dict[str, Any]:
    """The published schema."""
    loaded: dict[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return loaded


def subschemas(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every schema within a schema."""
    if isinstance(schema, list):
        for item in schema:
            yield from subschemas(item)
    elif isinstance(schema, dict):
        if {"type", "anyOf", "const", "enum", "$ref"} & schema.keys():
            yield schema
        for value in schema.values():
            yield from subschemas(value)


def test_keys_are_those_of_the_contract_to_the_letter(results: dict[str, Any]) -> None:
    assert set(results) == CONTRACT[""] | ADDED
    for name, keys in CONTRACT.items():
        if name:
            assert set(results[name]) == keys, name
    assert all(set(lesion) == LESION_KEYS | ADDED_TO_LESION for lesion in results["lesions"])
    assert set(results["lesions"][0]["site"]) == {"value", "scheme", "meaning"}
    assert set(results["suv"]["sul_per_suvbw"]) == {"lbm", "lbm_james128", "lbm_janma"}


def test_values_stand_where_the_contract_puts_them(a_timepoint: Timepoint, results: dict[str, Any]) -> None:
    assert results["schema"] == "psma-results/1"
    assert results["tracer"] == {"name": "[68Ga]PSMA-11", "code": "C118961"}
    assert results["uptake_min"] == 61.2
    assert results["suv"]["type"] == "bw"
    assert results["suv"]["unit"] == "g/ml"
    assert results["suv"]["reference_time"] == "20260305103112.250000+0100"
    assert results["suv"]["injected_at"] == "20260305093000.000000+0100"
    assert [lesion["state"] for lesion in results["lesions"]] == [state.value for state in LesionState]
    assert results["lesions"][1]["voxels"] == a_timepoint.lesions[1].n_voxels
    assert results["lesions"][1]["centroid_lps_mm"] == list(a_timepoint.lesions[1].centroid_lps_mm)
    assert results["reference_regions"]["liver"] == {"suv_mean": 5.12, "suv_sd": 0.61}
    assert results["reference_regions"]["spleen"] == {}
    assert results["timings_s"] == TIMINGS_S


def test_schema_is_valid_and_closed_wherever_it_lists_properties(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    listed = [part for part in subschemas(schema) if "properties" in part]
    assert len(listed) >= 14
    assert all(part["additionalProperties"] is False for part in listed)


def test_every_number_of_the_schema_names_its_unit_or_says_what_it_counts(schema: dict[str, Any]) -> None:
    numbers = [part for part in subschemas(schema) if "number" in part.get("type", ()) and "description" in part]
    unit = re.compile(r"(\b(g/ml x ml|g/ml|ml|mm|g/Bq|Bq|s|kg|m|min)|0 to 1|SUL \([\w ]+\))(\.$|;)")
    assert len(numbers) > 20
    assert [part["description"] for part in numbers if not unit.search(part["description"])] == []


def read_back(timepoint: Timepoint) -> Timepoint:
    """Return the time point without what results.json does not hold."""
    regions = tuple(replace(region, n_voxels=0) for region in timepoint.reference_regions)
    factors = replace(timepoint.suv.factors, bsa=None, ibw=None)
    suv = replace(timepoint.suv, units_stored="", suv_type_stored=None, factors=factors)
    return replace(timepoint, suv=suv, reference_regions=regions)


@pytest.mark.parametrize("n_lesions", [0, 1, 60])
@pytest.mark.parametrize("has_totals", [True, False])
def test_time_point_reads_back_as_written(n_lesions: int, has_totals: bool, tmp_path: Path) -> None:
    timepoint = make_timepoint(n_lesions, has_totals=has_totals)
    path = write_results(tmp_path, timepoint, FILES, TIMINGS_S)
    stored = read_results(path)
    assert stored.timepoint == read_back(timepoint)
    assert stored.files == FILES
    assert stored.timings_s == TIMINGS_S


def test_every_state_and_optional_value_reads_back(a_timepoint: Timepoint, tmp_path: Path) -> None:
    full = replace(
        confirmed(a_timepoint),
        classification=StudyClassification("normal", 0.07, "resnet 1.0", has_stopped_segmentation=True),
        models=(ModelUse("study_classification", "resnet", "1.0", "1" * 64, "cpu", True),),
        is_simulated=True,
        segmenter=replace(a_timepoint.segmenter, weights_sha256="0" * 64, threshold_suv=None, parameters={"a": True}),
        promise=PromiseStage(
            PromiseVersion.V1, CommonIliac.DISTANT, "miT2", None, "miM1b(oligo)", BonePattern.OLIGO, "miT2 miM1b", 2
        ),
    )
    first, *rest = full.lesions
    first = replace(first, site_alternative=SITES[1], is_score_borderline=True, confidence=0.875)
    regions = (*full.reference_regions, ReferenceRegion("submandibular", 9.5, 1.25, 0))
    full = replace(full, lesions=(first, *rest), reference_regions=regions)
    for timepoint in (a_timepoint, full):
        write_results(tmp_path, timepoint, ResultFiles(), {})
        assert read_results(tmp_path).timepoint == read_back(timepoint)


def test_time_point_with_nothing_optional_reads_back(tmp_path: Path) -> None:
    base = make_timepoint(1)
    bare = replace(
        base,
        patient=replace(base.patient, birth_year=None, sex=""),
        study=replace(base.study, date="", time="", description=""),
        ct_series_uid=None,
        tracer=replace(base.tracer, value="", scheme=""),
        totals=None,
        reference_regions=(),
        warnings=(),
        suv=replace(
            base.suv,
            factor_g_per_bq=None,
            factors=replace(base.suv.factors, lbm=None, lbm_james128=None, lbm_janma=None),
            reference_at=None,
            injected_at=None,
            injected_activity_bq=None,
            half_life_s=None,
            weight_kg=None,
            height_m=None,
            uptake_min=None,
            steps=(),
            warnings=(),
            overrides=(replace(base.suv.overrides[0], old_value=None, reason=""),),
        ),
    )
    write_results(tmp_path, bare, ResultFiles(), {})
    assert read_results(tmp_path).timepoint == read_back(bare)


def test_numpy_scalars_are_written_as_plain_numbers(tmp_path: Path) -> None:
    base = make_timepoint(1)
    lesion: Lesion = replace(
        base.lesions[0],
        volume_ml=np.float32(1.5),
        n_voxels=np.int64(7),
        segment_number=np.uint16(1),
        centroid_lps_mm=tuple(np.float32([1, 2, 3])),
    )
    segmenter = replace(base.segmenter, parameters={"radius_mm": np.float32(2.5), "grow": np.bool_(True)})
    region = ReferenceRegion("liver", np.float32(5.0), np.float32(0.5), np.int64(100))
    write_results(
        tmp_path,
        replace(base, lesions=(lesion,), segmenter=segmenter, reference_regions=(region,)),
        ResultFiles(),
        {"read": np.float64(1.0)},
    )
    stored = read_results(tmp_path).timepoint
    assert stored.lesions[0].centroid_lps_mm == (1.0, 2.0, 3.0)
    assert stored.segmenter.parameters == {"radius_mm": 2.5, "grow": True}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_value_that_is_no_number_is_refused_and_named(value: float, tmp_path: Path) -> None:
    base = make_timepoint(3)
    lesions = (*base.lesions[:2], replace(base.lesions[2], suv_mean=value))
    with pytest.raises(InputRefusedError, match=r"lesions\[2\]\.suv_mean = "):
        write_results(tmp_path, replace(base, lesions=lesions), FILES, TIMINGS_S)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity"])
def test_file_with_a_value_that_is_no_number_is_refused(literal: str, results: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    file.write_text(json.dumps(results).replace("61.2", literal), encoding="utf-8")
    with pytest.raises(InputRefusedError, match=literal):
        read_results(file)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), "psma-results/2"),
        (("created_at",), "2026-03-05T11:02:03Z"),
        (("study", "date"), "2026-03-05"),
        (("study", "uid"), ""),
        (("lesions", 0, "state"), "new"),
        (("lesions", 0, "volume_ml"), 0),
        (("lesions", 0, "centroid_lps_mm"), [1, 2]),
        (("lesions", 0, "voxels"), 1.5),
        (("lesions", 0, "expression_score"), 4),
        (("suv", "type"), "lbm"),
        (("suv", "weight_kg"), 0),
        (("reference_regions", "liver"), {"suv_mean": 5}),
        (("files", "seg"), "seg.nii.gz"),
        (("files", "seg"), "/archive/seg.dcm"),
        (("files", "sr"), "../sr.dcm"),
        (("files", "html"), "a/../../report.html"),
        (("timings_s", "read"), -1),
        (("patient", "name"), "Doe"),
    ],
)
def test_value_outside_the_contract_is_refused_and_named(
    path: tuple[str | int, ...], value: object, results: dict[str, Any]
) -> None:
    part: Any = results
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    with pytest.raises(
        InputRefusedError, match=f"not psma-results/1: .*{path[0]}" if path[-1] != "name" else "patient"
    ):
        check_results(results)


def test_refusal_does_not_tell_who_the_patient_is(results: dict[str, Any]) -> None:
    """W07: messages are logged."""
    results["patient"]["id"] = ["SECRET"]
    with pytest.raises(InputRefusedError) as refusal:
        check_results(results)
    assert "patient.id" in str(refusal.value)
    assert "SECRET" not in str(refusal.value)


def test_results_from_before_a_key_was_added_stay_readable(
    a_timepoint: Timepoint, results: dict[str, Any], tmp_path: Path
) -> None:
    for key in ADDED:
        del results[key]
    for lesion in results["lesions"]:
        for key in ADDED_TO_LESION:
            del lesion[key]
    (tmp_path / "results.json").write_text(json.dumps(results), encoding="utf-8")
    assert read_results(tmp_path).timepoint == read_back(a_timepoint)


@pytest.mark.parametrize("key", sorted(CONTRACT[""]))
def test_missing_part_is_refused(key: str, results: dict[str, Any]) -> None:
    del results[key]
    with pytest.raises(InputRefusedError, match=key):
        check_results(results)


def test_result_without_a_name_holds_no_name(results: dict[str, Any]) -> None:
    """W07: identity is ID, sex and birth year."""
    assert results["patient"] == {"id": "SIM-0042", "sex": "M", "birth_year": 1955}


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "\x00\xff"])
def test_file_that_is_no_result_is_refused(content: str, tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(InputRefusedError):
        read_results(file)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefusedError, match="cannot be read"):
        read_results(tmp_path / "results.json")


def test_failed_write_leaves_the_old_file_and_nothing_else(
    a_timepoint: Timepoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """W10: a full disk is the fault that no real part produces on demand."""
    path = write_results(tmp_path, a_timepoint, FILES, TIMINGS_S)
    before = path.read_bytes()

    def full_disk(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_results(tmp_path, make_timepoint(1), FILES, TIMINGS_S)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_new_write_replaces_the_old_file(a_timepoint: Timepoint, tmp_path: Path) -> None:
    write_results(tmp_path / "results.json", make_timepoint(7), FILES, TIMINGS_S)
    path = write_results(tmp_path, a_timepoint, FILES, TIMINGS_S)
    assert read_results(path).timepoint == read_back(a_timepoint)
    assert list(tmp_path.iterdir()) == [path]


def test_letters_beyond_ascii_survive(tmp_path: Path) -> None:
    base = make_timepoint(0)
    timepoint = replace(base, study=replace(base.study, description='Łódź 検査 \u2028 "quoted"'))
    assert read_results(write_results(tmp_path, timepoint, FILES, {})).timepoint.study == timepoint.study


@pytest.mark.parametrize("minutes", [None, 0, 60, -210, 765])
def test_moment_reads_back_from_its_dicom_dt(minutes: int | None) -> None:
    zone = None if minutes is None else timezone(timedelta(minutes=minutes))
    at = datetime(2026, 3, 5, 9, 30, 1, 20, tzinfo=zone)
    assert moment_of(dicom_dt(at)) == at
    assert moment_of(dicom_dt(at)).utcoffset() == at.utcoffset()


@pytest.mark.parametrize("words", ["", "2026", "20260305", "20261305093000", "20260305093000+1", "20260305093000Z"])
def test_moment_that_is_no_dicom_dt_is_refused(words: str) -> None:
    with pytest.raises(InputRefusedError, match="is not a"):
        moment_of(words)
