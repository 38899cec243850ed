"""Lesions of four dates to the time that tracking them takes and the part that is right, ours beside nearest centroid.

Time: one course of 60 lesions. Accuracy: simulated courses of up to 60 lesions whose positions are perturbed by 2.5 mm
(median), with the voxels at hand and, as ``compare --results`` has them, with centroids, volumes and sites only.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "PSMATheranostics"), str(ROOT)]

from psmacore.longitudinal.dated import DatedLesions  # noqa: E402
from psmacore.longitudinal.tracks import follow_lesions  # noqa: E402
from psmacore.model.tracks import TrackState  # noqa: E402
from Testing.bench._tracking_cases import SimulatedCourse, simulate_course  # noqa: E402
from Testing.bench._tracking_scores import Score, nearest_centroid, score, story_of, sum_of, truth_of  # noqa: E402

N_PATIENTS = 50
LIMIT_S = 1.0
N_LESIONS = 60
FIRST_SEED = 4000
_REPEATS = 5


def accuracy(n_patients: int) -> dict[str, Score]:
    """Return the scores over ``n_patients``: ``voxels``, ``centroids`` and the peer's, ``nearest``."""
    courses = [simulate_course(FIRST_SEED + number) for number in range(n_patients)]
    return {
        "voxels": sum_of(_ours(course, with_images=True) for course in courses),
        "centroids": sum_of(_ours(course, with_images=False) for course in courses),
        "nearest": sum_of(
            score(nearest_centroid(course.studies(with_images=False)), truth_of(course)) for course in courses
        ),
    }


def a_full_course(n_lesions: int = N_LESIONS) -> tuple[DatedLesions, ...]:
    """Return four dates with that many lesions each, of twice as many that were simulated."""
    studies = simulate_course(FIRST_SEED, n_tumours=2 * n_lesions).studies(with_images=True)
    counting = [[lesion for lesion in study.lesions if lesion.state.counts] for study in studies]
    return tuple(replace(study, lesions=tuple(own[:n_lesions])) for study, own in zip(studies, counting, strict=True))


def run(*, n_patients: int = N_PATIENTS, repeats: int = _REPEATS) -> dict[str, str | float | int | bool]:
    """Return the benchmark's fields; ratios are peer / ours, so that more is better.

    Parameters
    ----------
    n_patients : int
        Simulated courses behind the figures of accuracy.
    repeats : int
        Pairs of timed runs, taken in turn.
    """
    studies = a_full_course()
    pairs = [(_seconds(follow_lesions, studies), _seconds(nearest_centroid, studies)) for _ in range(repeats)]
    ratios = sorted(theirs / mine for mine, theirs in pairs)
    ours_s = statistics.median(mine for mine, _ in pairs)
    scores = accuracy(n_patients)
    fields: dict[str, str | float | int | bool] = {
        "name": "tracking",
        "peer": "nearest centroid within 15 mm",
        "ratio_median": statistics.median(ratios),
        "ratio_min": ratios[0],
        "ratio_max": ratios[-1],
        "ours_s": ours_s,
        "peer_s": statistics.median(theirs for _, theirs in pairs),
        "device": "cpu",
        "command": f"Testing/bench/tracking.py --patients {n_patients} --repeats {repeats}",
        "n_patients": n_patients,
        "n_lesions": sum(len(study.lesions) for study in studies),
        "limit_s": LIMIT_S,
        "within_limit": ours_s < LIMIT_S,
    }
    for name, one in scores.items():
        fields |= {f"links_f1_{name}": one.links_f1, f"fates_right_{name}": one.fates_right}
        fields |= {f"{state.value}_right_{name}": one.part_right(state) for state in TrackState}
    return fields | {f"n_{state.value}": scores["voxels"].true[state] for state in TrackState}


def _ours(course: SimulatedCourse, *, with_images: bool) -> Score:
    return score(story_of(follow_lesions(course.studies(with_images=with_images)).tracks), truth_of(course))


def _seconds(side: Callable[[Sequence[DatedLesions]], object], studies: Sequence[DatedLesions]) -> float:
    start = time.perf_counter()
    side(studies)
    return time.perf_counter() - start


def main() -> None:
    """Print the benchmark as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=N_PATIENTS)
    parser.add_argument("--repeats", type=int, default=_REPEATS)
    arguments = parser.parse_args()
    sys.stdout.write(json.dumps(run(n_patients=arguments.patients, repeats=arguments.repeats)) + "\n")


if __name__ == "__main__":
    main()
