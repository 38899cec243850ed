"""What a user asks of an analysis, and the job.json that carries it to the worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from psmacore.errors import UsageError
from psmacore.model.suv import Override

DEFAULT_SEGMENTER = "threshold"


@dataclass(frozen=True)
class MaskSource:
    """A reader's own delineation: RTSTRUCT, SEG or NIfTI; ``roi_name`` chooses one ROI of an RTSTRUCT."""

    path: Path
    roi_name: str | None = None

    @classmethod
    def parse(cls, text: str) -> MaskSource:
        """Read ``FILE`` or ``FILE:ROI NAME``; the longest part before a colon that is a file counts as its path."""
        path, roi_name = text, ""
        while path and not Path(path).is_file():
            path, _, last = path.rpartition(":")
            roi_name = f"{last}:{roi_name}" if roi_name else last
        if not path:
            raise UsageError(f"--mask: no such file: {text}")
        return cls(Path(path).absolute(), roi_name.strip() or None)


@dataclass(frozen=True)
class AnalyseRequest:
    """One study to analyse.

    Parameters
    ----------
    dicom : pathlib.Path or None
        Folder of the study; ``None`` where it comes from an archive.
    dicomweb_url, study_uid : str or None
        DICOMweb root and Study Instance UID.
    segmenter : str
        ``threshold`` or ``threshold:RULE``.
    organs : pathlib.Path or None
        Organ map, NIfTI or DICOM SEG; by default one is looked for in the study.
    mask : MaskSource or None
        Measure this delineation instead of segmenting.
    pet_series_uid, ct_series_uid : str or None
        Choose among several.
    overrides : tuple of Override
        Values entered in place of the header's.
    publish : bool
        Store the results in the archive that the study came from.
    """

    dicom: Path | None = None
    dicomweb_url: str | None = None
    study_uid: str | None = None
    segmenter: str = DEFAULT_SEGMENTER
    organs: Path | None = None
    mask: MaskSource | None = None
    pet_series_uid: str | None = None
    ct_series_uid: str | None = None
    overrides: tuple[Override, ...] = ()
    publish: bool = False

    def __post_init__(self) -> None:
        if (self.dicom is None) == (self.dicomweb_url is None):
            raise UsageError("name one source: a DICOM folder, or a DICOMweb root with a study")
        if self.dicomweb_url is not None and not self.study_uid:
            raise UsageError("a DICOMweb root needs the Study Instance UID")
        if self.publish and self.dicomweb_url is None:
            raise UsageError("publishing needs the DICOMweb archive that the study comes from")

    def inputs(self) -> dict[str, Any]:
        """Return the ``inputs`` of job.json."""
        return {
            "dicom": _text(self.dicom),
            "dicomweb_url": self.dicomweb_url,
            "study_uid": self.study_uid,
            "organs": _text(self.organs),
            "mask": None if self.mask is None else _text(self.mask.path),
            "roi_name": None if self.mask is None else self.mask.roi_name,
        }

    def parameters(self) -> dict[str, Any]:
        """Return the ``parameters`` of job.json."""
        return {
            "segmenter": self.segmenter,
            "pet_series_uid": self.pet_series_uid,
            "ct_series_uid": self.ct_series_uid,
            "overrides": [asdict(override) for override in self.overrides],
            "publish": self.publish,
        }

    @classmethod
    def from_job(cls, inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> AnalyseRequest:
        """Read back what :meth:`inputs` and :meth:`parameters` wrote.

        Raises
        ------
        UsageError
            If a key is unknown or a value has the wrong form.
        """
        known_inputs = {"dicom", "dicomweb_url", "study_uid", "organs", "mask", "roi_name"}
        known_parameters = {"segmenter", "pet_series_uid", "ct_series_uid", "overrides", "publish"}
        unknown = (set(inputs) - known_inputs) | (set(parameters) - known_parameters)
        if unknown:
            raise UsageError(f"job.json: unknown key {', '.join(sorted(unknown))}")
        try:
            overrides = tuple(Override(**entry) for entry in parameters.get("overrides", ()))
        except TypeError as error:
            raise UsageError(f"job.json: overrides: {error}") from error
        mask = _path(inputs.get("mask"))
        return cls(
            dicom=_path(inputs.get("dicom")),
            dicomweb_url=inputs.get("dicomweb_url"),
            study_uid=inputs.get("study_uid"),
            segmenter=str(parameters.get("segmenter", DEFAULT_SEGMENTER)),
            organs=_path(inputs.get("organs")),
            mask=None if mask is None else MaskSource(mask, inputs.get("roi_name")),
            pet_series_uid=parameters.get("pet_series_uid"),
            ct_series_uid=parameters.get("ct_series_uid"),
            overrides=overrides,
            publish=bool(parameters.get("publish", False)),
        )


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _path(value: object) -> Path | None:
    return None if value is None else Path(str(value))
