"""Real series of one patient, as Bq/ml (GE, BQML) and as SUV (GML), against published values.

STS_001 of the TCIA collection Soft-tissue-Sarcoma; expected values in ``expected.json`` beside it.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from psmacore.dicom.read_pet import read_pet_series
from psmacore.dicom.scan import scan_folder
from psmacore.model.volumes import PetVolume, SuvVolume
from psmacore.suv.convert import to_suv
from psmacore.suv.reference_time import back_computed_changes
from psmacore.suv.tracer import identify_tracer, is_fdg


def pet_of(folder: Path) -> PetVolume:
    (series,) = scan_folder(folder).of_modality("PT")
    return read_pet_series(series.paths)


@pytest.fixture(scope="module")
def the_ge_series(shared_data: Path) -> PetVolume:
    return pet_of(shared_data / "sts001-pet-ge-bqml")


@pytest.fixture(scope="module")
def the_ge_suv(the_ge_series: PetVolume) -> SuvVolume:
    return to_suv(the_ge_series)


@pytest.fixture(scope="module")
def the_gml_suv(shared_data: Path) -> SuvVolume:
    return to_suv(pet_of(shared_data / "sts001-crop-gml-ct"))


@pytest.fixture(scope="module")
def expected(shared_data: Path) -> dict[str, object]:
    return dict(json.loads((shared_data / "sts001-pet-ge-bqml" / "expected.json").read_text(encoding="utf-8")))


def test_factor_and_uptake_time_are_the_published_ones(the_ge_suv: SuvVolume) -> None:
    assert the_ge_suv.derivation.factor_g_per_bq == pytest.approx(2.429029766e-4, rel=1e-6)
    assert the_ge_suv.derivation.uptake_min == pytest.approx(2711 / 60, rel=1e-9)


def test_suvmax_of_the_whole_series_is_the_published_one(the_ge_suv: SuvVolume, expected: dict[str, object]) -> None:
    raw = expected["raw_series"]
    assert isinstance(raw, dict)
    assert float(the_ge_suv.values.max()) == pytest.approx(raw["suvmax_whole_series"], rel=1e-6)


def test_every_type_of_the_tumours_suvmax_is_the_published_one(
    the_ge_suv: SuvVolume, expected: dict[str, object]
) -> None:
    mass, factors = expected["GTV_Mass"], the_ge_suv.derivation.factors
    assert isinstance(mass, dict)
    for name, value in (
        ("SUV_lbm_James_max", factors.lbm_james128),
        ("SUV_lbm_Janmahasatian_max", factors.lbm_janma),
        ("SUV_ibw_max", factors.ibw),
    ):
        assert value is not None
        assert mass["SUVbw_max"] * value == pytest.approx(mass[name], rel=1e-6)
    assert factors.bsa is not None
    assert mass["SUVbw_max"] * factors.bsa == pytest.approx(1.968, abs=5e-4)


def test_the_same_patients_gml_series_gives_the_same_suv(
    the_ge_suv: SuvVolume, the_gml_suv: SuvVolume, expected: dict[str, object]
) -> None:
    crop = expected["crop_in_raw"]
    assert isinstance(crop, dict)
    nk, nj, ni = crop["shape_zyx"]
    k, j, i = crop["z0"], crop["y0"], crop["x0"]
    ours, theirs = the_ge_suv.values[k : k + nk, j : j + nj, i : i + ni], the_gml_suv.values
    assert ours.shape == theirs.shape
    relative = np.abs(ours - theirs)[theirs > 0.2] / theirs[theirs > 0.2]
    assert float(np.median(relative)) < 1e-6
    assert float(relative.max()) == pytest.approx(expected["max_rel_diff_vs_ibsi"], rel=1e-3)


def test_back_computation_would_be_off_by_bed_and_is_only_warned_of(
    the_ge_series: PetVolume, the_ge_suv: SuvVolume
) -> None:
    """On this series Acquisition Time is constant while Frame Reference Time steps by bed."""
    reference_at = the_ge_suv.derivation.reference_at
    assert reference_at is not None
    changes = back_computed_changes(the_ge_series.acquisition, reference_at, 6588.0)
    assert (100 * min(changes), 100 * max(changes)) == pytest.approx((-10.9, 1.3), abs=0.05)
    assert any("-10.9 to +1.3 %" in warning for warning in the_ge_suv.derivation.warnings)


def test_the_tracer_is_fdg(the_ge_series: PetVolume) -> None:
    assert is_fdg(identify_tracer(the_ge_series.acquisition.administration))
