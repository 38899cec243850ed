"""The figures of several folds to one table."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from psmacore.registry.manifest import Manifest

JSON_FILE = "cross_validation.json"
CSV_FILE = "cross_validation.csv"
SCHEMA = "psma-cross-validation/1"


def write_summary(manifests: Sequence[Manifest], folder: Path) -> Path:
    """Write each fold's validation figures with their mean and SD as JSON and CSV; return the JSON's path.

    Parameters
    ----------
    manifests : sequence of Manifest
        Of the trained folds, in order.
    """
    names: list[str] = []
    for manifest in manifests:
        names += [metric.name for metric in manifest.metrics if metric.name not in names]
    table = np.array([[_value(manifest, name) for name in names] for manifest in manifests], dtype=np.float64)
    summary = {name: _mean_and_sd(table[:, column]) for column, name in enumerate(names)}
    folds = [
        {"name": manifest.name, "weights_sha256": manifest.weights_sha256, "metrics": _known(names, row)}
        for manifest, row in zip(manifests, table, strict=True)
    ]
    with (folder / CSV_FILE).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["fold", *names])
        for manifest, row in zip(manifests, table, strict=True):
            writer.writerow([manifest.name, *("" if np.isnan(value) else f"{value:.6g}" for value in row)])
    path = folder / JSON_FILE
    record = {"schema": SCHEMA, "folds": folds, "summary": summary}
    path.write_text(json.dumps(record, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return path


def _value(manifest: Manifest, name: str) -> float:
    return next((metric.value for metric in manifest.metrics if metric.name == name), float("nan"))


def _known(names: Sequence[str], row: np.ndarray) -> dict[str, float]:
    return {name: float(value) for name, value in zip(names, row, strict=True) if not np.isnan(value)}


def _mean_and_sd(column: np.ndarray) -> dict[str, float | None]:
    known = column[~np.isnan(column)]
    return {
        "mean": float(known.mean()) if known.size else None,
        "sd": float(known.std(ddof=1)) if known.size > 1 else None,
    }
