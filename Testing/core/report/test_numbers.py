"""One number looks the same wherever it is shown."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from psmacore.errors import InputRefusedError
from psmacore.report import numbers


@pytest.mark.parametrize(
    ("value_ml", "words"),
    [(0, "0.00"), (0.064, "0.06"), (9.994, "9.99"), (9.996, "10.0"), (10, "10.0"), (366.08, "366.1")],
)
def test_volume_has_two_decimals_below_ten_ml_and_one_from_there(value_ml: float, words: str) -> None:
    assert numbers.volume_words(value_ml) == words


def test_suv_has_two_decimals() -> None:
    assert numbers.suv_words(7.9149) == "7.91"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_value_that_is_no_number_is_never_shown(value: float) -> None:
    for words in (numbers.suv_words, numbers.volume_words, numbers.length_words, numbers.activity_words):
        with pytest.raises(InputRefusedError, match="not a finite number"):
            words(value)


def test_factor_of_the_real_ge_series_keeps_its_digits() -> None:
    assert numbers.factor_words(2.429029766e-4) == "2.429030e-04 g/Bq"


def test_missing_values_are_said_to_be_missing() -> None:
    for words in (
        numbers.activity_words,
        numbers.minutes_words,
        numbers.weight_words,
        numbers.height_words,
        numbers.half_life_words,
        numbers.moment_words,
    ):
        assert words(None) == "not known"
    assert numbers.length_words(None) == "–"


def test_units_stand_with_the_number() -> None:
    assert numbers.activity_words(151.5e6) == "151.5 MBq"
    assert numbers.minutes_words(61.2) == "61 min"
    assert numbers.weight_words(82.5) == "82.5 kg"
    assert numbers.height_words(1.78) == "1.78 m"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("20260305", "2026-03-05"),
        ("20260305110203.000000+0100", "2026-03-05 11:02:03 UTC+0100"),
        ("202603051102", "2026-03-05 11:02"),
        ("", "not known"),
        ("spring", "spring"),
    ],
)
def test_dicom_dates_are_written_out(value: str, words: str) -> None:
    assert numbers.dicom_moment_words(value) == words


def test_moment_tells_its_time_zone_only_where_it_has_one() -> None:
    at = datetime(2026, 3, 5, 9, 30)
    assert numbers.moment_words(at) == "2026-03-05 09:30:00"
    assert numbers.moment_words(at.replace(tzinfo=timezone(timedelta(hours=-3)))) == "2026-03-05 09:30:00 UTC-0300"
