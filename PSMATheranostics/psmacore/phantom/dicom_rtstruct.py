"""Named contours on a CT series to an RT structure set in its study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import RTStructureSetStorage

from psmacore import __version__
from psmacore.model.geometry import FloatArray
from psmacore.phantom.dicom_common import (
    SIMULATED,
    StudyIdentity,
    add_series,
    date_of,
    decimal,
    study_dataset,
    time_of,
)

# Retired, and what structure sets still name as class of the study (PS3.3 C.8.8.5: "1.2.840.10008.3.1.2.3.1").
_STUDY_CLASS = "1.2.840.10008.3.1.2.3.1"
_COLOURS = ((230, 60, 60), (250, 220, 60), (150, 90, 40), (70, 130, 230), (70, 200, 200), (160, 90, 210))


def structure_set(
    identity: StudyIdentity,
    images: Sequence[Dataset],
    contours: Mapping[str, Sequence[tuple[int, FloatArray]]],
    *,
    number: int = 3,
) -> Dataset:
    """Return a structure set with one region per name.

    Parameters
    ----------
    images : sequence of Dataset
        Headers of the CT's images in slice order k.
    contours : mapping of str to sequence
        For each region its closed contours: slice index k and points, ``(n, 3)``, LPS in mm.

    References
    ----------
    DICOM PS3.3 A.19.3 (RT Structure Set IOD), C.8.8.1, C.8.8.5, C.8.8.6, C.8.8.8, C.7.5.1, C.8.8.16.
    """
    ds = study_dataset(identity, str(RTStructureSetStorage))
    add_series(ds, identity, modality="RTSTRUCT", number=number, description="Simulated contours")
    del ds.BodyPartExamined
    moment = identity.acquisition.study_at
    ds.StudyDescription = images[0].StudyDescription
    ds.SOPInstanceUID = identity.uid("instance", str(ds.SeriesInstanceUID))
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.SeriesDate, ds.SeriesTime = date_of(moment), time_of(moment)
    ds.InstanceCreationDate, ds.InstanceCreationTime = date_of(moment), time_of(moment)
    ds.InstanceNumber = 1
    ds.OperatorsName = ""
    ds.Manufacturer, ds.ManufacturerModelName = "PSMA theranostics", "psmacore.phantom"
    ds.SoftwareVersions, ds.DeviceSerialNumber = __version__, "SIM0001"
    ds.StructureSetLabel, ds.StructureSetName = "SIMULATED", "Simulated pelvis"
    ds.StructureSetDescription = SIMULATED
    ds.StructureSetDate, ds.StructureSetTime = date_of(moment), time_of(moment)
    ds.FrameOfReferenceUID = images[0].FrameOfReferenceUID
    ds.PositionReferenceIndicator = ""
    ds.ReferencedFrameOfReferenceSequence = DicomSequence([_frame(images)])
    names = list(contours)
    frame_uid = str(images[0].FrameOfReferenceUID)
    ds.StructureSetROISequence = DicomSequence([_roi(place, name, frame_uid) for place, name in enumerate(names, 1)])
    ds.ROIContourSequence = DicomSequence(
        [_roi_contours(place, contours[name], images) for place, name in enumerate(names, 1)]
    )
    ds.RTROIObservationsSequence = DicomSequence([_observation(place) for place in range(1, len(names) + 1)])
    ds.ApprovalStatus = "UNAPPROVED"
    return ds


def _reference(image: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
    return item


def _frame(images: Sequence[Dataset]) -> Dataset:
    series, study, frame = Dataset(), Dataset(), Dataset()
    series.SeriesInstanceUID = images[0].SeriesInstanceUID
    series.ContourImageSequence = DicomSequence([_reference(image) for image in images])
    study.ReferencedSOPClassUID, study.ReferencedSOPInstanceUID = _STUDY_CLASS, images[0].StudyInstanceUID
    study.RTReferencedSeriesSequence = DicomSequence([series])
    frame.FrameOfReferenceUID = images[0].FrameOfReferenceUID
    frame.RTReferencedStudySequence = DicomSequence([study])
    return frame


def _roi(place: int, name: str, frame_uid: str) -> Dataset:
    item = Dataset()
    item.ROINumber = place
    item.ReferencedFrameOfReferenceUID = frame_uid
    item.ROIName = name
    item.ROIGenerationAlgorithm = "AUTOMATIC"
    return item


def _roi_contours(place: int, contours: Sequence[tuple[int, FloatArray]], images: Sequence[Dataset]) -> Dataset:
    item = Dataset()
    item.ReferencedROINumber = place
    item.ROIDisplayColor = list(_COLOURS[(place - 1) % len(_COLOURS)])
    item.ContourSequence = DicomSequence([_contour(images[k], points) for k, points in contours])
    return item


def _contour(image: Dataset, points: FloatArray) -> Dataset:
    item = Dataset()
    item.ContourImageSequence = DicomSequence([_reference(image)])
    item.ContourGeometricType = "CLOSED_PLANAR"
    item.NumberOfContourPoints = len(points)
    item.ContourData = [decimal(round(float(value), 3)) for value in np.asarray(points).ravel()]
    return item


def _observation(place: int) -> Dataset:
    item = Dataset()
    item.ObservationNumber = place
    item.ReferencedROINumber = place
    item.RTROIInterpretedType = "ORGAN"
    item.ROIInterpreter = ""
    return item
