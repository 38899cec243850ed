"""Organ labels to a DICOM segmentation in the study."""

from __future__ import annotations

from collections.abc import Sequence

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code as DicomCode
from pydicom.uid import ExplicitVRLittleEndian

from psmacore import __version__
from psmacore.model.codes import PRIVATE_SCHEME
from psmacore.model.organs import LEFT, ORGANS, RIGHT, Organ
from psmacore.phantom.dicom_common import SIMULATED, StudyIdentity, code_sequence, date_of, time_of

_CATEGORY = DicomCode("91723000", "SCT", "Anatomical Structure")
# highdicom asks for a family; a simulation is none of CID 7162, so the item is taken out again (type 3).
_FAMILY = DicomCode("123109", "DCM", "Artificial Intelligence")


def organ_segmentation(
    identity: StudyIdentity, sources: Sequence[Dataset], labels: NDArray[np.uint16]
) -> hd.seg.Segmentation:
    """Return a BINARY segmentation with one segment per organ present.

    Parameters
    ----------
    sources : sequence of Dataset
        Headers of the PET images in slice order k.
    labels : numpy.ndarray
        ``(k, j, i)``, uint16, numbered as ``psmacore.model.organs``; numbers without an organ are refused
        by a ``KeyError``.

    References
    ----------
    DICOM PS3.3 A.51; segment labels are TotalSegmentator's names, codes SNOMED CT with laterality as modifier.
    """
    numbers = [int(number) for number in np.unique(labels) if number]
    compact = np.zeros(max([*numbers, 0]) + 1, dtype=np.uint16)
    compact[numbers] = np.arange(1, len(numbers) + 1)
    moment = identity.acquisition.scan_at
    seg = hd.seg.Segmentation(
        source_images=list(sources),
        pixel_array=compact[labels],
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[_describe(ORGANS[number], place) for place, number in enumerate(numbers, start=1)],
        series_instance_uid=identity.uid("series", "SEG", 4),
        series_number=4,
        sop_instance_uid=identity.uid("instance", "SEG", 4),
        instance_number=1,
        manufacturer="PSMA theranostics",
        manufacturer_model_name="psmacore.phantom",
        software_versions=__version__,
        device_serial_number="SIM0001",
        series_description="Simulated organ labels",
        content_description=SIMULATED,
        content_label="ORGANS",
        omit_empty_frames=True,
        transfer_syntax_uid=ExplicitVRLittleEndian,
    )
    _complete(seg, identity, sources[0], date_of(moment), time_of(moment))
    return seg


def _describe(organ: Organ, place: int) -> hd.seg.SegmentDescription:
    code = organ.code
    kind = (
        DicomCode(organ.name, PRIVATE_SCHEME, organ.name)
        if code is None
        else DicomCode(code.value, code.scheme, code.meaning)
    )
    item = hd.seg.SegmentDescription(
        segment_number=place,
        segment_label=organ.name,
        segmented_property_category=_CATEGORY,
        segmented_property_type=kind,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=hd.AlgorithmIdentificationSequence("psmacore.phantom", _FAMILY, __version__),
    )
    del item.SegmentationAlgorithmIdentificationSequence
    if organ.side is not None:
        side = LEFT if organ.side == "left" else RIGHT
        item.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = code_sequence(side)
    return item


def _complete(seg: Dataset, identity: StudyIdentity, source: Dataset, date: str, time: str) -> None:
    """Add what the study's other objects carry and replace what changes from run to run."""
    for keyword in ("StudyDescription", "PatientSize", "PatientWeight", "PatientAge", "PatientComments"):
        setattr(seg, keyword, getattr(source, keyword))
    seg.BodyPartExamined = "WHOLEBODY"
    seg.SeriesDate, seg.SeriesTime = date, time
    seg.ContentDate, seg.ContentTime = date, time
    seg.InstanceCreationDate, seg.InstanceCreationTime = date, time
    for item in seg.get("ContributingEquipmentSequence", []):
        if "ContributionDateTime" in item:
            item.ContributionDateTime = date + time
    organization = identity.uid("dimension organization")
    seg.DimensionOrganizationSequence[0].DimensionOrganizationUID = organization
    for item in seg.DimensionIndexSequence:
        item.DimensionOrganizationUID = organization
