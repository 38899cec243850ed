from __future__ import annotations

import json
import math

import numpy as np
import pytest

pytest.importorskip("torch")

from psmacore.ai.evaluation.figures import (
    CaseResult,
    Figure,
    LesionFound,
    StructureResult,
    measure_labels,
    measure_lesions,
)
from psmacore.ai.evaluation.records import to_markdown, to_record
from psmacore.ai.evaluation.report import evaluation_of
from psmacore.ai.evaluation.summary import (
    by_lesion_size,
    cases_by_lesion_size,
    cases_by_scan_range,
    summarise,
    summarise_answers,
)
from psmacore.errors import GeometryError
from psmacore.model.geometry import Geometry
from psmacore.registry.manifest import OutputClass
from Testing.core.ai.evaluation.masks import boxes, empty

NAN = float("nan")
GRID = Geometry.from_axes(shape=(12, 12, 12), origin_lps_mm=(0, 0, 0), spacing_ijk_mm=(10.0, 10.0, 10.0))


def a_case(
    name: str, dsc: float, *, structure: str = "lesion", scan_range: str = "whole_body", lesions=()
) -> CaseResult:
    found = StructureResult(structure, 1.0, 1.0, {Figure.DSC: dsc}, tuple(LesionFound(*one) for one in lesions))
    return CaseResult(name, name, "psma", scan_range, (found,))


def test_mean_and_median_leave_out_cases_without_the_figure():
    found = summarise([a_case("a", 0.2), a_case("b", NAN), a_case("c", 0.4), a_case("d", 0.9)])["dsc"]
    assert (found.mean, found.median, found.n) == (pytest.approx(0.5), 0.4, 3)
    assert found.ci95[0] < 0.5 < found.ci95[1]


def test_figure_that_no_case_has_is_not_a_number():
    found = summarise([a_case("a", NAN)])["dsc"]
    assert math.isnan(found.mean)
    assert (found.ci95, found.n) == (None, 0)


def test_both_sides_of_a_pair_of_organs_count_alike():
    both = [StructureResult(f"kidney_{side}", 1, 1, {Figure.DSC: dsc}) for side, dsc in (("left", 0.8), ("right", 0.6))]
    liver = StructureResult("liver", 1, 1, {Figure.DSC: 1.0})
    found = summarise([CaseResult("a", "a", "", "pelvis", (*both, liver))])
    assert found["kidneys_dsc"].mean == pytest.approx(0.7)
    assert found["liver_dsc"].mean == 1.0
    assert found["dsc"].mean == pytest.approx(0.8)


def test_lesions_are_sorted_into_four_sizes():
    """W85: small and scattered lesions apart from large ones."""
    lesions = [(0.5, 0.0), (0.99, 0.5), (1.0, 1.0), (5.0, 0.9), (20.0, 1.0), (80.0, 1.0)]
    groups = by_lesion_size([a_case("a", 0.5, lesions=lesions)])
    assert [(group.n_lesions, group.n_found) for group in groups] == [(2, 1), (1, 1), (1, 1), (2, 2)]
    assert groups[0].sensitivity == 0.5
    assert groups[0].part_found == 0.25


def test_cases_are_grouped_by_their_mean_lesion_and_by_scan_range():
    """W85, W86."""
    cases = [
        a_case("a", 0.3, lesions=[(0.5, 1.0), (1.2, 1.0)]),
        a_case("b", 0.9, lesions=[(50.0, 1.0)], scan_range="skull_to_thigh"),
        a_case("c", NAN),
    ]
    assert [(group.name, group.n_cases, group.dsc.mean) for group in cases_by_lesion_size(cases)] == [
        ("< 1 ml", 1, 0.3),
        (">= 20 ml", 1, 0.9),
    ]
    assert [(group.name, group.n_cases) for group in cases_by_scan_range(cases)] == [
        ("skull_to_thigh", 1),
        ("whole_body", 2),
    ]


def test_answers_are_summarised_over_all_studies():
    """W75: the published matrix, one patient a study."""
    kinds = [(True, 0.9)] * 11 + [(False, 0.9)] * 2 + [(True, 0.1)] * 5 + [(False, 0.1)] * 8
    cases = [
        CaseResult(str(n), str(n), "fdg", "whole_body", is_positive=truth, probability=probability)
        for n, (truth, probability) in enumerate(kinds)
    ]
    found = summarise_answers(cases, 0.5)
    assert round(100 * found["accuracy"].mean, 2) == 73.08
    assert round(found["f1"].median, 4) == 0.7586
    assert found["accuracy"].ci95[0] < 0.7308 < found["accuracy"].ci95[1]


def test_lesions_of_one_tracer_are_measured_in_millilitres():
    truth, prediction = boxes(((1, 1, 1), (3, 3, 3)), ((8, 8, 8), (9, 9, 9))), boxes(((1, 1, 1), (3, 3, 3)))
    found = measure_lesions("lesion", truth, prediction, GRID, suv=np.ones((12, 12, 12), np.float32))
    assert (found.true_ml, found.predicted_ml) == pytest.approx((9.0, 8.0))
    assert found.figures[Figure.FNV_ML] == pytest.approx(1.0)
    assert [lesion.part_found for lesion in found.lesions] == [1.0, 0.0]


def test_one_slice_and_all_hot_volumes_have_figures():
    flat = Geometry.from_axes(shape=(1, 8, 8), origin_lps_mm=(0, 0, 0), spacing_ijk_mm=(2.0, 2.0, 2.0))
    suv, hot = np.ones((1, 8, 8), np.float32), np.ones((1, 8, 8), np.bool_)
    half = hot.copy()
    half[:, :, 4:] = False
    assert measure_lesions("lesion", half, half, flat, suv=suv).figures[Figure.SURFACE_DSC] == 1.0
    found = measure_lesions("lesion", half, hot, flat, suv=suv).figures
    assert found[Figure.DSC] == pytest.approx(2 / 3)
    assert found[Figure.DELTA_MTV_PERCENT] == 100.0
    assert measure_lesions("lesion", hot, hot, flat, suv=suv).figures[Figure.SURFACE_DSC_AT_TOLERANCE] == 1.0


def test_organ_that_only_the_prediction_holds_has_a_volume_and_no_dsc():
    outputs = (OutputClass(0, "background"), OutputClass(5, "liver"), OutputClass(201, "parotid_gland_left"))
    truth = np.where(boxes(((1, 1, 1), (5, 5, 5))), 5, 0).astype(np.uint16)
    prediction = truth.copy()
    prediction[8, 8, 8] = 201
    liver, parotid = measure_labels(truth, prediction, outputs, GRID)
    assert (liver.structure, liver.figures[Figure.DSC]) == ("liver", 1.0)
    assert liver.figures[Figure.SURFACE_DSC_AT_TOLERANCE] == 1.0
    assert math.isnan(parotid.figures[Figure.DSC])
    assert parotid.predicted_ml == pytest.approx(1.0)


def test_labels_of_another_grid_are_refused():
    with pytest.raises(GeometryError):
        measure_labels(empty((3, 3, 3)).astype(np.uint8), empty((3, 3, 3)).astype(np.uint8), (), GRID)


def test_record_of_a_case_without_figures_is_json_with_nulls(a_lesion_manifest):
    evaluation = evaluation_of(a_lesion_manifest, [a_case("a", NAN)], {}, data="nothing", is_simulated=True)
    record = json.loads(json.dumps(to_record(evaluation), allow_nan=False))
    assert record["summary"]["dsc"] == {"mean": None, "median": None, "ci95": None, "n": 0}
    assert "Measured on simulated patients" in to_markdown(evaluation)
