"""A time point to the records of ``psma-results/1``, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np

from psmacore.errors import InputRefusedError
from psmacore.model.codes import Code
from psmacore.model.lesions import Lesion, LesionState, ReferenceRegion, Totals
from psmacore.model.promise import BonePattern, CommonIliac, PromiseStage, PromiseVersion
from psmacore.model.suv import Override, SuvDerivation, SuvFactors, SuvType
from psmacore.model.timepoint import (
    ModelUse,
    Patient,
    Scanner,
    SegmenterInfo,
    Software,
    Study,
    StudyClassification,
    Timepoint,
)
from psmacore.suv.tracer import tracer_of_value

REFERENCE_REGIONS = ("liver", "blood_pool", "parotid", "spleen", "kidneys")
SUV_UNIT = "g/ml"
_DT = re.compile(r"(\d{14})(?:\.(\d{1,6}))?(?:([+-])(\d{2})(\d{2}))?")


def dicom_dt(at: datetime) -> str:
    """Return a DICOM DT, ``YYYYMMDDHHMMSS.FFFFFF`` with ``&ZZXX`` where the time is aware (PS3.5 6.2)."""
    return at.strftime("%Y%m%d%H%M%S.%f") + at.strftime("%z")[:5]


def moment_of(words: str) -> datetime:
    """Return the datetime of a DICOM DT that is given to the second; aware where it has an offset from UTC.

    Raises
    ------
    InputRefusedError
        If it is not such a DT.
    """
    match = _DT.fullmatch(words)
    if match is None:
        raise InputRefusedError(f"{words!r} is not a DICOM DT of at least seconds")
    stamp, fraction, sign, hours, minutes = match.groups()
    try:
        at = datetime.strptime(stamp, "%Y%m%d%H%M%S")  # noqa: DTZ007  naive unless the DT has an offset
    except ValueError as error:
        raise InputRefusedError(f"{words!r} is not a date and time") from error
    at = at.replace(microsecond=int((fraction or "0").ljust(6, "0")))
    if sign is None:
        return at
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return at.replace(tzinfo=timezone(-offset if sign == "-" else offset))


def timepoint_record(timepoint: Timepoint) -> dict[str, Any]:
    """Return all of the results but ``schema``, ``files``, ``timings_s`` and ``warnings``."""
    patient, study, scanner = timepoint.patient, timepoint.study, timepoint.scanner
    software, segmenter, found = timepoint.software, timepoint.segmenter, timepoint.classification
    return {
        "software": {"name": software.name, "version": software.version, "commit": software.commit},
        "created_at": timepoint.created_at,
        "patient": {"id": patient.id, "sex": patient.sex, "birth_year": patient.birth_year},
        "study": {"uid": study.uid, "date": study.date, "time": study.time, "description": study.description},
        "series": {"pet_uid": timepoint.pet_series_uid, "ct_uid": timepoint.ct_series_uid},
        "tracer": {"name": timepoint.tracer.meaning, "code": timepoint.tracer.value},
        "scanner": {
            "manufacturer": scanner.manufacturer,
            "model": scanner.model,
            "reconstruction": scanner.reconstruction,
        },
        "uptake_min": _number(timepoint.suv.uptake_min),
        "suv": _suv_record(timepoint.suv),
        "segmenter": {
            "name": segmenter.name,
            "version": segmenter.version,
            "weights_sha256": segmenter.weights_sha256,
            "threshold_suv": _number(segmenter.threshold_suv),
            "parameters": {key: _plain(value) for key, value in segmenter.parameters.items()},
        },
        "classification": None
        if found is None
        else {
            "label": found.label,
            "probability": float(found.probability),
            "model": found.model,
            "has_stopped_segmentation": found.has_stopped_segmentation,
        },
        "models": [asdict(model) for model in timepoint.models],
        "is_simulated": timepoint.is_simulated,
        "lesions": [_lesion_record(lesion) for lesion in timepoint.lesions],
        "totals": None if timepoint.totals is None else _totals_record(timepoint.totals),
        "promise": None if timepoint.promise is None else asdict(timepoint.promise),
        "reference_regions": _reference_record(timepoint.reference_regions),
    }


def timepoint_of(results: Mapping[str, Any]) -> Timepoint:
    """Return the time point of results that fit the schema."""
    series, segmenter, totals, found = (results[key] for key in ("series", "segmenter", "totals", "classification"))
    return Timepoint(
        patient=Patient(**results["patient"]),
        study=Study(**results["study"]),
        pet_series_uid=series["pet_uid"],
        ct_series_uid=series["ct_uid"],
        tracer=_tracer_of(results["tracer"]),
        scanner=Scanner(**results["scanner"]),
        suv=_suv_of(results),
        segmenter=SegmenterInfo(**segmenter),
        lesions=tuple(_lesion_of(record) for record in results["lesions"]),
        totals=None if totals is None else Totals(**totals),
        reference_regions=tuple(
            ReferenceRegion(name, record["suv_mean"], record["suv_sd"], 0)
            for name, record in results["reference_regions"].items()
            if record
        ),
        software=Software(**results["software"]),
        created_at=results["created_at"],
        classification=None if found is None else StudyClassification(**found),
        warnings=tuple(results["warnings"]),
        models=tuple(ModelUse(**record) for record in results.get("models", ())),
        is_simulated=results.get("is_simulated", False),
        promise=_promise_of(results.get("promise")),
    )


def _suv_record(suv: SuvDerivation) -> dict[str, Any]:
    return {
        "type": SuvType.BW.value,
        "factor_g_per_bq": _number(suv.factor_g_per_bq),
        "unit": SUV_UNIT,
        "decay_correction": suv.decay_correction,
        "reference_time": None if suv.reference_at is None else dicom_dt(suv.reference_at),
        "injected_at": None if suv.injected_at is None else dicom_dt(suv.injected_at),
        "injected_activity_bq": _number(suv.injected_activity_bq),
        "half_life_s": _number(suv.half_life_s),
        "weight_kg": _number(suv.weight_kg),
        "height_m": _number(suv.height_m),
        "sex": suv.sex,
        "sul_per_suvbw": {
            "lbm": _number(suv.factors.lbm),
            "lbm_james128": _number(suv.factors.lbm_james128),
            "lbm_janma": _number(suv.factors.lbm_janma),
        },
        "overrides": [
            {
                "key": item.key,
                "value": item.value,
                "old_value": item.old_value,
                "reader": item.reader,
                "reason": item.reason,
            }
            for item in suv.overrides
        ],
        "derivation": list(suv.steps),
        "warnings": list(suv.warnings),
    }


def _suv_of(results: Mapping[str, Any]) -> SuvDerivation:
    suv = results["suv"]
    return SuvDerivation(
        series_uid=results["series"]["pet_uid"],
        units_stored="",
        suv_type_stored=None,
        decay_correction=suv["decay_correction"],
        factor_g_per_bq=suv["factor_g_per_bq"],
        factors=SuvFactors(bw=1.0, bsa=None, ibw=None, **suv["sul_per_suvbw"]),
        reference_at=None if suv["reference_time"] is None else moment_of(suv["reference_time"]),
        injected_at=None if suv["injected_at"] is None else moment_of(suv["injected_at"]),
        injected_activity_bq=suv["injected_activity_bq"],
        half_life_s=suv["half_life_s"],
        weight_kg=suv["weight_kg"],
        height_m=suv["height_m"],
        sex=suv["sex"],
        uptake_min=results["uptake_min"],
        steps=tuple(suv["derivation"]),
        warnings=tuple(suv["warnings"]),
        overrides=tuple(Override(**item) for item in suv["overrides"]),
    )


def _lesion_record(lesion: Lesion) -> dict[str, Any]:
    return {
        "tracking_uid": lesion.tracking_uid,
        "tracking_id": lesion.tracking_id,
        "segment_number": int(lesion.segment_number),
        "state": lesion.state.value,
        "confirmed_by": lesion.confirmed_by,
        "site": {"value": lesion.site.value, "scheme": lesion.site.scheme, "meaning": lesion.site.meaning},
        "volume_ml": float(lesion.volume_ml),
        "suv_max": float(lesion.suv_max),
        "suv_mean": float(lesion.suv_mean),
        "suv_peak": float(lesion.suv_peak),
        "suv_peak_hottest": float(lesion.suv_peak_hottest),
        "tl_psma_ml": float(lesion.tl_psma_ml),
        "short_axis_mm": _number(lesion.short_axis_mm),
        "centroid_lps_mm": [float(value) for value in lesion.centroid_lps_mm],
        "voxels": int(lesion.n_voxels),
        "mi_tnm": lesion.mi_tnm,
        "expression_score": None if lesion.expression_score is None else int(lesion.expression_score),
        "site_alternative": None if lesion.site_alternative is None else asdict(lesion.site_alternative),
        "is_score_borderline": lesion.is_score_borderline,
        "confidence": _number(lesion.confidence),
    }


def _lesion_of(record: Mapping[str, Any]) -> Lesion:
    values = dict(record)
    left, posterior, superior = values.pop("centroid_lps_mm")
    alternative = values.pop("site_alternative", None)
    return Lesion(
        site_alternative=None if alternative is None else Code(**alternative),
        state=LesionState(values.pop("state")),
        site=Code(**values.pop("site")),
        centroid_lps_mm=(left, posterior, superior),
        n_voxels=values.pop("voxels"),
        **values,
    )


def _promise_of(record: Mapping[str, Any] | None) -> PromiseStage | None:
    if record is None:
        return None
    pattern = record["bone_pattern"]
    kinds = {
        "version": PromiseVersion(record["version"]),
        "common_iliac": CommonIliac(record["common_iliac"]),
        "bone_pattern": None if pattern is None else BonePattern(pattern),
    }
    return PromiseStage(**{**record, **kinds})


def _totals_record(totals: Totals) -> dict[str, Any]:
    return {
        "n_lesions": int(totals.n_lesions),
        "psma_tv_ml": float(totals.psma_tv_ml),
        "tl_psma_ml": float(totals.tl_psma_ml),
        "suv_max": float(totals.suv_max),
        "suv_mean": float(totals.suv_mean),
    }


def _reference_record(regions: tuple[ReferenceRegion, ...]) -> dict[str, Any]:
    """Return the five regions in fixed order, an empty object for each not measured, then any further ones."""
    record: dict[str, dict[str, float]] = {name: {} for name in REFERENCE_REGIONS}
    for region in regions:
        record[region.name] = {"suv_mean": float(region.suv_mean), "suv_sd": float(region.suv_sd)}
    return record


def _tracer_of(record: Mapping[str, str]) -> Code:
    """Return the tracer that the product knows by that value, else one without a scheme."""
    known = tracer_of_value(record["code"])
    return Code(record["code"], "" if known is None else known.scheme, record["name"])


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def _plain(value: str | float | int | bool) -> str | float | int | bool:
    """Return numpy's scalars as Python's, others as they are."""
    return value.item() if isinstance(value, np.generic) else value
