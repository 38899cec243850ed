"""Lesions as CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from psmacore.model.codes import Code
from psmacore.model.lesions import LesionState
from psmacore.model.timepoint import Timepoint
from psmacore.report.table import CSV_HEADINGS, lesions_csv
from Testing.timepoints import make_lesion, make_timepoint


def rows_of(timepoint: Timepoint) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(lesions_csv(timepoint), newline="")))


def test_csv_has_a_row_for_each_lesion_of_any_state(a_timepoint: Timepoint) -> None:
    assert [row["state"] for row in rows_of(a_timepoint)] == ["unconfirmed"] * 3 + ["excluded_candidate"]


def test_csv_keeps_six_digits_of_every_measurement(a_timepoint: Timepoint) -> None:
    for row, lesion in zip(rows_of(a_timepoint), a_timepoint.lesions, strict=True):
        for heading, value in (
            ("volume_ml", lesion.volume_ml),
            ("suvbw_max_g_per_ml", lesion.suv_max),
            ("suvbw_mean_g_per_ml", lesion.suv_mean),
            ("suvbw_peak_g_per_ml", lesion.suv_peak),
            ("suvbw_peak_hottest_g_per_ml", lesion.suv_peak_hottest),
            ("tl_psma_g_per_ml_x_ml", lesion.tl_psma_ml),
            ("centroid_l_mm", lesion.centroid_lps_mm[0]),
            ("centroid_p_mm", lesion.centroid_lps_mm[1]),
            ("centroid_s_mm", lesion.centroid_lps_mm[2]),
        ):
            assert float(row[heading]) == pytest.approx(value, rel=1e-5)
        assert int(row["voxels"]) == lesion.n_voxels


def test_unknown_values_are_empty_cells(a_timepoint: Timepoint) -> None:
    fourth = rows_of(a_timepoint)[3]
    assert (fourth["short_axis_mm"], fourth["confirmed_by"]) == ("", "")


def test_study_without_lesions_has_the_headings_only() -> None:
    assert lesions_csv(make_timepoint(0)) == ",".join(CSV_HEADINGS) + "\r\n"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx"])
def test_text_that_a_spreadsheet_would_run_is_disarmed(text: str) -> None:
    lesion = replace(make_lesion(1, LesionState.CONFIRMED), site=Code("1", "SCT", text), confirmed_by=text)
    (row,) = rows_of(make_timepoint(0, others=[lesion]))
    assert row["site"] == row["confirmed_by"] == f"'{text}"
    assert float(row["centroid_l_mm"]) == -37.5


def test_commas_quotes_and_line_breaks_survive() -> None:
    site = 'left, "upper"\nlobe'
    lesion = replace(make_lesion(1), site=Code("1", "SCT", site))
    assert rows_of(make_timepoint(0, others=[lesion]))[0]["site"] == site
