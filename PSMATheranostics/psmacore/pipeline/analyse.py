"""A PET/CT study to a folder with its results: numbers, DICOM objects and report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree

from psmacore.errors import StudyContentError, UsageError
from psmacore.lesions.measure import total
from psmacore.model.promise import PromiseRules
from psmacore.model.timepoint import Patient, Scanner, Study, Timepoint
from psmacore.pacs.client import Pacs
from psmacore.pipeline.companion import load_companion
from psmacore.pipeline.finding import Findings, ModelSteps
from psmacore.pipeline.load import LoadedStudy, load_study
from psmacore.pipeline.meaning import meaning_of
from psmacore.pipeline.models import OrganSegmenter, StudyClassifier
from psmacore.pipeline.request import AnalyseRequest
from psmacore.pipeline.results_records import dicom_dt
from psmacore.pipeline.segmenters import Segmenter
from psmacore.pipeline.software import this_software
from psmacore.pipeline.stages import OnProgress, Stages

READ_MODALITIES = ("PT", "CT", "SEG", "RTSTRUCT")


def analyse_study(
    request: AnalyseRequest,
    folder: Path,
    *,
    segmenter: Segmenter,
    organ_segmenter: OrganSegmenter | None = None,
    classifier: StudyClassifier | None = None,
    pacs: Pacs | None = None,
    on_progress: OnProgress = lambda _stage, _fraction: None,
) -> Timepoint:
    """Analyse one study into ``folder``.

    Parameters
    ----------
    request : AnalyseRequest
        What to analyse.
    folder : pathlib.Path
        Existing folder for results.json, the DICOM objects and the report; nothing else stays in it.
    segmenter : Segmenter
        Draws the lesions.
    organ_segmenter : OrganSegmenter, optional
        Labels the organs where the study brings no map, or where the request names a model.
    classifier : StudyClassifier, optional
        Answers first; a study that it calls normal is not segmented, unless the request opens the gate (W60).
    pacs : Pacs, optional
        Archive to fetch from, where the request names one.
    on_progress : callable
        Called with the stage's name and the fraction done, 0 to 1.

    Returns
    -------
    Timepoint
        All numbers, as results.json holds them.

    Raises
    ------
    UsageError
        If a companion is named and the segmenter reads one study only.
    InputRefusedError
        If no safe SUV or no single volume can be made, or the companion cannot be brought to the study.
    PacsError
        If the study cannot be fetched.
    ModelError
        If a model that was asked for is missing or may not be used on this study.
    """
    if request.has_companion and not segmenter.reads_companion:
        raise UsageError(f"--companion: segmenter {request.segmenter!r} reads one study only")
    stages = Stages(on_progress)
    with ExitStack() as fetched:
        source = _source(request, request.study_uid, request.dicom, folder / ".fetched", pacs, stages, fetched)
        with stages.stage("read", 0.25):
            study = load_study(request, source)
        other = None
        if request.has_companion:
            place, uid = request.companion or request.dicom, request.companion_study_uid
            other_source = _source(request, uid, place, folder / ".fetched-companion", pacs, stages, fetched)
            with stages.stage("read companion", 0.27):
                other = load_companion(study, other_source, uid)
        steps = ModelSteps(request, segmenter, organ_segmenter, classifier)
        found = steps.run(study, other, stages)
        return _measure_and_write(study, found, request.promise, folder, stages)


def _source(
    request: AnalyseRequest,
    study_uid: str | None,
    place: Path | None,
    fetched_to: Path,
    pacs: Pacs | None,
    stages: Stages,
    fetched: ExitStack,
) -> Path:
    """Return the folder of a study; one of the archive's is fetched, and removed with ``fetched``."""
    if place is not None:
        return place
    if pacs is None:
        raise StudyContentError("a study from an archive needs the archive")
    if study_uid is None:
        raise StudyContentError("a study from an archive needs its Study Instance UID")
    return fetched.enter_context(fetched_study(pacs, study_uid, fetched_to, stages))


def _measure_and_write(
    study: LoadedStudy, found: Findings, rules: PromiseRules, folder: Path, stages: Stages
) -> Timepoint:
    with stages.stage("measure", 0.6):
        timepoint = _measure(study, found, rules)
    from psmacore.pipeline.outputs import (
        write_outputs,  # a study that was refused need not wait for DICOM and PDF writers
    )

    write_outputs(timepoint, study, found.drawing.candidates.segmentation, folder, stages)
    return timepoint


def _measure(study: LoadedStudy, found: Findings, rules: PromiseRules) -> Timepoint:
    """Measure every candidate and put all that is known of the study beside it."""
    header, candidates = study.pet.header, found.drawing.candidates
    meaning = meaning_of(study.suv, found.organs, study.tracer, candidates, rules)
    birth_year = header.patient_birth_date[:4]
    return Timepoint(
        patient=Patient(header.patient_id, header.patient_sex, int(birth_year) if birth_year.isdigit() else None),
        study=Study(header.study_uid, header.study_date, header.study_time, header.study_description),
        pet_series_uid=header.series_uid,
        ct_series_uid=study.ct_series_uid,
        tracer=study.tracer,
        scanner=Scanner(header.manufacturer, header.model, study.pet.acquisition.reconstruction),
        suv=study.suv.derivation,
        segmenter=found.drawing.info,
        lesions=meaning.lesions,
        totals=total(meaning.lesions) if candidates.physiology_excluded else None,
        reference_regions=meaning.reference_regions,
        software=this_software(),
        created_at=dicom_dt(datetime.now(UTC)),
        classification=found.classification,
        warnings=(*study.warnings, *found.warnings, *candidates.warnings, *meaning.warnings),
        models=found.models,
        is_simulated=header.is_synthetic,
        promise=meaning.promise,
    )


@contextmanager
def fetched_study(pacs: Pacs, study_uid: str, source: Path, stages: Stages) -> Iterator[Path]:
    """Fetch what an analysis reads of a study into ``source``, and remove that at the end."""
    try:
        with stages.stage("fetch", 0.0):
            series = [ref for ref in pacs.list_series(study_uid) if ref.modality in READ_MODALITIES]
            if not series:
                raise StudyContentError(f"the archive has no PET, CT or SEG series in study {study_uid}")
            pacs.fetch_study(
                study_uid,
                source,
                series_uids=[ref.series_uid for ref in series],
                on_progress=lambda transfer: stages.on_progress("fetch", 0.25 * transfer.fraction),
            )
        yield source
    finally:
        rmtree(source, ignore_errors=True)
