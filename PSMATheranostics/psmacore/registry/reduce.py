"""A published model's manifest to that of its small, simulation-trained sibling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from psmacore.registry.checks import check_manifest
from psmacore.registry.manifest import Architecture, Grid, InputChannel, Manifest, OutputClass, Setting, Training

SUFFIX = "-sim"
SIMULATION_STATEMENT = (
    "Trained on simulation, not for clinical use: these weights know simulated patients only. "
    "Research use only; a reader must confirm every result."
)


def reduced_manifest(
    published: Manifest,
    *,
    training: Training,
    parameters: Mapping[str, Setting] | None = None,
    architecture: Architecture | None = None,
    grid: Grid | None = None,
    inputs: tuple[InputChannel, ...] | None = None,
    outputs: tuple[OutputClass, ...] | None = None,
    version: str = "1.0.0",
) -> Manifest:
    """Return the manifest of a reduced model, a recipe until it is trained.

    Family, task, validity and, where not given, everything else stay the published model's. Its figures and
    weights do not.

    Parameters
    ----------
    training : Training
        What it is trained on; simulated.
    parameters : mapping, optional
        Of the architecture; those named replace the published ones.
    architecture : Architecture, optional
        Another network altogether; excludes ``parameters``.
    outputs : tuple of OutputClass, optional
        Fewer classes, for example the organs that the phantom has.

    Raises
    ------
    ValueError
        If ``training`` is not simulated, or both ``parameters`` and ``architecture`` are given.
    ModelUnfitError
        If the parts do not hold together.
    """
    if not training.is_simulated:
        raise ValueError(f"a {SUFFIX} model is trained on simulated patients, not on {training.data!r}")
    if parameters is not None and architecture is not None:
        raise ValueError("give parameters or a whole architecture, not both")
    network = architecture or Architecture(
        published.architecture.kind, {**published.architecture.parameters, **(parameters or {})}
    )
    reduced = replace(
        published,
        name=published.name + SUFFIX,
        version=version,
        architecture=network,
        inputs=inputs or published.inputs,
        outputs=outputs or published.outputs,
        grid=grid or published.grid,
        training=training,
        licence="Apache-2.0",
        weights_sha256=None,
        metrics=(),
        costs=(),
        statement=SIMULATION_STATEMENT,
    )
    check_manifest(reduced)
    return reduced
