"""A measured time point and its images to the files of a result folder: report, DICOM objects, results.json."""

from __future__ import annotations

from pathlib import Path

from psmacore.dicom.publication import PublishedFiles, write_objects
from psmacore.model.timepoint import Timepoint
from psmacore.model.volumes import Segmentation
from psmacore.pipeline.load import LoadedStudy
from psmacore.pipeline.results import ResultFiles, write_results
from psmacore.pipeline.stages import Stages
from psmacore.report.document import build_document
from psmacore.report.html import to_html
from psmacore.report.mip import encode_png, render_mip
from psmacore.report.pdf import to_pdf


def write_outputs(
    timepoint: Timepoint, study: LoadedStudy, segmentation: Segmentation, folder: Path, stages: Stages
) -> None:
    """Write every file of a result; results.json comes last, so that it stands for a complete folder.

    Parameters
    ----------
    timepoint : Timepoint
        All numbers.
    study : LoadedStudy
        The images that were measured.
    segmentation : Segmentation
        Every candidate, on the PET grid.
    folder : pathlib.Path
        An existing folder.
    stages : Stages
        Told what is done; its timings are written with the results.
    """
    with stages.stage("report", 0.7):
        mip_rgb = render_mip(study.suv, segmentation, timepoint, is_simulated=timepoint.is_simulated)
        document = build_document(timepoint, is_simulated=timepoint.is_simulated)
        mip_png = encode_png(mip_rgb)
        report_pdf = to_pdf(document, mip_png)
        (folder / "report.pdf").write_bytes(report_pdf)
        (folder / "report.html").write_text(to_html(document, mip_png), encoding="utf-8")
    with stages.stage("write", 0.8):
        objects = write_objects(
            timepoint, study.pet, study.suv, segmentation, mip_rgb=mip_rgb, report_pdf=report_pdf, folder=folder
        )
    write_results(folder / "results.json", timepoint, _result_files(objects), stages.timings_s)


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
