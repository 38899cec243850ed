"""Recognised nnU-Net results and the user's wishes to the manifest of one model, and the words of its card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from psmacore.errors import UsageError
from psmacore.model.organs import ORGANS
from psmacore.registry.manifest import (
    Activation,
    ChannelName,
    Grid,
    InputChannel,
    Manifest,
    Normalisation,
    OutputClass,
    Task,
    Training,
    Validity,
)
from psmacore.registry.nnunet_publishers import BACKGROUND, Recognised, foreground, lesion_labels, organ_numbers
from psmacore.registry.nnunet_results import NnunetResult
from psmacore.registry.nnunet_spec import NnunetPart, NnunetSpec, Publisher

FAMILIES = {Task.LESIONS: "nnunet-lesions", Task.ORGANS: "nnunet-organs"}
ANY_TRACER = ("psma", "fdg")
_UNITS = {ChannelName.PET: "g/ml", ChannelName.CT: "HU"}
_PART_FOLDER = "nnunet"


@dataclass(frozen=True)
class ImportWishes:
    """What the user says of a result folder; ``None`` where the folder is to say it.

    Parameters
    ----------
    folder : pathlib.Path
        See :func:`psmacore.registry.nnunet_results.find_results`.
    name : str or None
        Of the model.
    task : Task or None
        ``LESIONS`` or ``ORGANS``.
    tracers : tuple of str or None
        That the model was trained for.
    licence : str or None
        Of the weights: no result folder states it.
    channels, lesion_names, folds : sequence of str or None
        ``pet`` and ``ct`` in the model's order; labels that are lesion; ``0`` to ``4`` or ``all``.
    configuration, checkpoint : str or None
        For example ``3d_fullres``; ``final`` or ``best``.
    is_simulated : bool
        Whether it was trained on simulated patients.
    """

    folder: Path
    name: str | None = None
    task: Task | None = None
    tracers: tuple[str, ...] | None = None
    licence: str | None = None
    channels: Sequence[str] | None = None
    lesion_names: Sequence[str] | None = None
    folds: Sequence[str] | None = None
    configuration: str | None = None
    checkpoint: str | None = None
    is_simulated: bool = False


def spec_from(known: Recognised, task: Task, channels: tuple[ChannelName, ...], wishes: ImportWishes) -> NnunetSpec:
    """Return how the model will run; raise :class:`UsageError` where its labels do not say what is lesion."""
    is_organs = task is Task.ORGANS
    if is_organs and wishes.lesion_names is not None:
        raise UsageError("--lesion-label is for models of lesions")
    is_alone = len(known.results) == 1
    parts = tuple(
        NnunetPart(
            folder=_PART_FOLDER if is_alone else f"{_PART_FOLDER}/{number}",
            configuration=result.configuration.name,
            checkpoint=result.folds[0].checkpoint.name,
            folds=tuple(fold.name for fold in result.folds),
            organ_numbers=organ_numbers(result, known.publisher) if is_organs else (),
        )
        for number, result in enumerate(known.results, 1)
    )
    return NnunetSpec(
        publisher=known.publisher,
        parts=parts,
        lesion_labels=() if is_organs else lesion_labels(known.results[0], wishes.lesion_names),
        is_pet_in_thresholds=known.publisher is Publisher.GTRC_NET and ChannelName.PET in channels,
    )


def manifest_from(
    known: Recognised,
    name: str,
    task: Task,
    channels: tuple[ChannelName, ...],
    spec: NnunetSpec,
    wishes: ImportWishes,
) -> Manifest:
    """Return the manifest; the checksum is still to come."""
    first = known.results[0]
    licence = (wishes.licence or "").strip()
    has_regions = any(isinstance(number, tuple) for number in foreground(first).values())
    tracers = wishes.tracers or known.tracers if ChannelName.PET in channels else ()
    return Manifest(
        name=name,
        version="1",
        family=FAMILIES[task],
        task=task,
        architecture=spec.architecture(),
        inputs=tuple(InputChannel(channel, _UNITS[channel], Normalisation.NONE) for channel in channels),
        grid=Grid(patch=first.configuration.patch_kji, spacing_kji_mm=first.configuration.spacing_kji_mm),
        outputs=_outputs(first, task, spec, has_regions=has_regions),
        activation=Activation.SIGMOID if has_regions else Activation.SOFTMAX,
        validity=Validity(tracers=tracers, is_thresholded=task is Task.LESIONS),
        training=Training(data=_trained_on(known), licence=licence, is_simulated=wishes.is_simulated),
        licence=licence,
    )


def _outputs(first: NnunetResult, task: Task, spec: NnunetSpec, *, has_regions: bool) -> tuple[OutputClass, ...]:
    if task is Task.ORGANS:
        numbers = sorted({number for part in spec.parts for number in part.organ_numbers if number})
        return (OutputClass(0, BACKGROUND), *(OutputClass(number, ORGANS[number].name) for number in numbers))
    names = list(foreground(first))
    if has_regions:
        return tuple(OutputClass(place, name) for place, name in enumerate(names, 1))
    numbered = sorted((int(number), name) for name, number in foreground(first).items() if isinstance(number, int))
    return (OutputClass(0, BACKGROUND), *(OutputClass(number, name) for number, name in numbered))


def _trained_on(known: Recognised) -> str:
    told = []
    for result in known.results:
        cases = result.dataset.get("numTraining")
        of_cases = f", {cases} cases" if isinstance(cases, int) else ""
        folds = ", ".join(fold.name for fold in result.folds)
        told.append(
            f"{result.dataset_name or 'a data set without a name'}{of_cases}, by {result.trainer or 'nnU-Net'} as "
            f"{result.configuration.name}, folds {folds}"
        )
    return "; ".join(told)


def about(known: Recognised) -> str:
    """Return the card's paragraph on what the model is."""
    names = ", ".join(result.dataset_name or "a data set without a name" for result in known.results)
    whose = "an nnU-Net v2" if known.publisher is Publisher.NNUNET else f"{known.publisher} (nnU-Net v2)"
    return f"Imported: {whose}, {names}. It runs through nnU-Net's own preprocessing and sliding window."


def notes_on(known: Recognised, manifest: Manifest) -> list[str]:
    """Return what a user must know of the model, for its card."""
    notes = [
        "Channels are read in the units above; nnU-Net normalises and resamples them as the plans say.",
        "Nothing was measured here: figures are its publisher's, on other data than this hospital's.",
        "Checkpoints are opened as tensors only; weights.sha256 lists the checksum of every file.",
    ]
    if manifest.task is Task.LESIONS:
        notes.append("What the model takes for lesion counts where it also reaches the tracer's SUV threshold.")
    if known.publisher is Publisher.GTRC_NET:
        notes.append(
            "PET is divided by the SUV threshold, as GTRC-Net was trained; its consensus classifier is not used."
        )
    if known.publisher is Publisher.LESIONTRACER:
        notes.append("The organ head served training only and is not run.")
    return notes
