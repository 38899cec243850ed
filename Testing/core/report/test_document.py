"""The report's content and order, and what it says until a reader confirms (W90)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from psmacore.errors import InputRefusedError, UsageError
from psmacore.model.codes import Code
from psmacore.model.lesions import LesionState, ReferenceRegion
from psmacore.model.promise import CommonIliac, PromiseStage, PromiseVersion
from psmacore.model.timepoint import StudyClassification, Timepoint
from psmacore.report.document import ReportDocument, Section, Signature, build_document
from psmacore.report.parts import Column, Row, Table
from Testing.timepoints import FDG, SITES, confirmed, make_lesion, make_timepoint

CONTRACT_ORDER = (
    "Examination",
    "Comparison",
    "Impression",
    "Lesions",
    "Reference organs",
    "FDG and discordance",
    "Maximum intensity projections",
    "Limits",
    "Reader",
    "Software and model",
)
SIGNED = Signature("Reader 1", "20260305121500+0100")


def section(document: ReportDocument, title: str) -> Section:
    return next(part for part in (*document.sections, *document.appendix) if part.title == title)


def facts(document: ReportDocument, title: str) -> dict[str, str]:
    return {fact.label: fact.value for fact in section(document, title).facts}


def everything(document: ReportDocument) -> str:
    return repr(document)


def test_sections_stand_in_the_order_of_the_contract(a_timepoint: Timepoint) -> None:
    assert tuple(part.title for part in build_document(a_timepoint).sections) == CONTRACT_ORDER


def test_examination_states_tracer_activity_uptake_time_and_suv_basis(a_timepoint: Timepoint) -> None:
    found = facts(build_document(a_timepoint), "Examination")
    assert found["Tracer"] == "[68Ga]PSMA-11"
    assert found["Injected activity"] == "151.5 MBq"
    assert found["Uptake time"] == "61 min"
    assert found["SUV basis"] == "SUVbw (g/ml), by body weight"
    assert found["Factor from Bq/ml"] == "7.654321e-04 g/Bq"


def test_impression_gives_the_patients_stage_with_edition_and_convention(a_timepoint: Timepoint) -> None:
    """DESIGN: the impression opens with miTNM; which edition is stored and printed."""
    stage = PromiseStage(
        PromiseVersion.V2, CommonIliac.PELVIC, "miT2u", "miN1", "miM0", None, "miT2u miN1(OBL) miM0", n_unclassified=1
    )
    document = build_document(replace(a_timepoint, promise=stage))
    found = facts(document, "Impression")
    assert found["miTNM"] == "miT2u miN1(OBL) miM0 (1 lesion not classified)"
    assert found["PROMISE"] == "V2, common iliac nodes pelvic (AJCC 8: M1a)"
    assert "miTNM miT2u miN1(OBL) miM0" in section(document, "Impression").summary
    distant = replace(stage, common_iliac=CommonIliac.DISTANT, text="", n_unclassified=0)
    found = facts(build_document(replace(a_timepoint, promise=distant)), "Impression")
    assert (found["miTNM"], found["PROMISE"]) == ("not assessed", "V2, common iliac nodes M1a (AJCC 8)")


def test_border_of_site_and_score_and_the_models_probability_are_shown_where_they_are_known(
    a_timepoint: Timepoint,
) -> None:
    first, *rest = a_timepoint.lesions
    marked = replace(first, site_alternative=SITES[1], is_score_borderline=True, confidence=0.875)
    lesions = section(build_document(replace(a_timepoint, lesions=(marked, *rest))), "Lesions")
    (table,) = lesions.tables
    cells = {row.cells[0]: row.cells for row in table.rows}
    assert cells["L001"][1] == "Prostate, or Pelvic lymph node"
    assert cells["L001"][-2:] == ("1 ~", "0.88")
    assert cells["L002"][-2:] == ("2", "–")
    assert any("14.3 %" in note for note in lesions.notes)
    plain = section(build_document(a_timepoint), "Lesions")
    assert "Model prob." not in {column.heading for column in plain.tables[0].columns}
    assert not any("~" in note for note in plain.notes)


def test_override_is_shown_with_reader_and_old_value(a_timepoint: Timepoint) -> None:
    (table,) = section(build_document(a_timepoint), "Examination").tables
    assert table.rows[0].cells == ("weight_kg", "82.5", "0", "Reader 1", "weighed on the day")


def test_study_without_override_says_so(a_timepoint: Timepoint) -> None:
    plain = replace(a_timepoint, suv=replace(a_timepoint.suv, overrides=()))
    assert section(build_document(plain), "Examination").notes == ("No value was overridden by a reader.",)


def test_impression_gives_burden_and_classes(a_timepoint: Timepoint) -> None:
    found = facts(build_document(a_timepoint), "Impression")
    assert found["miTNM"] == "miT2 miN1 miM1b"
    assert found["Lesions"] == "3"
    assert found["PSMA-TV"] == "2.23 ml"  # 0.375 + 0.745 + 1.115 ml
    assert found["TL-PSMA"] == "11.0 g/ml × ml"
    assert found["Change, category"] == "not assessed: single study"


def test_lesion_without_a_class_is_said_to_have_none(a_timepoint: Timepoint) -> None:
    first, *rest = a_timepoint.lesions
    found = facts(build_document(replace(a_timepoint, lesions=(replace(first, mi_tnm=None), *rest))), "Impression")
    assert found["miTNM"] == "miN1 miM1b (1 lesion not classified)"


@pytest.mark.parametrize(
    ("n_lesions", "n_main", "n_appendix"), [(0, 0, None), (1, 1, None), (10, 10, None), (11, 10, 1), (60, 10, 50)]
)
def test_ten_lesions_stand_in_the_report_and_the_rest_in_the_appendix(
    n_lesions: int, n_main: int, n_appendix: int | None
) -> None:
    document = build_document(make_timepoint(n_lesions))
    assert len(section(document, "Lesions").tables[0].rows) == n_main
    further = [part for part in document.appendix if part.title == "Further lesions"]
    assert [len(part.tables[0].rows) for part in further] == ([] if n_appendix is None else [n_appendix])


def test_main_table_holds_the_highest_total_uptake_first() -> None:
    rows = section(build_document(make_timepoint(12)), "Lesions").tables[0].rows
    assert [row.cells[0] for row in rows] == [f"L{number:03d}" for number in range(12, 2, -1)]


def test_every_lesion_is_in_exactly_one_table() -> None:
    others = [make_lesion(30 + number, state) for number, state in enumerate(LesionState)]
    document = build_document(make_timepoint(14, others=others))
    shown = [
        row.cells[0]
        for part in (*document.sections, *document.appendix)
        for table in part.tables
        for row in table.rows
        if row.cells[0].startswith("L") and row.cells[0][1:].isdigit()
    ]
    assert sorted(shown) == sorted(f"L{number:03d}" for number in (*range(1, 15), *range(30, 30 + len(LesionState))))


def test_excluded_candidates_are_listed_and_not_counted(a_timepoint: Timepoint) -> None:
    document = build_document(a_timepoint)
    (row,) = section(document, "Not counted").tables[0].rows
    assert row.cells[:3] == ("L004", "Ilium", "excluded candidate")
    assert section(document, "Lesions").notes == ("1 finding not counted: see the appendix.",)


def test_without_organ_map_there_are_candidates_and_no_totals() -> None:
    document = build_document(make_timepoint(3, has_totals=False))
    assert "Physiological uptake not excluded; no whole-body totals." in section(document, "Impression").cautions[0]
    assert "PSMA-TV" not in facts(document, "Impression")
    assert len(section(document, "Candidates").tables[0].rows) == 3
    assert "Candidates include normal organs." in section(document, "Limits").notes[1]


def test_reference_organs_always_have_five_rows(a_timepoint: Timepoint) -> None:
    rows = section(build_document(a_timepoint), "Reference organs").tables[0].rows
    assert [row.cells for row in rows] == [
        ("Liver", "5.12", "0.61"),
        ("Blood pool", "1.43", "0.22"),
        ("Parotid glands", "11.70", "2.05"),
        ("Spleen", "not measured", "–"),
        ("Kidneys", "not measured", "–"),
    ]


def test_further_glands_follow_the_five_where_they_were_measured(a_timepoint: Timepoint) -> None:
    glands = (*a_timepoint.reference_regions, ReferenceRegion("lacrimal", 8.0, 1.5, 0))
    organs = section(build_document(replace(a_timepoint, reference_regions=glands)), "Reference organs")
    assert organs.tables[0].rows[-1].cells == ("Lacrimal glands", "8.00", "1.50")
    assert len(organs.tables[0].rows) == 6


def test_reference_organs_without_any_measurement_say_so(a_timepoint: Timepoint) -> None:
    organs = section(build_document(replace(a_timepoint, reference_regions=())), "Reference organs")
    assert organs.tables[0].rows == ()
    assert organs.tables[0].empty_words == organs.summary == "Not measured."


def test_warning_of_the_suv_is_not_repeated_in_the_limits(a_timepoint: Timepoint) -> None:
    repeated = replace(a_timepoint, warnings=(*a_timepoint.suv.warnings, "Another."))
    document = build_document(repeated)
    assert section(document, "Examination").cautions == a_timepoint.suv.warnings
    assert section(document, "Limits").cautions == ("Another.",)


def test_absent_fdg_study_is_said_to_be_absent(a_timepoint: Timepoint) -> None:
    assert section(build_document(a_timepoint), "FDG and discordance").notes == (
        "Not assessed: no FDG PET/CT compared with this study.",
    )


def test_limits_name_psma_negative_disease_and_the_warnings(a_timepoint: Timepoint) -> None:
    limits = section(build_document(a_timepoint), "Limits")
    assert limits.notes == ("PSMA-negative disease not assessed.",)
    assert limits.cautions == ("PET and CT end at different heights.",)


def test_report_says_research_use_until_confirmed(a_timepoint: Timepoint) -> None:
    """W90."""
    document = build_document(a_timepoint)
    assert document.status == "AI, unconfirmed. Research use, reader must confirm."
    assert facts(document, "Impression")["Status"] == "Provisional. Research use, reader must confirm"
    assert facts(document, "Reader")["Signed"] == "not signed"


def test_signed_report_on_confirmed_lesions_is_confirmed() -> None:
    """W90: the statement goes when, and only when, a reader has confirmed."""
    document = build_document(confirmed(make_timepoint(3)), signature=SIGNED)
    assert document.is_confirmed
    assert document.status == "Confirmed and signed by Reader 1, 2026-03-05 12:15:00 UTC+0100."
    assert "reader must confirm" not in everything(document)


def test_signature_over_unconfirmed_lesions_stays_provisional(a_timepoint: Timepoint) -> None:
    """W90."""
    document = build_document(a_timepoint, signature=SIGNED)
    assert not document.is_confirmed
    assert document.status.endswith("with unconfirmed lesions. Research use, reader must confirm.")


def test_confirmed_lesions_without_signature_stay_provisional() -> None:
    """W90."""
    assert not build_document(confirmed(make_timepoint(2))).is_confirmed


def test_classification_is_shown_with_its_model(a_timepoint: Timepoint) -> None:
    found = replace(a_timepoint, classification=StudyClassification("abnormal", 0.934, "resnet 1.0"))
    assert facts(build_document(found), "Impression")["Study classification"] == "abnormal (93.4 %, resnet 1.0)"


def test_fdg_report_uses_the_words_of_fdg(a_timepoint: Timepoint) -> None:
    document = build_document(replace(a_timepoint, tracer=FDG))
    assert document.title == "FDG PET/CT quantification"
    assert "MTV" in facts(document, "Impression")
    assert "PSMA-TV" not in everything(document)
    assert "miTNM" not in everything(document)
    assert section(document, "Limits").notes == ("FDG-negative disease not assessed.",)
    assert "no PSMA PET/CT" in section(document, "FDG and discordance").notes[0]


def test_tracer_that_is_neither_is_not_called_psma(a_timepoint: Timepoint) -> None:
    document = build_document(replace(a_timepoint, tracer=Code("", "", "choline")))
    assert document.title == "PET/CT quantification"
    assert "PSMA-TV" not in everything(document)


def test_software_model_and_threshold_are_named(a_timepoint: Timepoint) -> None:
    found = facts(build_document(a_timepoint), "Software and model")
    assert found["Software"] == "psma-theranostics 0.1.0 (0123abc)"
    assert found["Threshold"] == "3.00 g/ml SUVbw"
    assert found["Parameters"] == "connectivity=26, rule=PSMA SUV 3"


def test_derivation_is_in_the_appendix_in_order(a_timepoint: Timepoint) -> None:
    steps = section(build_document(a_timepoint), "How the SUV was derived").notes
    assert [step[:2] for step in steps] == ["1.", "2.", "3."]


def test_value_that_is_no_number_stops_the_report(a_timepoint: Timepoint) -> None:
    broken = replace(a_timepoint.lesions[0], suv_mean=float("nan"))
    with pytest.raises(InputRefusedError, match="not a finite number"):
        build_document(replace(a_timepoint, lesions=(broken,)))


def test_table_refuses_rows_of_another_width() -> None:
    with pytest.raises(UsageError, match="does not have 1 cells"):
        Table("Two", (Column("One"),), (Row(("1", "2")),), "None.")
