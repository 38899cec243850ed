"""A PDF report to a DICOM Encapsulated PDF."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import EncapsulatedPDFStorage

from psmacore.dicom.codes import IMAGING_MEASUREMENT_REPORT, concept
from psmacore.dicom.publishing import Publication, PublishedSeries, reference_to, save
from psmacore.errors import UsageError


def write_pdf(
    publication: Publication, report_pdf: bytes, path: Path, *, derived_from: Sequence[Dataset] = ()
) -> Dataset:
    """Write the report as Encapsulated PDF.

    Parameters
    ----------
    report_pdf : bytes
        The file; (0042,0015) Encapsulated Document Length keeps its length where a byte is padded.
    derived_from : sequence of Dataset
        Objects that the report was made from, for (0042,0013) Source Instance Sequence.

    Returns
    -------
    Dataset
        The object as written.

    Raises
    ------
    UsageError
        If the bytes are no PDF.

    References
    ----------
    DICOM PS3.3 A.45.1 (Encapsulated PDF IOD), C.24.2.
    """
    if not report_pdf.startswith(b"%PDF-"):
        raise UsageError("the report is not a PDF")
    made = publication.new_object(EncapsulatedPDFStorage, "DOC")
    made.ConversionType = "WSD"
    made.ContentDate = ""
    made.AcquisitionDateTime = ""
    made.BurnedInAnnotation = "YES"
    made.DocumentTitle = "PSMA PET report"
    made.ConceptNameCodeSequence = [concept(IMAGING_MEASUREMENT_REPORT)]
    made.VerificationFlag = "VERIFIED" if publication.is_confirmed else "UNVERIFIED"
    if derived_from:
        made.SourceInstanceSequence = [reference_to(source) for source in derived_from]
    made.MIMETypeOfEncapsulatedDocument = "application/pdf"
    made.EncapsulatedDocument = report_pdf + b"\x00" * (len(report_pdf) % 2)
    made.EncapsulatedDocumentLength = len(report_pdf)
    publication.finish(made, PublishedSeries.PDF, "PSMA PET report")
    save(made, path)
    return made
