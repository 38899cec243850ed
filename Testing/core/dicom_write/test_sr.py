"""Measurement report: every number is found again under its standard name, with state, site and reader (W90)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import highdicom
import pydicom
import pytest
from pydicom.dataset import Dataset

from psmacore.dicom.codes import PRIVATE_SCHEME, state_of_code
from psmacore.dicom.publication import PublishedFiles
from psmacore.dicom.publishing import Publication
from psmacore.dicom.write_sr import write_sr
from psmacore.model.codes import Code
from psmacore.model.lesions import LesionState
from psmacore.model.suv import Override
from psmacore.model.timepoint import StudyClassification
from Testing.core.dicom_write.simulated_pet import Result
from Testing.core.dicom_write.validators import groups_of, items, measurement

MAX, MEAN, SD, PEAK, TOTAL = "56851009", "373098007", "386136009", "126031", "255619001"
SUV = "126401"


@pytest.fixture
def a_report(a_publication: PublishedFiles) -> Dataset:
    return pydicom.dcmread(a_publication.sr)


def report_of(result: Result, published: PublishedFiles, path: Path) -> Dataset:
    """Write the report alone, beside the segmentation and value map of an earlier publication."""
    seg = None if not result.timepoint.lesions else pydicom.dcmread(published.seg or "")
    write_sr(Publication.of(result.timepoint, result.pet), seg, pydicom.dcmread(published.rwvm), path / "sr.dcm")  # type: ignore[arg-type]
    return pydicom.dcmread(path / "sr.dcm")


def texts(report: Dataset, value: str) -> list[str]:
    (remarks,) = items(report, "C0034375")
    return [item.TextValue for item in items(remarks, value)]


def test_report_is_a_tid_1500_imaging_measurement_report(a_report: Dataset) -> None:
    """What dciodvfy does not look at: title, template, nesting."""
    title = a_report.ConceptNameCodeSequence[0]
    assert (title.CodeValue, title.CodingSchemeDesignator) == ("126000", "DCM")
    template = a_report.ContentTemplateSequence[0]
    assert (template.MappingResource, template.TemplateIdentifier) == ("DCMR", "1500")
    assert a_report.SOPClassUID == "1.2.840.10008.5.1.4.1.1.88.34"
    assert [items(a_report, value)[0].ConceptCodeSequence[0].CodeValue for value in ("121058",)] == ["44139-4"]


def test_every_number_of_every_lesion_reads_back(a_result: Result, a_report: Dataset) -> None:
    groups = groups_of(a_report)
    for lesion in a_result.timepoint.lesions:
        group = groups[lesion.tracking_id]
        assert group.ContentTemplateSequence[0].TemplateIdentifier == "1411"
        assert lesion.tracking_uid == items(group, "112040")[0].UID
        assert measurement(group, SUV, MAX) == (lesion.suv_max, "g/ml{SUVbw}")
        assert measurement(group, SUV, MEAN) == (lesion.suv_mean, "g/ml{SUVbw}")
        assert measurement(group, SUV, PEAK) == (lesion.suv_peak, "g/ml{SUVbw}")
        assert measurement(group, SUV, "PEAKHOT") == (lesion.suv_peak_hottest, "g/ml{SUVbw}")
        assert measurement(group, "118565006") == (lesion.volume_ml, "ml")
        assert measurement(group, "TLPSMA", TOTAL) == (lesion.tl_psma_ml, "g")
        if lesion.short_axis_mm is not None:
            assert measurement(group, "103340004") == (lesion.short_axis_mm, "mm")
        site = items(group, "363698007")[0]
        assert site.ConceptCodeSequence[0].CodeValue == lesion.site.value
        state = items(group, "STATE")[0].ConceptCodeSequence[0]
        assert state_of_code(Code(state.CodeValue, state.CodingSchemeDesignator, "")) is lesion.state
    first = groups["L001"]
    assert measurement(first, "EXPRESSION") == (3.0, "1")
    assert items(first, "MITNM")[0].TextValue == "miM1b"


def test_numeric_value_is_the_float_to_sixteen_characters(a_report: Dataset) -> None:
    for group in groups_of(a_report).values():
        for item in group.ContentSequence:
            if item.ValueType == "NUM" and "FloatingPointValue" in item.MeasuredValueSequence[0]:
                measured = item.MeasuredValueSequence[0]
                assert float(measured.NumericValue) == pytest.approx(measured.FloatingPointValue, rel=1e-9)


def test_side_of_a_site_is_a_modifier(a_result: Result, a_report: Dataset) -> None:
    groups = groups_of(a_report)
    for lesion in a_result.timepoint.lesions:
        site = items(groups[lesion.tracking_id], "363698007")[0]
        sides = [one.ConceptCodeSequence[0].CodeValue for one in items(site, "272741003")]
        sided = {"left": ["7771000"], "right": ["24028007"]}
        expected = sided.get(lesion.site.meaning.split()[-1], [])
        assert sides == expected


def test_lesions_refer_to_their_segment_and_all_to_the_value_map(
    a_result: Result, a_publication: PublishedFiles, a_report: Dataset
) -> None:
    seg, rwvm = pydicom.dcmread(a_publication.seg or ""), pydicom.dcmread(a_publication.rwvm)
    groups = groups_of(a_report)
    for lesion in a_result.timepoint.lesions:
        reference = items(groups[lesion.tracking_id], "121191")[0].ReferencedSOPSequence[0]
        assert (reference.ReferencedSOPInstanceUID, reference.ReferencedSegmentNumber) == (
            seg.SOPInstanceUID,
            lesion.segment_number,
        )
        assert a_result.pet.header.series_uid == items(groups[lesion.tracking_id], "121232")[0].UID
    for group in groups.values():
        used = items(group, "126100")[0].ReferencedSOPSequence[0]
        assert used.ReferencedSOPInstanceUID == rwvm.SOPInstanceUID


def test_evidence_lists_images_segmentation_and_value_map(
    a_result: Result, a_publication: PublishedFiles, a_report: Dataset
) -> None:
    listed = {
        reference.ReferencedSOPInstanceUID
        for study in a_report.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for reference in series.ReferencedSOPSequence
    }
    expected = {instance.sop_instance_uid for instance in a_result.pet.header.instances}
    for path in (a_publication.seg, a_publication.rwvm):
        expected.add(pydicom.dcmread(path or "").SOPInstanceUID)
    assert listed == expected


def test_whole_body_group_states_the_totals(a_result: Result, a_report: Dataset) -> None:
    group, totals = groups_of(a_report)["Whole body"], a_result.timepoint.totals
    assert totals is not None
    assert measurement(group, "246206008", TOTAL) == (5.0, "1")
    assert measurement(group, "PSMATV") == (totals.psma_tv_ml, "ml")
    assert measurement(group, "TLPSMA", TOTAL) == (totals.tl_psma_ml, "g")
    assert measurement(group, SUV, MAX) == (totals.suv_max, "g/ml{SUVbw}")
    assert measurement(group, SUV, MEAN) == (totals.suv_mean, "g/ml{SUVbw}")


def test_zero_lesions_are_stated(a_result: Result, a_publication: PublishedFiles, tmp_path: Path) -> None:
    group = groups_of(report_of(a_result.with_lesions(), a_publication, tmp_path))["Whole body"]
    assert measurement(group, "246206008", TOTAL) == (0.0, "1")
    assert measurement(group, "PSMATV") == (0.0, "ml")


def test_without_totals_the_reason_stands_in_their_place(
    a_result: Result, a_publication: PublishedFiles, tmp_path: Path
) -> None:
    candidates = [replace(one, state=LesionState.CANDIDATE) for one in a_result.timepoint.lesions[:1]]
    changed = a_result.with_lesions(*candidates, totals=None)
    group = groups_of(report_of(changed, a_publication, tmp_path))["Whole body"]
    assert [item for item in group.ContentSequence if item.ValueType == "NUM"] == []
    assert "not excluded" in items(group, "NOTOTALS")[0].TextValue


def test_reference_regions_read_back(a_result: Result, a_report: Dataset) -> None:
    groups = groups_of(a_report)
    for region, organ in zip(a_result.timepoint.reference_regions, ("10200004", "15825003"), strict=True):
        group = groups[region.name]
        assert items(group, "121071")[0].ConceptCodeSequence[0].CodeValue == "C94970"
        assert items(group, "363698007")[0].ConceptCodeSequence[0].CodeValue == organ
        assert measurement(group, SUV, MEAN) == (region.suv_mean, "g/ml{SUVbw}")
        assert measurement(group, SUV, SD) == (region.suv_sd, "g/ml{SUVbw}")


def test_basis_of_the_suv_reads_back(a_result: Result, a_report: Dataset) -> None:
    group, basis = groups_of(a_report)["SUV basis"], a_result.timepoint.suv
    assert measurement(group, "SUVFACTOR") == (basis.factor_g_per_bq, "g/Bq")
    assert measurement(group, "113507") == (150.0, "MBq")
    assert measurement(group, "304283002") == (4057.7, "s")
    assert measurement(group, "29463-7") == (70.0, "kg")
    assert measurement(group, "8302-2") == (1.75, "m")
    assert measurement(group, "126203") == (60.0, "min")
    assert measurement(group, "122411") == (3.0, "g/ml{SUVbw}")
    assert items(group, "123001")[0].ConceptCodeSequence[0].CodeValue == "C118961"
    assert items(group, "123003")[0].DateTime == "20260302090000.000000"
    assert texts(a_report, "SUVSTEP") == list(basis.steps)


def test_overrides_are_told_with_old_and_new_value(
    a_result: Result, a_publication: PublishedFiles, tmp_path: Path
) -> None:
    overrides = (Override("weight_kg", "82", "70", "Reader^One", "scale of the ward"), Override("sex", "M", None, ""))
    suv = replace(a_result.timepoint.suv, overrides=overrides)
    answer = StudyClassification("abnormal", 0.875, "simulation")
    report = report_of(a_result.with_lesions(suv=suv, classification=answer), a_publication, tmp_path)
    assert texts(report, "SUVOVERRIDE") == [
        "weight_kg: 70 -> 82, by Reader^One; reason: scale of the ward",
        "sex: absent -> M, by a reader not named",
    ]
    assert texts(report, "CLASSIFIED") == ["abnormal, p=0.875, model simulation"]


def test_warnings_are_told_once(a_result: Result, a_publication: PublishedFiles, tmp_path: Path) -> None:
    suv = replace(a_result.timepoint.suv, warnings=("Dose is 0.3 MBq ± 1 %", "Simulated data"))
    report = report_of(a_result.with_lesions(suv=suv), a_publication, tmp_path)
    assert texts(report, "WARNING") == ["Dose is 0.3 MBq ± 1 %", "Simulated data"]


def test_report_is_partial_and_names_only_the_device_before_confirmation(a_report: Dataset) -> None:
    assert (a_report.CompletionFlag, a_report.VerificationFlag, a_report.PreliminaryFlag) == (
        "PARTIAL",
        "UNVERIFIED",
        "PRELIMINARY",
    )
    assert "VerifyingObserverSequence" not in a_report
    assert [item.ConceptCodeSequence[0].CodeValue for item in items(a_report, "121005")] == ["121007"]
    assert items(a_report, "121013")[0].TextValue == "PSMA theranostics"


def test_confirmed_report_is_verified_by_the_reader_and_replaces_the_old(
    a_confirmed_publication: PublishedFiles,
) -> None:
    report = pydicom.dcmread(a_confirmed_publication.sr)
    assert (report.CompletionFlag, report.VerificationFlag, report.PreliminaryFlag) == ("COMPLETE", "VERIFIED", "FINAL")
    (observer,) = report.VerifyingObserverSequence
    assert observer.VerifyingObserverName == "Reader^Simulated"
    assert observer.VerifyingOrganization == "Simulated Hospital"
    assert observer.VerificationDateTime == "20260303081530.000000+0200"
    assert items(report, "121008")[0].PersonName == "Reader^Simulated"
    (study,) = report.PredecessorDocumentsSequence
    (series,) = study.ReferencedSeriesSequence
    assert (study.StudyInstanceUID, series.SeriesInstanceUID) == ("1.2.3", "1.2.3.4")
    assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "1.2.3.4.5"


def test_time_point_is_the_study(a_result: Result, a_report: Dataset) -> None:
    group = groups_of(a_report)["L001"]
    assert items(group, "C2348792")[0].TextValue == "20260302"
    assert items(group, "126070")[0].TextValue == a_result.timepoint.study.uid


def test_another_toolkit_reads_lesions_and_numbers(a_result: Result, a_publication: PublishedFiles) -> None:
    report = highdicom.sr.srread(a_publication.sr)
    groups = report.content.get_volumetric_roi_measurement_groups()
    assert [group.tracking_uid for group in groups] == [one.tracking_uid for one in a_result.timepoint.lesions]
    volumes = [
        group.get_measurements(name=highdicom.sr.CodedConcept("118565006", "SCT", "Volume"))[0].value
        for group in groups
    ]
    assert volumes == [one.volume_ml for one in a_result.timepoint.lesions]


def test_viewers_find_library_and_a_content_in_every_number(a_result: Result, a_publication: PublishedFiles) -> None:
    """OHIF reads the Image Library unasked and the content of each NUM: without either it stops with an exception."""
    for path, n_images in ((a_publication.sr, len(a_result.pet.header.instances)), (a_publication.sr_display, None)):
        report = pydicom.dcmread(path or "")
        (library,) = items(report, "111028")
        (group,) = items(library, "126200")
        uids = [item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for item in items(group, "260753009")]
        expected = [instance.sop_instance_uid for instance in a_result.pet.header.instances]
        assert set(uids) <= set(expected)
        assert len(uids) == len(set(uids)) == (n_images or len(set(uids)))
        assert a_result.pet.geometry.frame_of_reference_uid == items(group, "112227")[0].UID
        numbers = [
            item for one in groups_of(report).values() for item in one.ContentSequence if item.ValueType == "NUM"
        ]
        assert all("ContentSequence" in item for item in numbers)


def test_private_codes_are_declared(a_report: Dataset) -> None:
    assert [item.CodingSchemeDesignator for item in a_report.CodingSchemeIdentificationSequence] == [PRIVATE_SCHEME]
