"""nnU-Net results to whose they are, what their channels and labels mean, and what of that they do not say."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from psmacore.errors import ModelUnfitError, UsageError
from psmacore.model.organs import ORGAN_NUMBERS
from psmacore.registry.manifest import ChannelName
from psmacore.registry.nnunet_results import NnunetResult
from psmacore.registry.nnunet_spec import Publisher

BACKGROUND = "background"
IGNORED = "ignore"
LESIONTRACER_TRAINER = "autoPET3_Trainer"
LESIONTRACER_ORGAN_HEAD = ".organ_seg_layers."

_TOTALSEGMENTATOR = re.compile(r"Dataset(\d+)_TotalSegmentator_")
_GTRC = re.compile(r"Dataset\d+_(PSMA_PET|FDG_PET|LUPSMA_SPECT)")
_GTRC_CHANNELS = ("nonorm", "ct")
_GTRC_LESION = "ttb"
# TotalSegmentator v2 counts the 117 classes of its five parts through, part by part (map_to_binary.py): what is added
# to a label of each part, and how many labels it has.
TOTALSEGMENTATOR_PARTS: Mapping[int, tuple[int, int]] = MappingProxyType(
    {291: (0, 24), 292: (24, 26), 293: (50, 18), 294: (68, 23), 295: (91, 26)}
)
_CHANNELS: Mapping[str, ChannelName] = MappingProxyType(
    dict.fromkeys(("ct", "ctres", "ct_res"), ChannelName.CT)
    | dict.fromkeys(
        ("pet", "pt", "suv", "pet_suv", "suvbw", "petsuv", "psma_pet", "fdg_pet", "psma", "fdg"), ChannelName.PET
    )
)
_LESION_WORDS = ("lesion", "tumor", "tumour", "ttb", "cancer", "metast", "malign", "disease")


@dataclass(frozen=True)
class Recognised:
    """Whose results these are, and what is known of them because of that.

    Parameters
    ----------
    results : tuple of NnunetResult
        That belong together, in the order in which they run.
    tracers : tuple of str
        That the model was trained for; empty where that is not known.
    """

    publisher: Publisher
    results: tuple[NnunetResult, ...]
    tracers: tuple[str, ...] = ()


def recognise(results: Sequence[NnunetResult]) -> Recognised:
    """Return whose results these are, and which of them belong together.

    TotalSegmentator's five parts are taken from a folder that holds other models of its as well. It is known by the
    data sets' names, LesionTracer by its trainer or organ head, GTRC-Net by data set, channels and labels together.

    Raises
    ------
    UsageError
        If there are several that are no parts of one model.
    ModelUnfitError
        If it is GTRC-Net's model for SPECT.
    """
    parts = [result for result in results if part_number(result) in TOTALSEGMENTATOR_PARTS]
    if len(parts) == len(TOTALSEGMENTATOR_PARTS) < len(results):
        return recognise(parts)
    if all(part_number(result) for result in results):
        _require_one_set(results)
        return Recognised(Publisher.TOTALSEGMENTATOR, tuple(sorted(results, key=part_number)))
    if len(results) > 1:
        places = ", ".join(str(result.plans_path.parent) for result in results)
        raise UsageError(f"several results lie there; name the folder of one: {places}")
    (result,) = results
    facts = result.folds[0].facts
    if result.trainer == LESIONTRACER_TRAINER or any(LESIONTRACER_ORGAN_HEAD in name for name in facts.shapes):
        return Recognised(Publisher.LESIONTRACER, (result,), ("psma", "fdg"))
    match = _GTRC.match(result.dataset_name)
    channels = tuple(name.lower() for name in result.channel_names)
    if match and channels == _GTRC_CHANNELS and _GTRC_LESION in result.labels:
        if match[1] == "LUPSMA_SPECT":
            raise ModelUnfitError(f"{result.dataset_name} is GTRC-Net's model for SPECT; this program reads PET")
        return Recognised(Publisher.GTRC_NET, (result,), (match[1].split("_")[0].lower(),))
    return Recognised(Publisher.NNUNET, (result,))


def part_number(result: NnunetResult) -> int:
    """Return the number in a TotalSegmentator data set's name, 291 for its first part; 0 for others."""
    match = _TOTALSEGMENTATOR.match(result.dataset_name)
    return int(match[1]) if match else 0


