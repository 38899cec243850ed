"""What a user asks of an analysis, and the job.json that carries it to the worker."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from psmacore.errors import UsageError
from psmacore.model.promise import CommonIliac, PromiseRules, PromiseVersion
from psmacore.model.suv import Override

DEFAULT_SEGMENTER = "threshold"
DEVICES = ("auto", "cpu", "cuda")
NO_MODEL = "none"
_INPUTS = frozenset(
    {"dicom", "dicomweb_url", "study_uid", "organs", "mask", "roi_name", "companion", "companion_study_uid"}
)
_PARAMETERS = frozenset({"segmenter", "pet_series_uid", "ct_series_uid", "overrides", "publish", "models", "promise"})


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


class Purpose(StrEnum):
    """What a result is for, which decides a model's operating point (D25)."""

    SCREENING = "screening"
    BURDEN = "burden"


class Postprocessing(StrEnum):
    """How a paired model's output becomes lesions, as the DEEP-PSMA challenge's team CDS names the ways (D18 to D22).

    ``SINGLE``: each tracer as predicted on its own grid. ``BOTHWAYS``: united with what was predicted in the other
    tracer's space. With ``+``, grown by a radius within the SUV threshold.
    """

    SINGLE = "single"
    SINGLE_PLUS = "single+"
    BOTHWAYS = "bothways"
    BOTHWAYS_PLUS = "bothways+"

    @property
    def is_both_ways(self) -> bool:
        """Whether the prediction in the other tracer's space is read."""
        return self in (Postprocessing.BOTHWAYS, Postprocessing.BOTHWAYS_PLUS)

    @property
    def is_grown(self) -> bool:
        """Whether lesions grow."""
        return self in (Postprocessing.SINGLE_PLUS, Postprocessing.BOTHWAYS_PLUS)


@dataclass(frozen=True)
class ModelOptions:
    """How trained models take part in an analysis.

    Parameters
    ----------
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    organ_model, classifier : str or None
        Model or family; ``none`` for no such step. ``None`` lets a trained lesion segmenter bring its own where
        there are weights: the organ model where the study has no organ map, the classifier always.
    use_gate : bool
        Whether a study that is classified as normal stays unsegmented (W60).
    operating_point : str or None
        ``screening``, ``burden`` or a probability (D25); ``None`` takes the model's own.
    keep_below_threshold : bool
        Look for lesions below the SUV threshold everywhere, as after therapy (D28), which takes longer.
    body_mask : bool
        Drop what lies where the CT is not above 0 HU, as published (W84); this loses lesions in lung and fat.
    is_fast : bool
        Half precision and cropping; results may differ from exact inference in the last voxels.
    allow_simulation_weights : bool
        Run weights trained on simulation on real images; such results are watermarked and never published.
    postprocessing : Postprocessing or None
        Of a paired model; ``None`` takes what its operating point was chosen with, else both ways.
    growth_mm : float or None
        By how much lesions grow where they do (D19); ``None`` takes the method's own, 5 mm.
    no_growth_organs : tuple of int or None
        Organ labels within which they do not; ``None`` takes the method's own, kidneys, liver and bladder.

    Raises
    ------
    UsageError
        If the device or post-processing is unknown, the operating point is no name and no probability, or the
        growth is negative.
    """

    device: str = "auto"
    organ_model: str | None = None
    classifier: str | None = None
    use_gate: bool = True
    operating_point: str | None = None
    keep_below_threshold: bool = False
    body_mask: bool = False
    is_fast: bool = False
    allow_simulation_weights: bool = False
    postprocessing: Postprocessing | None = None
    growth_mm: float | None = None
    no_growth_organs: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.device not in DEVICES:
            raise UsageError(f"device must be one of {', '.join(DEVICES)}, not {self.device!r}")
        if self.growth_mm is not None and not 0.0 <= self.growth_mm < math.inf:
            raise UsageError(f"lesions grow by 0 mm or more, not by {self.growth_mm!r}")
        point = self.operating_point
        if point is not None and point not in set(Purpose) and not _is_probability(point):
            raise UsageError(f"operating point must be {', '.join(Purpose)} or a number between 0 and 1, not {point!r}")


