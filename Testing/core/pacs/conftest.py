"""Simulated studies, and archives that are real servers."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from psmacore.model.uids import new_uid
from psmacore.pacs.dicomweb import DicomWebPacs
from psmacore.pacs.retry import RetryPolicy
from psmacore.pacs.transport import Timeouts

from .fault_server import FaultServer, running_fault_server

QUICK = RetryPolicy(n_attempts=3, first_wait_s=0.02, longest_wait_s=0.05)


@dataclass(frozen=True)
class SimulatedStudy:
    """Files of one study on disk."""

    study_uid: str
    patient_id: str
    paths: tuple[Path, ...]

    @property
    def digests(self) -> dict[str, str]:
        """SOP Instance UID to the hash of the pixel bytes."""
        return {path.stem: pixel_digest(path) for path in self.paths}


def pixel_digest(path: Path) -> str:
    return hashlib.sha256(pydicom.dcmread(path).PixelData).hexdigest()


def write_ct(path: Path, *, study_uid: str, series_uid: str, patient_id: str, size: int, date: str, k: int) -> None:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = CTImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = path.stem
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study_uid, series_uid
    dataset.PatientID, dataset.PatientName, dataset.PatientSex = patient_id, "Simulated^Patient", "M"
    dataset.PatientBirthDate, dataset.StudyDate, dataset.StudyTime = "19500101", date, "101500"
    dataset.StudyDescription, dataset.SeriesDescription = "Simulated PSMA", "CT, low dose"
    dataset.StudyID, dataset.AccessionNumber, dataset.ReferringPhysicianName = "1", "A1", ""
    dataset.Modality, dataset.SeriesNumber, dataset.InstanceNumber = "CT", 2, k + 1
    dataset.ImagePositionPatient, dataset.ImageOrientationPatient = [0, 0, 3.0 * k], [1, 0, 0, 0, 1, 0]
    dataset.FrameOfReferenceUID, dataset.PixelSpacing, dataset.SliceThickness = study_uid + ".9", [2, 2], 3
    dataset.Rows = dataset.Columns = size
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 1
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0
    voxels = np.random.default_rng(k).integers(-1000, 1000, (size, size), dtype=np.int16)
    dataset.PixelData = voxels.tobytes()
    dataset.save_as(path, enforce_file_format=True)


@pytest.fixture
def make_study(tmp_path: Path) -> Callable[..., SimulatedStudy]:
    """Write a simulated study of small CT series and return it."""

    def make(
        *, n_series: int = 2, n_images: int = 5, size: int = 16, date: str = "20250310", patient_id: str = ""
    ) -> SimulatedStudy:
        study_uid, patient_id = new_uid(), patient_id or f"SIM{new_uid()[-8:]}"
        folder = tmp_path / "source" / study_uid
        folder.mkdir(parents=True)
        paths: list[Path] = []
        for _ in range(n_series):
            series_uid = new_uid()
            for k in range(n_images):
                path = folder / f"{new_uid()}.dcm"
                write_ct(
                    path,
                    study_uid=study_uid,
                    series_uid=series_uid,
                    patient_id=patient_id,
                    size=size,
                    date=date,
                    k=k,
                )
                paths.append(path)
        return SimulatedStudy(study_uid, patient_id, tuple(paths))

    return make


@pytest.fixture
def a_study(make_study: Callable[..., SimulatedStudy]) -> SimulatedStudy:
    return make_study()


@pytest.fixture(scope="session")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """DICOMweb root of the embedded store, a process of its own."""
    if importlib.util.find_spec("web_bridge.__main__") is None:
        pytest.skip("the web bridge is not built yet")
    from psmacore.jobs.bridge import running_bridge

    with running_bridge(tmp_path_factory.mktemp("store"), viewer="none") as address:
        yield address.dicomweb_root


@pytest.fixture(params=["bridge", "orthanc"])
def archive(request: pytest.FixtureRequest) -> DicomWebPacs:
    """A real archive: the embedded store, and Orthanc (W03)."""
    return DicomWebPacs(request.getfixturevalue(request.param))


@pytest.fixture
def fault_server() -> Iterator[FaultServer]:
    """A server that fails as told."""
    with running_fault_server() as server:
        yield server


@pytest.fixture
def faulty(fault_server: FaultServer) -> DicomWebPacs:
    """The client of that server, with little patience."""
    return DicomWebPacs(fault_server.root, timeouts=Timeouts(1.0, 0.5, 0.5), policy=QUICK)


def files_under(folder: Path) -> list[str]:
    """Names of all files below a folder, hidden ones too."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file()) if folder.exists() else []
