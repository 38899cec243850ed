"""(0054,1102) Decay Correction START, ADMIN and NONE (STANDARDS D.1)."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from psmacore.errors import DicomInputError
from psmacore.model.administration import PetAcquisition
from psmacore.model.codes import Code
from psmacore.suv.convert import derive

Build = Callable[..., PetAcquisition]
SCAN_AT = datetime(2026, 3, 2, 10, 0, 0)


def test_start_decays_the_dose_to_the_reference(an_acquisition: Build) -> None:
    derivation = derive(an_acquisition(half_life_s=4057.7, nuclide=None)).derivation
    assert derivation.factor_g_per_bq == pytest.approx(80_000 / 200e6 * 2 ** (3600 / 4057.7), rel=1e-12)
    assert derivation.reference_at == SCAN_AT


def test_suv_doubles_when_the_injection_was_one_half_life_earlier(an_acquisition: Build) -> None:
    late = derive(an_acquisition())
    early = derive(an_acquisition(start_datetime=datetime(2026, 3, 2, 9, 0, 0) - timedelta(seconds=6586.2)))
    assert early.suvbw_per_value == pytest.approx(2.0 * late.suvbw_per_value, rel=1e-9)


def test_admin_does_not_decay_the_dose(an_acquisition: Build) -> None:
    derivation = derive(an_acquisition(decay_correction="ADMIN")).derivation
    assert derivation.factor_g_per_bq == pytest.approx(80_000 / 200e6, rel=1e-12)
    assert derivation.reference_at == derivation.injected_at == datetime(2026, 3, 2, 9, 0, 0)
    assert derivation.uptake_min == pytest.approx(60.0)


def test_admin_needs_no_times_but_says_that_the_uptake_time_is_unknown(an_acquisition: Build) -> None:
    derivation = derive(
        an_acquisition(decay_correction="ADMIN", start_datetime=None, half_life_s=None, nuclide=None)
    ).derivation
    assert derivation.factor_g_per_bq == pytest.approx(80_000 / 200e6, rel=1e-12)
    assert derivation.uptake_min is None
    assert any("uptake time" in warning for warning in derivation.warnings)


def test_admin_with_an_injection_after_the_scan_is_refused(an_acquisition: Build) -> None:
    with pytest.raises(DicomInputError, match=r"\(0018,1078\).*after the scan"):
        derive(an_acquisition(decay_correction="ADMIN", start_datetime=datetime(2026, 3, 2, 10, 30)))


def test_none_corrects_each_image_for_its_own_time_and_frame(an_acquisition: Build) -> None:
    moments = [SCAN_AT, SCAN_AT + timedelta(seconds=180), SCAN_AT + timedelta(seconds=360)]
    conversion = derive(
        an_acquisition(decay_correction="NONE", corrected_image=("ATTN",), acquired_at=moments, frame_duration_s=180.0)
    )
    decay = math.log(2) / 6586.2
    in_frame = decay * 180 / (1 - math.exp(-decay * 180))
    expected = [80_000 / 200e6 * in_frame * math.exp(decay * (3600 + start)) for start in (0, 180, 360)]
    assert conversion.suvbw_per_value == pytest.approx(expected, rel=1e-12)
    assert conversion.derivation.factor_g_per_bq is None
    assert conversion.derivation.reference_at is None


def test_none_measures_what_a_corrected_series_would(an_acquisition: Build) -> None:
    """A true activity, decayed during a frame as an uncorrected scanner counts it, gives the SUV of START."""
    decay, duration, true_bqml = math.log(2) / 4057.7, 300.0, 7000.0
    ga68 = {"half_life_s": 4057.7, "nuclide": Code("35337001", "SCT", "^68^Gallium")}
    starts = [0.0, 300.0, 600.0]
    counted = [
        true_bqml * math.exp(-decay * start) * (1 - math.exp(-decay * duration)) / (decay * duration)
        for start in starts
    ]
    corrected = derive(an_acquisition(**ga68))
    uncorrected = derive(
        an_acquisition(
            decay_correction="NONE",
            corrected_image=("ATTN",),
            acquired_at=[SCAN_AT + timedelta(seconds=start) for start in starts],
            frame_duration_s=duration,
            **ga68,
        )
    )
    assert uncorrected.suvbw_per_value * counted == pytest.approx(corrected.suvbw_per_value * true_bqml, rel=1e-9)


def test_none_with_one_frame_time_for_all_slices_has_one_factor(an_acquisition: Build) -> None:
    conversion = derive(an_acquisition(decay_correction="NONE", corrected_image=("ATTN",)))
    assert conversion.derivation.factor_g_per_bq == pytest.approx(conversion.suvbw_per_value[0], rel=1e-12)


@pytest.mark.parametrize(
    ("changes", "tag"), [({"acquired_at": None}, "0008,0032"), ({"frame_duration_s": None}, "0018,1242")]
)
def test_none_needs_time_and_duration_of_each_image(an_acquisition: Build, changes: dict[str, None], tag: str) -> None:
    with pytest.raises(DicomInputError, match=tag):
        derive(an_acquisition(decay_correction="NONE", corrected_image=("ATTN",), **changes))


@pytest.mark.parametrize("stored", ["", "YES"])
def test_missing_or_unknown_decay_correction_is_refused(an_acquisition: Build, stored: str) -> None:
    with pytest.raises(DicomInputError, match=r"\(0054,1102\) Decay Correction") as refusal:
        derive(an_acquisition(decay_correction=stored))
    assert (repr(stored) if stored else "absent") in str(refusal.value)


@pytest.mark.parametrize(
    ("stored", "corrected_image"), [("START", ("ATTN",)), ("ADMIN", ("ATTN",)), ("NONE", ("ATTN", "DECY"))]
)
def test_decy_that_contradicts_the_decay_correction_warns(
    an_acquisition: Build, stored: str, corrected_image: tuple[str, ...]
) -> None:
    derivation = derive(an_acquisition(decay_correction=stored, corrected_image=corrected_image)).derivation
    assert any("DECY" in warning and stored in warning for warning in derivation.warnings)


def test_derivation_reads_as_a_calculation_with_tags_numbers_and_units(an_acquisition: Build) -> None:
    steps = "\n".join(derive(an_acquisition()).derivation.steps)
    for part in ("(0010,1030)", "80 kg", "(0018,1074)", "200 MBq", "(0018,1075)", "6586.2 s", "(0018,1078)"):
        assert part in steps
    assert "200 MBq x exp(-ln 2 x 3600 s / 6586.2 s) = 136.927 MBq" in steps
    assert "80 kg x 1000 g/kg / 136.927 MBq = 0.00058425" in steps


def test_uptake_time_of_admin_images_without_acquisition_time_is_taken_from_the_series(an_acquisition: Build) -> None:
    derivation = derive(an_acquisition(decay_correction="ADMIN", acquired_at=None)).derivation
    assert derivation.uptake_min == pytest.approx(60.0)


def test_injection_at_the_very_start_of_a_dynamic_scan_is_no_error(an_acquisition: Build) -> None:
    derivation = derive(an_acquisition(start_datetime=SCAN_AT)).derivation
    assert derivation.factor_g_per_bq == pytest.approx(80_000 / 200e6, rel=1e-12)
    assert derivation.uptake_min == 0.0