def _is_probability(text: str) -> bool:
    try:
        return 0.0 < float(text) < 1.0
    except ValueError:
        return False


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
        ``threshold``, ``threshold:RULE``, or a trained model or family such as ``lesion-unet``.
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
    companion : pathlib.Path or None
        Folder of the other tracer's study.
    companion_study_uid : str or None
        Its Study Instance UID, where it lies in the same folder or archive.
    models : ModelOptions
        How trained models take part.
    promise : PromiseRules
        Edition and conventions of the miTNM.
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
    companion: Path | None = None
    companion_study_uid: str | None = None
    models: ModelOptions = field(default_factory=ModelOptions)
    promise: PromiseRules = field(default_factory=PromiseRules)

    def __post_init__(self) -> None:
        if (self.dicom is None) == (self.dicomweb_url is None):
            raise UsageError("name one source: a DICOM folder, or a DICOMweb root with a study")
        if self.dicomweb_url is not None and not self.study_uid:
            raise UsageError("a DICOMweb root needs the Study Instance UID")
        if self.publish and self.dicomweb_url is None:
            raise UsageError("publishing needs the DICOMweb archive that the study comes from")
        if self.publish and self.models.allow_simulation_weights:
            raise UsageError("results of weights trained on simulation cannot be published")
        if self.companion is not None and self.companion_study_uid is not None:
            raise UsageError("name the companion once: by its folder or by its Study Instance UID")

    @property
    def draws_with_model(self) -> bool:
        """Whether a trained model draws the lesions."""
        return self.mask is None and self.segmenter.partition(":")[0] != DEFAULT_SEGMENTER

    @property
    def needs_ai(self) -> bool:
        """Whether any trained model may run."""
        asked = {self.models.organ_model, self.models.classifier} - {None, NO_MODEL}
        return self.draws_with_model or bool(asked)

    @property
    def has_companion(self) -> bool:
        """Whether the other tracer's study is named."""
        return self.companion is not None or self.companion_study_uid is not None

    def inputs(self) -> dict[str, Any]:
        """Return the ``inputs`` of job.json."""
        return {
            "dicom": _text(self.dicom),
            "dicomweb_url": self.dicomweb_url,
            "study_uid": self.study_uid,
            "organs": _text(self.organs),
            "mask": None if self.mask is None else _text(self.mask.path),
            "roi_name": None if self.mask is None else self.mask.roi_name,
            "companion": _text(self.companion),
            "companion_study_uid": self.companion_study_uid,
        }

    def parameters(self) -> dict[str, Any]:
        """Return the ``parameters`` of job.json."""
        return {
            "segmenter": self.segmenter,
            "pet_series_uid": self.pet_series_uid,
            "ct_series_uid": self.ct_series_uid,
            "overrides": [asdict(override) for override in self.overrides],
            "publish": self.publish,
            "models": asdict(self.models),
            "promise": asdict(self.promise),
        }

    @classmethod
    def from_job(cls, inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> AnalyseRequest:
        """Read back what :meth:`inputs` and :meth:`parameters` wrote.

        Raises
        ------
        UsageError
            If a key is unknown or a value has the wrong form.
        """
        unknown = (set(inputs) - _INPUTS) | (set(parameters) - _PARAMETERS)
        if unknown:
            raise UsageError(f"job.json: unknown key {', '.join(sorted(unknown))}")
        try:
            overrides = tuple(Override(**entry) for entry in parameters.get("overrides", ()))
            models = model_options_of(parameters.get("models", {}))
        except (TypeError, ValueError) as error:
            raise UsageError(f"job.json: overrides or models: {error}") from error
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
            companion=_path(inputs.get("companion")),
            companion_study_uid=inputs.get("companion_study_uid"),
            models=models,
            promise=_promise_rules(parameters.get("promise", {})),
        )


def model_options_of(entry: Mapping[str, Any]) -> ModelOptions:
    """Read back what ``asdict`` and JSON made of :class:`ModelOptions`.

    Raises
    ------
    TypeError
        If a key is unknown.
    UsageError
        If a value is outside its range.
    """
    values = dict(entry)
    organs = values.get("no_growth_organs")
    values["postprocessing"] = postprocessing_named(values.get("postprocessing"))
    values["no_growth_organs"] = None if organs is None else tuple(int(number) for number in organs)
    return ModelOptions(**values)


def postprocessing_named(name: str | None) -> Postprocessing | None:
    """Return the post-processing of a name; ``None`` for none.

    Raises
    ------
    UsageError
        If it is unknown.
    """
    if name is not None and name not in set(Postprocessing):
        raise UsageError(f"post-processing must be one of {', '.join(Postprocessing)}, not {name!r}")
    return None if name is None else Postprocessing(name)


def _promise_rules(entry: Mapping[str, Any]) -> PromiseRules:
    known = asdict(PromiseRules())
    if set(entry) - set(known):
        raise UsageError(f"job.json: promise: unknown key {', '.join(sorted(set(entry) - set(known)))}")
    values = known | dict(entry)
    try:
        return PromiseRules(
            PromiseVersion(values["version"]),
            CommonIliac(values["common_iliac"]),
            bool(values["is_after_prostatectomy"]),
        )
    except ValueError as error:
        raise UsageError(f"job.json: promise: {error}") from error


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _path(value: object) -> Path | None:
    return None if value is None else Path(str(value))
