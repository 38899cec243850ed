"""Cases of a paired model to the lesions of the tracer on whose grid they lie, after its post-processing."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from psmacore.ai.data.case import Case, ReferenceTracer
from psmacore.ai.data.deep_psma import read_pair
from psmacore.ai.deep_psma.operating_points import OperatingPoint, Trial
from psmacore.ai.deep_psma.postprocess import Growth, Mask
from psmacore.ai.deep_psma.predict import Probabilities, lesions_of, predict_pair
from psmacore.ai.evaluation.overlap import Overlap, dsc, fnv_ml, fpv_ml, measure_overlap
from psmacore.ai.preprocess.pairing import TRACERS, Pair
from psmacore.ai.segmenters.running import RunningModel
from psmacore.errors import InputRefusedError
from psmacore.pipeline.request import Postprocessing

PROBABILITIES = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
"""Tried with each post-processing when operating points are chosen."""
TRIALS_FILE = "trials.csv"


class PairedCases:
    """A paired model, or the folds of an ensemble, run once for each patient, whose cases come one after the other.

    Parameters
    ----------
    models : sequence of RunningModel
        One, or the folds, whose logits are averaged (D23).
    point : OperatingPoint
        Probability and post-processing.
    growth : Growth
        Where lesions grow.
    """

    def __init__(self, models: Sequence[RunningModel], point: OperatingPoint, growth: Growth) -> None:
        self._models = models
        self._point = point
        self._growth = growth
        self._patient: Path | None = None
        self._pair: Pair | None = None
        self._found: dict[ReferenceTracer, NDArray[np.float32]] = {}
        self._tried: dict[tuple[Postprocessing, float], list[Overlap]] = {}

    @property
    def trials(self) -> tuple[Trial, ...]:
        """What :meth:`try_all` measured, over all its cases."""
        return tuple(
            Trial(
                method,
                probability,
                np.array([dsc(one) for one in counts]),
                np.array([fpv_ml(one) for one in counts]),
                np.array([fnv_ml(one) for one in counts]),
            )
            for (method, probability), counts in self._tried.items()
        )

    def lesions(self, case: Case) -> Mask:
        """Return the lesions of a case's reference tracer, ``(k, j, i)``, on its grid.

        Raises
        ------
        InputRefusedError
            If the case names no reference tracer, or a file of the other tracer is of no use.
        """
        method, tracer = self._point.postprocessing, _reference(case)
        pair, probabilities = self._probabilities(case, method)
        found = lesions_of(
            tracer, pair, probabilities, method, operating_point=self._point.probability, growth=self._growth
        )
        return found.mask

    def try_all(self, case: Case, truth: Mask) -> None:
        """Measure a case with every post-processing at several probabilities."""
        pair, probabilities = self._probabilities(case, Postprocessing.BOTHWAYS_PLUS)
        for method in Postprocessing:
            for point in PROBABILITIES:
                found = lesions_of(
                    _reference(case), pair, probabilities, method, operating_point=point, growth=self._growth
                )
                counts = measure_overlap(truth, found.mask, voxel_ml=case.geometry.voxel_volume_ml)
                self._tried.setdefault((method, point), []).append(counts)

    def _probabilities(self, case: Case, method: Postprocessing) -> tuple[Pair, Probabilities]:
        """Return the patient's images and the model's answers, each grid's once for all cases of the patient.

        An answer that was gated for both ways serves one way too: what one way reads is the same bit for bit.
        """
        if case.ref.folder != self._patient or self._pair is None:
            self._patient, self._pair, self._found = case.ref.folder, read_pair(case.ref), {}
        wanted = TRACERS if method.is_both_ways else (_reference(case),)
        missing = [tracer for tracer in wanted if tracer not in self._found]
        self._found |= predict_pair(self._models, self._pair, method, references=missing)
        return self._pair, self._found


def write_trials(trials: Sequence[Trial], folder: Path) -> None:
    """Write the mean figures of each trial as ``trials.csv`` into a folder."""
    with (folder / TRIALS_FILE).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["postprocessing", "probability", "mean_dsc", "mean_fpv_plus_fnv_ml"])
        for trial in trials:
            figures = (f"{trial.mean_dsc:.6g}", f"{trial.mean_missed_ml:.6g}")
            writer.writerow([trial.postprocessing.value, trial.probability, *figures])


def _reference(case: Case) -> ReferenceTracer:
    if case.ref.reference is None:
        raise InputRefusedError(f"case {case.ref.case_id} names no reference tracer")
    return case.ref.reference
