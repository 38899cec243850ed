"""A PET/CT study to a folder with its results: numbers, DICOM objects and report."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree

from psmacore.dicom.publication import PublishedFiles, write_objects
from psmacore.errors import StudyContentError
from psmacore.lesions.candidates import Candidates
from psmacore.lesions.measure import measure, total
from psmacore.lesions.reference import reference_regions
from psmacore.model.timepoint import Patient, Scanner, SegmenterInfo, Study, Timepoint
from psmacore.pacs.client import Pacs
from psmacore.pipeline.load import LoadedStudy, load_study
from psmacore.pipeline.request import AnalyseRequest
from psmacore.pipeline.results import ResultFiles, write_results
from psmacore.pipeline.results_records import dicom_dt
from psmacore.pipeline.segmenters import Segmenter, StudyImages
from psmacore.pipeline.software import this_software
from psmacore.report.document import build_document
from psmacore.report.html import to_html
from psmacore.report.mip import encode_png, render_mip
from psmacore.report.pdf import to_pdf

logger = logging.getLogger(__name__)

OnProgress = Callable[[str, float], None]
READ_MODALITIES = ("PT", "CT", "SEG", "RTSTRUCT")


@dataclass
class Stages:
    """Progress by named stage, and the time that each took."""

    on_progress: OnProgress
    timings_s: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str, fraction: float) -> Iterator[None]:
        """Report ``name`` at ``fraction`` of the whole and time what follows, in s."""
        self.on_progress(name, fraction)
        start = time.perf_counter()
        yield
        self.timings_s[name] = round(time.perf_counter() - start, 3)


def analyse_study(
    request: AnalyseRequest,
    folder: Path,
    *,
    segmenter: Segmenter,
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
    InputRefusedError
        If no safe SUV or no single volume can be made.
    PacsError
        If the study cannot be fetched.
    """
    stages = Stages(on_progress)
    if pacs is None:
        if request.dicom is None:
            raise StudyContentError("a study from an archive needs the archive")
        study = _load(request, request.dicom, stages)
        return _measure_and_write(study, folder, segmenter, stages)
    if request.study_uid is None:
        raise StudyContentError("a study from an archive needs its Study Instance UID")
    with fetched_study(pacs, request.study_uid, folder, stages) as source:
        study = _load(request, source, stages)
        return _measure_and_write(study, folder, segmenter, stages)


def _load(request: AnalyseRequest, source: Path, stages: Stages) -> LoadedStudy:
    with stages.stage("read", 0.25):
        return load_study(request, source)


def _measure_and_write(study: LoadedStudy, folder: Path, segmenter: Segmenter, stages: Stages) -> Timepoint:
    with stages.stage("segment", 0.45):
        candidates, info = segmenter.segment(StudyImages(study.suv, study.organs, study.tracer))
    with stages.stage("measure", 0.6):
        timepoint = _measure(study, candidates, info)
    is_simulated = study.pet.header.is_synthetic
    with stages.stage("report", 0.7):
        mip_rgb = render_mip(study.suv, candidates.segmentation, timepoint, is_simulated=is_simulated)
        document = build_document(timepoint, is_simulated=is_simulated)
        mip_png = encode_png(mip_rgb)
        report_pdf = to_pdf(document, mip_png)
        (folder / "report.pdf").write_bytes(report_pdf)
        (folder / "report.html").write_text(to_html(document, mip_png), encoding="utf-8")
    with stages.stage("write", 0.8):
        objects = write_objects(
            timepoint,
            study.pet,
            study.suv,
            candidates.segmentation,
            mip_rgb=mip_rgb,
            report_pdf=report_pdf,
            folder=folder,
        )
    write_results(folder / "results.json", timepoint, _result_files(objects), stages.timings_s)
    return timepoint


def _measure(study: LoadedStudy, candidates: Candidates, info: SegmenterInfo) -> Timepoint:
    """Measure every candidate and put all that is known of the study beside it."""
    header = study.pet.header
    regions = () if study.organs is None else reference_regions(study.suv, study.organs)
    lesions = measure(study.suv, candidates, reference=regions)
    birth_year = header.patient_birth_date[:4]
    return Timepoint(
        patient=Patient(header.patient_id, header.patient_sex, int(birth_year) if birth_year.isdigit() else None),
        study=Study(header.study_uid, header.study_date, header.study_time, header.study_description),
        pet_series_uid=header.series_uid,
        ct_series_uid=study.ct_series_uid,
        tracer=study.tracer,
        scanner=Scanner(header.manufacturer, header.model, study.pet.acquisition.reconstruction),
        suv=study.suv.derivation,
        segmenter=info,
        lesions=lesions,
        totals=total(lesions) if candidates.physiology_excluded else None,
        reference_regions=regions,
        software=this_software(),
        created_at=dicom_dt(datetime.now(UTC)),
        warnings=(*study.warnings, *candidates.warnings),
    )


def _result_files(objects: PublishedFiles) -> ResultFiles:
    def name(path: Path | None) -> str | None:
        return None if path is None else path.name

    return ResultFiles(
        seg=name(objects.seg),
        seg_union=name(objects.seg_union),
        sr=name(objects.sr),
        sr_display=name(objects.sr_display),
        rwvm=name(objects.rwvm),
        sc=name(objects.sc),
        pdf=name(objects.pdf),
        report_pdf="report.pdf",
        html="report.html",
    )


@contextmanager
def fetched_study(pacs: Pacs, study_uid: str, folder: Path, stages: Stages) -> Iterator[Path]:
    """Fetch what an analysis reads of a study below ``folder``, and remove it at the end."""
    source = folder / ".fetched"
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
