"""Analysed studies and drawn patients for tests of report, results and publication: simulated, in no archive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np

from psmacore.model.codes import Code
from psmacore.model.geometry import Geometry
from psmacore.model.lesions import Lesion, LesionState, ReferenceRegion, Totals
from psmacore.model.suv import Override, SuvDerivation, SuvFactors
from psmacore.model.timepoint import Patient, Scanner, SegmenterInfo, Software, Study, Timepoint
from psmacore.model.volumes import Segmentation, SuvVolume

PSMA_11 = Code("C118961", "NCIt", "[68Ga]PSMA-11")
FDG = Code("35321007", "SCT", "[18F]FDG")
CENTRAL_EUROPE = timezone(timedelta(hours=1))
SITES = (
    Code("41216001", "SCT", "Prostate"),
    Code("54268001", "SCT", "Pelvic lymph node"),
    Code("421060004", "SCT", "Vertebral column"),
    Code("22356005", "SCT", "Ilium"),
    Code("10200004", "SCT", "Liver"),
)
MI_TNM = ("miT2", "miN1", "miM1b", "miM1b", "miM1c")


def make_lesion(number: int, state: LesionState = LesionState.UNCONFIRMED) -> Lesion:
    """Return lesion ``number``: every value differs from its neighbours' and from every other field's."""
    volume_ml, suv_mean = 0.37 * number + 0.005, 4.2 + 0.31 * number
    return Lesion(
        tracking_uid=f"2.25.{7000 + number}",
        tracking_id=f"L{number:03d}",
        segment_number=number,
        state=state,
        site=SITES[(number - 1) % len(SITES)],
        volume_ml=volume_ml,
        suv_max=suv_mean * 1.9,
        suv_mean=suv_mean,
        suv_peak=suv_mean * 1.4,
        suv_peak_hottest=suv_mean * 1.35,
        tl_psma_ml=volume_ml * suv_mean,
        short_axis_mm=None if number % 4 == 0 else 5.25 + number,
        centroid_lps_mm=(-40.5 + 3.0 * number, 12.25, -300.0 + 11.0 * number),
        n_voxels=9 * number,
        mi_tnm=MI_TNM[(number - 1) % len(MI_TNM)],
        expression_score=number % 4,
        confirmed_by="Reader 1" if state is LesionState.CONFIRMED else None,
    )


def totals_of(lesions: Sequence[Lesion]) -> Totals:
    """Return the totals of the lesions that count, by the definitions of the model."""
    counting = [lesion for lesion in lesions if lesion.state.counts]
    volume_ml = sum(lesion.volume_ml for lesion in counting)
    uptake_ml = sum(lesion.tl_psma_ml for lesion in counting)
    return Totals(
        n_lesions=len(counting),
        psma_tv_ml=volume_ml,
        tl_psma_ml=uptake_ml,
        suv_max=max((lesion.suv_max for lesion in counting), default=0.0),
        suv_mean=uptake_ml / volume_ml if counting else 0.0,
    )


def make_derivation() -> SuvDerivation:
    """Return the derivation of a BQML series with times in Central European Time and one override."""
    return SuvDerivation(
        series_uid="2.25.501",
        units_stored="BQML",
        suv_type_stored=None,
        decay_correction="START",
        factor_g_per_bq=7.654321e-4,
        factors=SuvFactors(bw=1.0, lbm=0.711, lbm_james128=0.702, lbm_janma=0.693, bsa=None, ibw=None),
        reference_at=datetime(2026, 3, 5, 10, 31, 12, 250000, tzinfo=CENTRAL_EUROPE),
        injected_at=datetime(2026, 3, 5, 9, 30, tzinfo=CENTRAL_EUROPE),
        injected_activity_bq=151.5e6,
        half_life_s=4057.7,
        weight_kg=82.5,
        height_m=1.78,
        sex="M",
        uptake_min=61.2,
        steps=(
            "Units BQML: stored values are activity concentrations in Bq/ml.",
            "DecayCorrection START: the activity is decayed from injection to the decay reference.",
            "SUVbw = activity concentration × weight / decayed activity.",
        ),
        warnings=("(0010,1030) Patient's Weight was entered by a reader.",),
        overrides=(Override("weight_kg", "82.5", "0", "Reader 1", "weighed on the day"),),
    )


def make_timepoint(n_lesions: int = 3, *, others: Sequence[Lesion] = (), has_totals: bool = True) -> Timepoint:
    """Return an analysed study with ``n_lesions`` unconfirmed lesions, then ``others``."""
    state = LesionState.UNCONFIRMED if has_totals else LesionState.CANDIDATE
    lesions = (*(make_lesion(number, state) for number in range(1, n_lesions + 1)), *others)
    return Timepoint(
        patient=Patient("SIM-0042", "M", 1955),
        study=Study("2.25.500", "20260305", "093000", "PSMA PET/CT skull to mid-thigh"),
        pet_series_uid="2.25.501",
        ct_series_uid="2.25.502",
        tracer=PSMA_11,
        scanner=Scanner("SIMULATED", "Phantom scanner", "OSEM 4i8s, TOF, 5 mm Gauss"),
        suv=make_derivation(),
        segmenter=SegmenterInfo("threshold", "0.1.0", None, 3.0, {"connectivity": 26, "rule": "PSMA SUV 3"}),
        lesions=lesions,
        totals=totals_of(lesions) if has_totals else None,
        reference_regions=(
            ReferenceRegion("liver", 5.12, 0.61, 0),
            ReferenceRegion("blood_pool", 1.43, 0.22, 0),
            ReferenceRegion("parotid", 11.7, 2.05, 0),
        ),
        software=Software("psma-theranostics", "0.1.0", "0123abc"),
        created_at="20260305110203.000000+0100",
        warnings=("PET and CT end at different heights.",),
    )


def confirmed(timepoint: Timepoint, reader: str = "Reader 1") -> Timepoint:
    """Return the study with every lesion confirmed."""
    lesions = tuple(replace(lesion, state=LesionState.CONFIRMED, confirmed_by=reader) for lesion in timepoint.lesions)
    return replace(timepoint, lesions=lesions, totals=totals_of(lesions))


def make_body(n_lesions: int = 3, *, seed: int = 1) -> tuple[SuvVolume, Segmentation]:
    """Return a simulated torso with hot spheres, 4 mm voxels: axis i to the left, j to posterior, k to the head."""
    shape = (220, 100, 128)
    geometry = Geometry.from_axes(shape=shape, origin_lps_mm=(-256, -200, -900), spacing_ijk_mm=(4.0, 4.0, 4.0))
    k, j, i = np.ogrid[: shape[0], : shape[1], : shape[2]]
    width = np.where(k > 185, 18, 42)
    body = ((i - 64) / width) ** 2 + ((j - 50) / (width * 0.62)) ** 2 <= 1
    values = np.where(body, 0.9, 0.02).astype(np.float32)
    for centre, radii, uptake in (
        ((120, 45, 44), (14, 12, 16), 5.5),
        ((105, 62, 40), (9, 6, 5), 34.0),
        ((105, 62, 88), (9, 6, 5), 34.0),
        ((14, 40, 64), (7, 7, 8), 48.0),
        ((196, 48, 50), (5, 4, 3), 12.0),
        ((196, 48, 78), (5, 4, 3), 12.0),
    ):
        values[_ellipsoid(shape, centre, radii)] = uptake
    labels = np.zeros(shape, dtype=np.uint16)
    random = np.random.default_rng(seed)
    for number in range(1, n_lesions + 1):
        centre = (int(random.integers(18, 180)), int(random.integers(38, 66)), int(random.integers(34, 94)))
        radius = float(random.uniform(1.2, 3.5))
        sphere = _ellipsoid(shape, centre, (radius, radius, radius)) & (labels == 0)
        labels[sphere], values[sphere] = number, random.uniform(4, 25)
    values += random.normal(0, 0.08, shape).astype(np.float32) * body
    return SuvVolume(values, geometry, make_derivation()), Segmentation(labels, geometry)


def _ellipsoid(shape: Sequence[int], centre: Sequence[float], radii: Sequence[float]) -> np.ndarray:
    axes = np.ogrid[tuple(slice(0, size) for size in shape)]
    return sum(((axis - c) / r) ** 2 for axis, c, r in zip(axes, centre, radii, strict=True)) <= 1