def channels_of(result: NnunetResult, publisher: Publisher, named: Sequence[str] | None) -> tuple[ChannelName, ...]:
    """Return the image of each input channel, in order.

    Parameters
    ----------
    named : sequence of str or None
        ``pet`` and ``ct`` in the model's order where the user names them.

    Raises
    ------
    UsageError
        If dataset.json names channels in a way that tells nothing, and the user does not either.
    ModelUnfitError
        If dataset.json, the plans and the network count different channels.
    """
    names = result.channel_names
    counts = {
        str(result.dataset_path): len(names),
        str(result.plans_path): result.configuration.n_normalised,
        str(result.folds[0].checkpoint): result.folds[0].facts.n_inputs or len(names),
    }
    if len(set(counts.values())) > 1:
        raise ModelUnfitError("channels: " + ", ".join(f"{count} in {where}" for where, count in counts.items()))
    if named is not None:
        known = {str(ChannelName.CT): ChannelName.CT, str(ChannelName.PET): ChannelName.PET}
        unknown = [name for name in named if name not in known]
        if unknown or len(named) != len(names):
            raise UsageError(f"--channels: {len(names)} of {', '.join(known)} are needed, not {','.join(named)!r}")
        channels = tuple(known[name] for name in named)
    elif publisher is Publisher.LESIONTRACER and len(names) == 2:  # both are called CT: they are normalised alike
        channels = (ChannelName.CT, ChannelName.PET)
    elif publisher is Publisher.GTRC_NET:
        channels = (ChannelName.PET, ChannelName.CT)
    else:
        guessed = [_CHANNELS.get(name.lower().replace("-", "_").replace(" ", "_")) for name in names]
        if None in guessed:
            raise UsageError(
                f"dataset.json calls the channels {', '.join(names)}: say what they are with --channels ct,pet"
            )
        channels = tuple(channel for channel in guessed if channel is not None)
    if len(set(channels)) < len(channels):
        raise UsageError(f"channels {', '.join(channels)}: one image twice; say what they are with --channels ct,pet")
    return channels


def check_heads(result: NnunetResult) -> None:
    """Raise :class:`ModelUnfitError` where the network has another number of outputs than dataset.json has labels."""
    numbers = foreground(result)
    has_regions = any(isinstance(number, tuple) for number in numbers.values())
    expected = len(numbers) + (0 if has_regions else 1)
    met = result.folds[0].facts.n_outputs
    if met is not None and met != expected:
        raise ModelUnfitError(
            f"{result.folds[0].checkpoint} has {met} outputs, but {result.dataset_path} needs {expected}"
        )


def foreground(result: NnunetResult) -> Mapping[str, int | tuple[int, ...]]:
    """Return the labels that are neither background nor to be ignored."""
    return {
        name: number for name, number in result.labels.items() if number not in (0, (0,)) and name.lower() != IGNORED
    }


def organ_numbers(result: NnunetResult, publisher: Publisher) -> tuple[int, ...]:
    """Return the number in our organ map of each label from 1 on, 0 for none.

    Raises
    ------
    ModelUnfitError
        If labels unite regions, or none of them is an organ that we number.
    """
    labels = foreground(result)
    if any(isinstance(number, tuple) for number in labels.values()):
        raise ModelUnfitError(f"{result.dataset_path}: organs must exclude each other, but labels unite regions")
    of_label = {int(number): ORGAN_NUMBERS.get(name, 0) for name, number in labels.items() if isinstance(number, int)}
    offset, count = TOTALSEGMENTATOR_PARTS.get(part_number(result), (0, -1))
    if publisher is Publisher.TOTALSEGMENTATOR and not all(of_label.values()) and len(labels) == count:
        return tuple(offset + label for label in range(1, count + 1))
    if not any(of_label.values()):
        raise ModelUnfitError(f"{result.dataset_path}: none of the labels is an organ's name: {', '.join(labels)}")
    return tuple(of_label.get(label, 0) for label in range(1, max(of_label) + 1))


def lesion_labels(result: NnunetResult, named: Sequence[str] | None) -> tuple[int, ...]:
    """Return the labels that are lesion: those named, the only one, or those whose names say so.

    For labels that unite regions these are the outputs' places, counted from 1.

    Raises
    ------
    UsageError
        If that cannot be told, or a name is none of the labels.
    """
    labels = foreground(result)
    if named is not None:
        unknown = [name for name in named if name not in labels]
        if unknown:
            raise UsageError(f"--lesion-label: no label {', '.join(unknown)}; there are: {', '.join(labels)}")
        chosen = list(named)
    elif len(labels) == 1:
        chosen = list(labels)
    else:
        chosen = [name for name in labels if any(word in name.lower() for word in _LESION_WORDS)]
    if not chosen:
        raise UsageError(f"labels {', '.join(labels)}: say which is lesion with --lesion-label NAME")
    places = {name: place for place, name in enumerate(labels, 1)}
    has_regions = any(isinstance(number, tuple) for number in labels.values())
    return tuple(sorted(places[name] if has_regions else _plain(labels[name]) for name in chosen))


def _plain(number: int | tuple[int, ...]) -> int:
    return number if isinstance(number, int) else number[0]


def _require_one_set(results: Sequence[NnunetResult]) -> None:
    """Raise where several TotalSegmentator results are not the five parts, or repeat one."""
    numbers = [part_number(result) for result in results]
    if len(results) == 1:
        return
    if len(set(numbers)) < len(numbers):
        raise UsageError(f"TotalSegmentator's part {max(numbers, key=numbers.count)} lies there more than once")
    strangers = sorted(set(numbers) - set(TOTALSEGMENTATOR_PARTS))
    if strangers:
        raise UsageError(
            f"TotalSegmentator's {', '.join(map(str, strangers))} is no part of the others: import it alone"
        )
    missing = sorted(set(TOTALSEGMENTATOR_PARTS) - set(numbers))
    if missing:
        raise UsageError(
            f"TotalSegmentator's parts {', '.join(map(str, missing))} are missing: add them, or name one part"
        )
