"""Secondary capture and Encapsulated PDF: the bytes come back, and say that they carry text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

from psmacore.dicom.publication import PublishedFiles
from psmacore.dicom.publishing import Publication
from psmacore.dicom.write_capture import write_capture
from psmacore.dicom.write_pdf import write_pdf
from psmacore.errors import UsageError
from Testing.core.dicom_write.simulated_pet import A_PDF, Result, a_picture


def test_picture_reads_back(a_publication: PublishedFiles) -> None:
    capture = pydicom.dcmread(a_publication.sc)
    np.testing.assert_array_equal(capture.pixel_array, a_picture())
    assert (capture.BurnedInAnnotation, capture.PhotometricInterpretation) == ("YES", "RGB")
    assert capture.PatientOrientation == ["L", "F"]
    assert capture.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 4), (0, 5, 3)])
def test_a_picture_that_is_not_rgb_is_refused(a_result: Result, tmp_path: Path, shape: tuple[int, ...]) -> None:
    publication = Publication.of(a_result.timepoint, a_result.pet)
    with pytest.raises(UsageError, match="rows, columns, 3"):
        write_capture(publication, np.zeros(shape, dtype=np.uint8), tmp_path / "sc.dcm")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("tail", [b"", b"x"])
def test_report_reads_back_whether_its_length_is_odd_or_even(a_result: Result, tmp_path: Path, tail: bytes) -> None:
    publication = Publication.of(a_result.timepoint, a_result.pet)
    write_pdf(publication, A_PDF + tail, tmp_path / "report.dcm")
    made = pydicom.dcmread(tmp_path / "report.dcm")
    assert made.EncapsulatedDocument[: made.EncapsulatedDocumentLength] == A_PDF + tail
    assert len(made.EncapsulatedDocument) % 2 == 0
    assert made.MIMETypeOfEncapsulatedDocument == "application/pdf"


def test_report_refers_to_the_measurements_and_follows_their_state(
    a_publication: PublishedFiles, a_confirmed_publication: PublishedFiles
) -> None:
    for published, flag in ((a_publication, "UNVERIFIED"), (a_confirmed_publication, "VERIFIED")):
        made, measured = pydicom.dcmread(published.pdf), pydicom.dcmread(published.sr)
        assert made.VerificationFlag == flag
        assert made.SourceInstanceSequence[0].ReferencedSOPInstanceUID == measured.SOPInstanceUID


def test_what_is_no_pdf_is_refused(a_result: Result, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a PDF"):
        write_pdf(Publication.of(a_result.timepoint, a_result.pet), b"hello", tmp_path / "report.dcm")
