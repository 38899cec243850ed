"""Organ segmentations to the project's label numbers, whoever wrote them."""

from __future__ import annotations

import logging

import highdicom
import numpy as np
import pytest
from highdicom.sr.coding import CodedConcept
from pydicom import dcmread

from psmacore.dicom.read_organs import is_organ_seg, organ_numbers, read_organ_seg
from psmacore.dicom.read_pet import read_pet_series
from psmacore.dicom.segments import SegSegment
from psmacore.errors import StudyContentError
from psmacore.model.codes import Code
from psmacore.model.organs import LEFT as LEFT_CODE
from psmacore.model.organs import ORGANS
from psmacore.model.organs import RIGHT as RIGHT_CODE

ANATOMY = ("91723000", "SCT", "Anatomical Structure")
SLICER_ANATOMY = ("123037004", "SCT", "Anatomical Structure")
ABNORMAL = ("49755003", "SCT", "Morphologically Abnormal Structure")
LEFT = ("7771000", "SCT", "Left")
RIGHT = ("24028007", "SCT", "Right")
KIDNEY = ("64033007", "SCT", "Kidney")
LIVER = ("10200004", "SCT", "Liver")
RIB = ("113197003", "SCT", "Rib")


@pytest.fixture
def a_pet_volume(a_pet_series):
    def complete(dataset, k):
        for name in ("AccessionNumber", "StudyID", "PatientBirthDate", "ReferringPhysicianName"):
            setattr(dataset, name, "")
        dataset.PositionReferenceIndicator = ""

    return read_pet_series(a_pet_series.write(complete))


@pytest.fixture
def an_organ_seg(a_pet_volume, tmp_path):
    """Write segments given as (label, category, type, side), each one column i of the volume."""

    def write(*segments):
        labels = np.zeros(a_pet_volume.geometry.shape, np.uint8)
        descriptions = []
        for number, (label, category, kind, side) in enumerate(segments, start=1):
            labels[:, :, number - 1] = number
            descriptions.append(
                highdicom.seg.SegmentDescription(
                    segment_number=number,
                    segment_label=label,
                    segmented_property_category=CodedConcept(*category),
                    segmented_property_type=CodedConcept(*kind),
                    algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.MANUAL,
                )
            )
            if side is not None:
                modifier = CodedConcept(*side)
                descriptions[-1].SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [
                    modifier
                ]
        seg = highdicom.seg.Segmentation(
            source_images=[dcmread(one.path) for one in a_pet_volume.header.instances],
            pixel_array=labels,
            segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
            segment_descriptions=descriptions,
            series_instance_uid="1.2.840.99.5",
            series_number=9,
            sop_instance_uid="1.2.840.99.6",
            instance_number=1,
            manufacturer="Another",
            manufacturer_model_name="Toolkit",
            software_versions="1",
            device_serial_number="1",
        )
        path = tmp_path / "organs.dcm"
        seg.save_as(path)
        return path

    return write


def a_segment(label, code, side) -> SegSegment:
    return SegSegment(
        number=1,
        label=label,
        description="",
        category=Code(*ANATOMY),
        property_type=code,
        type_modifiers=() if side is None else ((LEFT_CODE if side == "left" else RIGHT_CODE),),
        anatomic_region=None,
        anatomic_modifiers=(),
        algorithm_type="",
        algorithm_name="",
        tracking_uid="",
        tracking_id="",
        rgb=None,
    )


@pytest.mark.parametrize("organ", ORGANS.values(), ids=lambda organ: organ.name)
def test_each_label_is_known_by_its_name(organ):
    assert organ_numbers(a_segment(organ.name, None, None)) == (organ.number,)
    assert organ_numbers(a_segment(organ.name.replace("_", " ").title(), None, None)) == (organ.number,)


def test_code_never_means_another_organ():
    for organ in ORGANS.values():
        assert organ_numbers(a_segment("", organ.code, organ.side)) in ((organ.number,), ())
    known = [organ for organ in ORGANS.values() if organ_numbers(a_segment("", organ.code, organ.side))]
    assert {"liver", "spleen", "kidney_left", "parotid_gland_right", "ureter_left", "urinary_bladder"} <= {
        organ.name for organ in known
    }


def columns(organs) -> list[int]:
    return [int(label) for label in organs.labels[2, 1]]


def test_totalsegmentator_names_decide(an_organ_seg, a_pet_volume):
    path = an_organ_seg(
        ("rib_left_7", ANATOMY, RIB, LEFT),
        ("Parotid gland left", ANATOMY, LIVER, None),
        ("Left kidney", ANATOMY, KIDNEY, None),
    )
    assert is_organ_seg(path)
    assert columns(read_organ_seg(path, a_pet_volume.geometry)) == [98, 201, 3, 0, 0, 0]


@pytest.mark.parametrize("category", [ANATOMY, SLICER_ANATOMY])
def test_code_and_laterality_decide_where_the_name_is_free(an_organ_seg, a_pet_volume, category):
    path = an_organ_seg(
        ("Leber", category, LIVER, None), ("Niere re", category, KIDNEY, RIGHT), ("Niere li", category, KIDNEY, LEFT)
    )
    assert is_organ_seg(path)
    assert columns(read_organ_seg(path, a_pet_volume.geometry)) == [5, 2, 3, 0, 0, 0]


def test_paired_organ_without_laterality_is_divided_at_the_middle(an_organ_seg, a_pet_volume):
    path = an_organ_seg(("Nieren", ANATOMY, KIDNEY, None), ("Leber", ANATOMY, LIVER, None))
    organs = read_organ_seg(path, a_pet_volume.geometry)
    x_mm = a_pet_volume.geometry.lps_of_kji(np.argwhere(organs.labels > 0))[:, 0]
    middle = a_pet_volume.geometry.lps_of_kji([2, 1.5, 2.5])[0, 0]
    labels = organs.labels[organs.labels > 0]
    kidneys = labels != 5
    np.testing.assert_array_equal(labels[kidneys] == 3, x_mm[kidneys] > middle)
    assert {2, 3} <= set(labels.tolist())
    assert "divided at the middle: Nieren" in organs.source


def test_unknown_segments_are_warned_of_by_name(an_organ_seg, a_pet_volume, caplog):
    path = an_organ_seg(("Leber", ANATOMY, LIVER, None), ("Rippe", ANATOMY, RIB, LEFT))
    with caplog.at_level(logging.WARNING):
        organs = read_organ_seg(path, a_pet_volume.geometry)
    assert columns(organs) == [5, 0, 0, 0, 0, 0]
    assert "Rippe" in caplog.text
    assert "left out as unknown: Rippe" in organs.source


def test_segmentation_of_lesions_is_no_organ_map(an_organ_seg, a_pet_volume):
    path = an_organ_seg(("Lesion 1", ABNORMAL, ("52988006", "SCT", "Lesion"), None))
    assert not is_organ_seg(path)
    with pytest.raises(StudyContentError, match=r"no segment of organs\.dcm is an organ known here: Lesion 1"):
        read_organ_seg(path, a_pet_volume.geometry)


def test_lesions_in_organs_are_no_organs(an_organ_seg):
    path = an_organ_seg(("Metastasis", ABNORMAL, LIVER, None), ("liver", ANATOMY, LIVER, None))
    assert not is_organ_seg(path)


def test_image_and_text_are_no_organ_map(a_pet_series, tmp_path):
    (tmp_path / "notes.txt").write_text("liver")
    assert not is_organ_seg(tmp_path / "notes.txt")
    assert not is_organ_seg(a_pet_series.write()[0])
