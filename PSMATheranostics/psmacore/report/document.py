"""An analysed study to the report as plain data, the one source of its HTML, PDF and text."""

from __future__ import annotations

from psmacore.model.timepoint import Timepoint
from psmacore.report import sections
from psmacore.report.mip import DEFAULT_SUV_WINDOW
from psmacore.report.numbers import dicom_moment_words
from psmacore.report.parts import Fact, ReportDocument, Section, Signature
from psmacore.report.words import RESEARCH_USE, UNCONFIRMED, ReportWords, is_read

__all__ = ["ReportDocument", "Section", "Signature", "build_document"]


def build_document(
    timepoint: Timepoint,
    *,
    signature: Signature | None = None,
    suv_window: tuple[float, float] = DEFAULT_SUV_WINDOW,
    is_simulated: bool = False,
) -> ReportDocument:
    """Return the report of one study, sections in the order of the contract.

    Parameters
    ----------
    timepoint : Timepoint
        All numbers.
    signature : Signature or None
        Who signed; the report is confirmed only if it is signed and no lesion waits for a reader.
    suv_window : tuple of float
        SUVbw (g/ml) shown white and black in the picture, for its caption.
    is_simulated : bool
        Whether the patient is simulated.

    Returns
    -------
    ReportDocument
        Also for a study without lesions; it then says so.

    Raises
    ------
    InputRefusedError
        If a measured value is not a finite number.
    """
    is_confirmed = signature is not None and is_read(timepoint.lesions)
    words = ReportWords.of(timepoint.tracer)
    study_date = dicom_moment_words(timepoint.study.date)
    birth_year = timepoint.patient.birth_year
    return ReportDocument(
        title="PET/CT quantification" if words.family == "PET" else f"{words.family} PET/CT quantification",
        patient=(
            Fact("Patient ID", timepoint.patient.id or "not known"),
            Fact("Sex", timepoint.patient.sex or "not known"),
            Fact("Birth year", "not known" if birth_year is None else str(birth_year)),
            Fact("Study date", study_date),
            Fact("Study", timepoint.study.description or "no description"),
        ),
        patient_id=timepoint.patient.id,
        study_date=study_date,
        status=_status(signature, is_confirmed=is_confirmed),
        is_confirmed=is_confirmed,
        is_simulated=is_simulated,
        sections=(
            sections.examination(timepoint),
            sections.comparison(),
            sections.impression(timepoint, is_confirmed=is_confirmed),
            sections.lesion_section(timepoint),
            sections.reference_organs(timepoint),
            sections.fdg_and_discordance(timepoint),
            sections.projections(suv_window),
            sections.limits(timepoint, is_simulated=is_simulated),
            sections.reading(signature, timepoint),
            sections.software(timepoint),
        ),
        appendix=sections.appendix(timepoint),
        is_simulation_trained=timepoint.is_watermarked,
    )


def _status(signature: Signature | None, *, is_confirmed: bool) -> str:
    if signature is None:
        return f"{UNCONFIRMED}. {RESEARCH_USE}."
    moment = dicom_moment_words(signature.signed_at)
    if is_confirmed:
        return f"Confirmed and signed by {signature.reader}, {moment}."
    return f"Signed by {signature.reader}, {moment}, with unconfirmed lesions. {RESEARCH_USE}."
