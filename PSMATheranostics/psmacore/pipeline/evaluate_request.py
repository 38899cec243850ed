"""What a user asks of an evaluation, and the job.json that carries it to the worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psmacore.errors import UsageError
from psmacore.pipeline.request import ModelOptions, Postprocessing, postprocessing_named

SPLITS = ("train", "validation", "test")
RESULT_FILE = "evaluation.json"
DEFAULT_TOLERANCE_MM = 3.0  # Wasserthal et al., Radiology: Artificial Intelligence 2023;5:e230024 (TotalSegmentator)
_INPUTS = {"model", "data", "split_file"}
_PARAMETERS = {
    "cases",
    "split",
    "rule",
    "organ_model",
    "device",
    "fast",
    "operating_point",
    "tolerance_mm",
    "threads",
    "postprocessing",
    "growth_mm",
    "choose_operating_points",
}


@dataclass(frozen=True)
class EvaluateRequest:
    """One model to evaluate.

    Parameters
    ----------
    model : str
        Name in the registry, or a folder with a manifest.
    data : pathlib.Path
        Folder of cases in one of the published layouts.
    cases : tuple of str
        Case or patient identifiers; all where empty.
    split : str or None
        ``train``, ``validation`` or ``test``: only these cases of the split file.
    split_file : pathlib.Path or None
        Split by patient as a training wrote it; split.json beside the weights if absent.
    with_rules : bool
        Measure thresholds minus predicted organs on the same cases too.
    organ_model : str or None
        Model that predicts the organs for the rules; the best that there is if absent.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    is_fast : bool
        Half precision.
    operating_point : str or None
        ``screening``, ``burden`` or a probability (D25); the model's own if absent.
    tolerance_mm : float
        Of DeepMind's surface DSC.
    threads : int or None
        CPU threads of one operation; all cores if absent.
    postprocessing : Postprocessing or None
        Of a paired model; what its operating point was chosen with if absent, else both ways.
    growth_mm : float or None
        By how much a paired model's lesions grow where they do; 5 mm if absent.
    chooses_points : bool
        Try every post-processing of a paired model, and write the best of each use beside its weights (D25).

    Raises
    ------
    UsageError
        If a value is outside its range.
    """

    model: str
    data: Path
    cases: tuple[str, ...] = ()
    split: str | None = None
    split_file: Path | None = None
    with_rules: bool = False
    organ_model: str | None = None
    device: str = "auto"
    is_fast: bool = False
    operating_point: str | None = None
    tolerance_mm: float = DEFAULT_TOLERANCE_MM
    threads: int | None = None
    postprocessing: Postprocessing | None = None
    growth_mm: float | None = None
    chooses_points: bool = False

    def __post_init__(self) -> None:
        ModelOptions(device=self.device, operating_point=self.operating_point, growth_mm=self.growth_mm)
        if self.chooses_points and self.split != "validation" and not self.cases:
            raise UsageError("operating points are chosen on validation: add --split validation, or name its --cases")
        if self.split not in (None, *SPLITS):
            raise UsageError(f"--split must be one of {', '.join(SPLITS)}, not {self.split!r}")
        if not 0 <= self.tolerance_mm < float("inf"):
            raise UsageError(f"--tolerance-mm must be 0 or more, not {self.tolerance_mm:g}")
        if self.threads is not None and self.threads < 1:
            raise UsageError(f"--threads must be at least 1, not {self.threads}")
        if self.split is not None and self.cases:
            raise UsageError("--cases and --split exclude each other")
        if self.split_file is not None and self.split is None:
            raise UsageError("--split-file needs --split")

    @property
    def pair_options(self) -> ModelOptions:
        """What a paired model's lesions are made with."""
        return ModelOptions(
            operating_point=self.operating_point, postprocessing=self.postprocessing, growth_mm=self.growth_mm
        )

    def inputs(self) -> dict[str, Any]:
        """Return the ``inputs`` of job.json."""
        split_file = None if self.split_file is None else str(self.split_file)
        return {"model": self.model, "data": str(self.data), "split_file": split_file}

    def parameters(self) -> dict[str, Any]:
        """Return the ``parameters`` of job.json."""
        return {
            "cases": list(self.cases),
            "split": self.split,
            "rule": self.with_rules,
            "organ_model": self.organ_model,
            "device": self.device,
            "fast": self.is_fast,
            "operating_point": self.operating_point,
            "tolerance_mm": self.tolerance_mm,
            "threads": self.threads,
            "postprocessing": None if self.postprocessing is None else self.postprocessing.value,
            "growth_mm": self.growth_mm,
            "choose_operating_points": self.chooses_points,
        }

    @classmethod
    def from_job(cls, inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> EvaluateRequest:
        """Read back what :meth:`inputs` and :meth:`parameters` wrote.

        Raises
        ------
        UsageError
            If a key is unknown, ``model`` or ``data`` is missing, or a value is outside its range.
        """
        unknown = (set(inputs) - _INPUTS) | (set(parameters) - _PARAMETERS)
        if unknown:
            raise UsageError(f"job.json: unknown key {', '.join(sorted(unknown))}")
        missing = {"model", "data"} - set(inputs)
        if missing:
            raise UsageError(f"job.json: missing key {', '.join(sorted(missing))}")
        split_file = inputs.get("split_file")
        return cls(
            model=str(inputs["model"]),
            data=Path(str(inputs["data"])),
            cases=tuple(str(case) for case in parameters.get("cases", ())),
            split=parameters.get("split"),
            split_file=None if split_file is None else Path(str(split_file)),
            with_rules=bool(parameters.get("rule", False)),
            organ_model=parameters.get("organ_model"),
            device=str(parameters.get("device", "auto")),
            is_fast=bool(parameters.get("fast", False)),
            operating_point=parameters.get("operating_point"),
            tolerance_mm=float(parameters.get("tolerance_mm", DEFAULT_TOLERANCE_MM)),
            threads=parameters.get("threads"),
            postprocessing=postprocessing_named(parameters.get("postprocessing")),
            growth_mm=parameters.get("growth_mm"),
            chooses_points=bool(parameters.get("choose_operating_points", False)),
        )
