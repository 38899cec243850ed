"""SEG: what is read back by position is what was segmented, under the right names, colours and references (W12)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from highdicom.color import CIELabColor
from pydicom.dataset import Dataset

from psmacore.dicom.publication import PublishedFiles
from psmacore.dicom.publishing import Publication
from psmacore.dicom.read_seg import read_segments
from psmacore.dicom.write_seg import write_seg, write_union_seg
from psmacore.errors import GeometryError, UsageError
from psmacore.model.codes import Code
from psmacore.model.geometry import Geometry
from psmacore.model.lesions import LesionState
from psmacore.model.palette import EXCLUDED_RGB, segment_rgb
from psmacore.model.volumes import Segmentation
from Testing.core.dicom_write.simulated_pet import Result
from Testing.core.dicom_write.validators import labels_by_position, object_errors


def source_paths(result: Result) -> list[Path]:
    return [instance.path for instance in result.pet.header.instances]


def code(sequence: list[Dataset]) -> tuple[str, str]:
    return sequence[0].CodeValue, sequence[0].CodingSchemeDesignator


def seg_of(result: Result, path: Path) -> Dataset:
    write_seg(Publication.of(result.timepoint, result.pet), result.segmentation, path)
    return pydicom.dcmread(path)


@pytest.fixture
def a_seg(a_publication: PublishedFiles) -> Dataset:
    assert a_publication.seg is not None
    return pydicom.dcmread(a_publication.seg)


def test_segments_read_back_are_those_written(a_result: Result, a_seg: Dataset) -> None:
    np.testing.assert_array_equal(labels_by_position(a_seg, source_paths(a_result)), a_result.segmentation.labels)


@pytest.mark.slow
def test_segments_of_a_real_series_with_unequal_steps_read_back(
    a_real_result: Result, a_real_publication: PublishedFiles
) -> None:
    assert a_real_publication.seg is not None
    seg = pydicom.dcmread(a_real_publication.seg)
    np.testing.assert_array_equal(
        labels_by_position(seg, source_paths(a_real_result)), a_real_result.segmentation.labels
    )


def test_union_holds_what_counts_and_nothing_excluded(a_result: Result, a_publication: PublishedFiles) -> None:
    assert a_publication.seg_union is not None
    union = pydicom.dcmread(a_publication.seg_union)
    counted = [one.segment_number for one in a_result.timepoint.lesions if one.state.counts]
    expected = np.isin(a_result.segmentation.labels, counted).astype(np.uint16)
    np.testing.assert_array_equal(labels_by_position(union, source_paths(a_result)), expected)
    assert len(union.SegmentSequence) == 1
    assert a_result.timepoint.totals is not None
    assert union.SegmentSequence[0].SegmentLabel == f"PSMA-TV {a_result.timepoint.totals.psma_tv_ml:.1f} ml"


def test_frames_refer_to_the_source_image_at_their_position(a_result: Result, a_seg: Dataset) -> None:
    sources = {source.SOPInstanceUID: source for source in map(pydicom.dcmread, source_paths(a_result))}
    for groups in a_seg.PerFrameFunctionalGroupsSequence:
        derivation = groups.DerivationImageSequence[0]
        assert code(derivation.DerivationCodeSequence) == ("113076", "DCM")
        (image,) = derivation.SourceImageSequence
        source = sources[image.ReferencedSOPInstanceUID]
        assert groups.PlanePositionSequence[0].ImagePositionPatient == source.ImagePositionPatient
        assert code(image.PurposeOfReferenceCodeSequence) == ("121322", "DCM")
    shared = a_seg.SharedFunctionalGroupsSequence[0]
    source = next(iter(sources.values()))
    assert shared.PlaneOrientationSequence[0].ImageOrientationPatient == source.ImageOrientationPatient
    assert shared.PixelMeasuresSequence[0].PixelSpacing == source.PixelSpacing


def test_seg_shares_the_frame_of_reference_of_the_images(a_result: Result, a_publication: PublishedFiles) -> None:
    for path in (a_publication.seg, a_publication.seg_union):
        assert path is not None
        assert pydicom.dcmread(path).FrameOfReferenceUID == a_result.pet.geometry.frame_of_reference_uid


def test_segment_carries_tracking_site_side_and_label(a_result: Result, a_seg: Dataset) -> None:
    for lesion, segment in zip(a_result.timepoint.lesions, a_seg.SegmentSequence, strict=True):
        assert (segment.SegmentNumber, segment.TrackingUID, segment.TrackingID) == (
            lesion.segment_number,
            lesion.tracking_uid,
            lesion.tracking_id,
        )
        region = segment.AnatomicRegionSequence[0]
        assert (region.CodeValue, region.CodingSchemeDesignator) == (lesion.site.value, lesion.site.scheme)
        side = {"left": "7771000", "right": "24028007"}.get(lesion.site.meaning.split()[-1])
        modifiers = [one.CodeValue for one in region.get("AnatomicRegionModifierSequence", [])]
        assert modifiers == ([side] if side else [])
        assert segment.SegmentLabel.endswith(f"{lesion.tracking_id} {lesion.site.meaning} SUVmax {lesion.suv_max:.1f}")
    assert a_seg.SegmentSequence[4].AnatomicRegionSequence[0].CodeMeaning == "Rib 4"


def test_segments_carry_the_palette_and_excluded_ones_grey(a_result: Result, a_seg: Dataset) -> None:
    for lesion, segment in zip(a_result.timepoint.lesions, a_seg.SegmentSequence, strict=True):
        rgb = segment_rgb(lesion.segment_number) if lesion.state.counts else EXCLUDED_RGB
        assert tuple(segment.RecommendedDisplayCIELabValue) == CIELabColor.from_rgb(*rgb).value


@pytest.mark.parametrize(
    ("state", "site", "category", "kind", "prefix"),
    [
        (LesionState.UNCONFIRMED, Code("41216001", "SCT", "Prostate"), "49755003", "372087000", "L001"),
        (LesionState.CONFIRMED, Code("113197003", "SCT", "Rib left"), "49755003", "14799000", "L001"),
        (LesionState.UNCONFIRMED, Code("38266002", "SCT", "Entire body"), "49755003", "108369006", "L001"),
        (LesionState.UNCONFIRMED, Code("89837001", "SCT", "Bladder"), "49755003", "108369006", "L001"),
        (LesionState.CANDIDATE, Code("41216001", "SCT", "Prostate"), "49755003", "52988006", "Candidate: L001"),
        (LesionState.BELOW_THRESHOLD, Code("41216001", "SCT", "Prostate"), "49755003", "372087000", "Below threshold"),
        (LesionState.EXCLUDED_CANDIDATE, Code("64033007", "SCT", "Kidney"), "91723000", "64033007", "Excluded: L001"),
        (LesionState.REJECTED, Code("87953007", "SCT", "Ureter left"), "91723000", "87953007", "Rejected: L001"),
    ],
)
def test_state_and_site_decide_what_a_segment_is_called(
    a_result: Result, tmp_path: Path, state: LesionState, site: Code, category: str, kind: str, prefix: str
) -> None:
    first, *others = a_result.timepoint.lesions
    changed = a_result.with_lesions(replace(first, state=state, site=site), *others)
    segment = seg_of(changed, tmp_path / "seg.dcm").SegmentSequence[0]
    assert code(segment.SegmentedPropertyCategoryCodeSequence) == (category, "SCT")
    assert code(segment.SegmentedPropertyTypeCodeSequence) == (kind, "SCT")
    assert segment.SegmentLabel.startswith(prefix)


def test_algorithm_is_identified_and_automatic_until_a_reader_confirms(
    a_seg: Dataset, a_confirmed_publication: PublishedFiles
) -> None:
    assert a_confirmed_publication.seg is not None
    confirmed = pydicom.dcmread(a_confirmed_publication.seg)
    assert {one.SegmentAlgorithmType for one in a_seg.SegmentSequence} == {"AUTOMATIC"}
    assert {one.SegmentAlgorithmType for one in confirmed.SegmentSequence} == {"SEMIAUTOMATIC"}
    assert (str(a_seg.ContentCreatorName), str(confirmed.ContentCreatorName)) == ("", "Reader^Simulated")
    algorithm = a_seg.SegmentSequence[0].SegmentationAlgorithmIdentificationSequence[0]
    assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion) == ("threshold", "1.0")
    assert "threshold_suv=3" in algorithm.AlgorithmParameters


def test_a_reader_s_own_mask_is_manual(a_result: Result, tmp_path: Path) -> None:
    segmenter = replace(a_result.timepoint.segmenter, name="mask")
    drawn = a_result.with_lesions(*a_result.timepoint.lesions, segmenter=segmenter)
    seg = seg_of(drawn, tmp_path / "seg.dcm")
    assert {one.SegmentAlgorithmType for one in seg.SegmentSequence} == {"MANUAL"}
    assert not any("SegmentAlgorithmName" in one for one in seg.SegmentSequence)
    assert object_errors(tmp_path / "seg.dcm") == []


def test_without_totals_the_union_holds_candidates_and_says_so(a_result: Result, tmp_path: Path) -> None:
    candidates = [replace(one, state=LesionState.CANDIDATE) for one in a_result.timepoint.lesions]
    changed = a_result.with_lesions(*candidates, totals=None)
    write_union_seg(Publication.of(changed.timepoint, changed.pet), changed.segmentation, tmp_path / "union.dcm")
    union = pydicom.dcmread(tmp_path / "union.dcm")
    np.testing.assert_array_equal(
        labels_by_position(union, source_paths(a_result)), (a_result.segmentation.labels > 0).astype(np.uint16)
    )
    assert union.SegmentSequence[0].SegmentLabel.startswith("Candidates, physiological uptake not excluded")


def test_a_lesion_whose_segment_differs_from_what_was_measured_is_refused(a_result: Result, tmp_path: Path) -> None:
    labels = a_result.segmentation.labels.copy()
    k, j, i = np.argwhere(labels == 2)[0]
    labels[k, j, i] = 0
    with pytest.raises(UsageError, match="segment 2"):
        replace(a_result, segmentation=replace(a_result.segmentation, labels=labels)).write(tmp_path)


def test_a_label_without_a_lesion_is_refused(a_result: Result, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="label 6 has no lesion"):
        a_result.with_lesions(*a_result.timepoint.lesions[:-1]).write(tmp_path)


def test_a_gap_in_the_segment_numbers_is_refused(a_result: Result, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="1 to 5"):
        a_result.with_lesions(*a_result.timepoint.lesions[1:]).write(tmp_path)


def test_labels_on_another_grid_are_refused(a_result: Result, tmp_path: Path) -> None:
    labels = np.zeros((3, 4, 5), dtype=np.uint16)
    grid = Geometry.from_axes(shape=(3, 4, 5), origin_lps_mm=(0, 0, 0), spacing_ijk_mm=(1, 1, 1))
    with pytest.raises(GeometryError, match="one grid"):
        replace(a_result, segmentation=Segmentation(labels, grid)).write(tmp_path)


def test_our_own_reader_gets_back_what_was_written(
    a_result: Result, a_publication: PublishedFiles, a_real_result: Result, a_real_publication: PublishedFiles
) -> None:
    for result, published in ((a_result, a_publication), (a_real_result, a_real_publication)):
        read = read_segments(published.seg or Path(), result.pet.geometry)
        np.testing.assert_array_equal(read.segmentation.labels, result.segmentation.labels)
