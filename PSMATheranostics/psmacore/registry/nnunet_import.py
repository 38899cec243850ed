"""An nnU-Net v2 result folder to a model of the hospital's, checked, copied and described."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

from psmacore.errors import ModelUnfitError, UsageError
from psmacore.registry.card import write_card
from psmacore.registry.catalog import ModelFolder, list_models, open_model, user_models_folder
from psmacore.registry.checks import NAME_PATTERN
from psmacore.registry.digest_list import write_list
from psmacore.registry.manifest import ChannelName, Manifest, Task
from psmacore.registry.nnunet_manifest import FAMILIES, ImportWishes, about, manifest_from, notes_on, spec_from
from psmacore.registry.nnunet_publishers import Recognised, channels_of, check_heads, recognise
from psmacore.registry.nnunet_results import DATASET_FILE, PLANS_FILE, NnunetResult, find_results
from psmacore.registry.nnunet_spec import NnunetSpec, Publisher
from psmacore.registry.read import write_manifest
from psmacore.registry.torch_archive import read_facts
from psmacore.registry.verify import verify


def import_nnunet(wishes: ImportWishes) -> ModelFolder:
    """Copy an nnU-Net v2 result into the hospital's models folder and describe it there.

    Nothing of it is executed: checkpoints are looked through, and opened by PyTorch's ``weights_only`` loader when
    the model runs. The copy is made aside and renamed, so that a model is there as a whole or not at all.

    Returns
    -------
    ModelFolder
        The model, its checksums just compared.

    Raises
    ------
    UsageError
        If something that only the user knows is not said, what is said does not agree with the folder, or the name
        is taken.
    ModelMissingError
        If there is no result in the folder, or a fold has no checkpoint.
    ModelUnfitError
        If a checkpoint is truncated, could run code, or does not fit plans and dataset.json.

    References
    ----------
    W88: models are plug-ins.
    """
    found = find_results(
        wishes.folder, configuration=wishes.configuration, folds=wishes.folds, checkpoint=wishes.checkpoint
    )
    known = recognise(found)
    for result in known.results:
        check_heads(result)
    channels = _channels(known, wishes)
    task = _task(known, channels, wishes)
    _require_what_only_the_user_knows(known, channels, wishes)
    name = _name(known, wishes)
    spec = spec_from(known, task, channels, wishes)
    manifest = manifest_from(known, name, task, channels, spec, wishes)
    return _installed(known, manifest, spec)


def _channels(known: Recognised, wishes: ImportWishes) -> tuple[ChannelName, ...]:
    each = {channels_of(result, known.publisher, wishes.channels) for result in known.results}
    if len(each) > 1:
        raise ModelUnfitError(f"the parts in {wishes.folder} read different images")
    return each.pop()


def _task(known: Recognised, channels: tuple[ChannelName, ...], wishes: ImportWishes) -> Task:
    if wishes.task is not None and wishes.task not in FAMILIES:
        raise UsageError(f"an nnU-Net is imported for {' or '.join(FAMILIES)}, not for {wishes.task}")
    by_publisher = {
        Publisher.TOTALSEGMENTATOR: Task.ORGANS,
        Publisher.LESIONTRACER: Task.LESIONS,
        Publisher.GTRC_NET: Task.LESIONS,
    }
    certain = by_publisher.get(known.publisher)
    if certain is not None:
        if wishes.task not in (None, certain):
            raise UsageError(f"{known.publisher} is made for {certain}, not for {wishes.task}")
        return certain
    if wishes.task is not None:
        if wishes.task is Task.ORGANS and channels != (ChannelName.CT,):
            raise ModelUnfitError(f"organs are read from the CT alone, but this model reads {', '.join(channels)}")
        if wishes.task is Task.LESIONS and ChannelName.PET not in channels:
            raise ModelUnfitError("lesions are looked for in PET, but this model reads the CT alone")
        return wishes.task
    raise UsageError(f"nothing in {wishes.folder} says what the model does: name it with --task organs or lesions")


def _require_what_only_the_user_knows(
    known: Recognised, channels: tuple[ChannelName, ...], wishes: ImportWishes
) -> None:
    missing = [] if (wishes.licence or "").strip() else ["--licence TEXT, as its publisher states it"]
    if ChannelName.PET in channels and not known.tracers and not wishes.tracers:
        missing.append("--tracer psma, fdg or any, that it was trained for")
    if missing:
        raise UsageError(f"{wishes.folder} does not say: {'; '.join(missing)}")
    if known.tracers and wishes.tracers and not set(wishes.tracers) <= set(known.tracers):
        raise UsageError(
            f"{known.publisher}, {known.results[0].dataset_name}, was trained for {' and '.join(known.tracers)} PET, "
            f"not for {' and '.join(wishes.tracers)}"
        )


def _name(known: Recognised, wishes: ImportWishes) -> str:
    name = wishes.name or _suggested(known)
    if not NAME_PATTERN.fullmatch(name):
        raise UsageError(f"--name: 1 to 64 of a-z, 0-9, '.', '_', '-', first and last a letter or digit, not {name!r}")
    taken = {one for model in list_models() for one in (model.manifest.name, model.manifest.family)}
    if name in taken | set(FAMILIES.values()) or (user_models_folder() / name).exists():
        raise UsageError(f"a model or family is named {name!r} already: choose another name with --name")
    return name


def _suggested(known: Recognised) -> str:
    if known.publisher is Publisher.NNUNET or (
        known.publisher is Publisher.TOTALSEGMENTATOR and len(known.results) == 1
    ):
        slug = re.sub(r"[^a-z0-9]+", "-", known.results[0].dataset_name.lower()).strip("-")[:64].strip("-")
        return slug or "nnunet"
    if known.publisher is Publisher.GTRC_NET:
        return f"{known.publisher}-{known.tracers[0]}"
    return str(known.publisher)


def _installed(known: Recognised, manifest: Manifest, spec: NnunetSpec) -> ModelFolder:
    """Copy aside, look through the copies once more, describe, then rename."""
    root = user_models_folder()
    aside = root / f"{manifest.name}.partial-{os.getpid()}"  # the catalogue passes over such names
    try:
        root.mkdir(parents=True, exist_ok=True)
        copies = [
            path
            for result, part in zip(known.results, spec.parts, strict=True)
            for path in _copied(result, aside / part.folder)
        ]
        whole = replace(manifest, weights_sha256=write_list(aside, copies))
        write_manifest(whole, aside)
        write_card(whole, aside, about=about(known), notes=notes_on(known, whole))
        verify(ModelFolder(whole, aside))
        aside.rename(root / manifest.name)
    except OSError as error:
        raise UsageError(f"{root} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return open_model(root / manifest.name)


def _copied(result: NnunetResult, folder: Path) -> list[Path]:
    """Copy what running needs and nothing else; a checkpoint's copy is looked through, not its source."""
    folder.mkdir(parents=True)
    sources = {folder / PLANS_FILE: result.plans_path, folder / DATASET_FILE: result.dataset_path}
    for fold in result.folds:
        target = folder / f"fold_{fold.name}" / fold.checkpoint.name
        target.parent.mkdir()
        sources[target] = fold.checkpoint
    for target, source in sources.items():
        shutil.copyfile(source, target)
    for fold in result.folds:
        if read_facts(folder / f"fold_{fold.name}" / fold.checkpoint.name) != fold.facts:
            raise ModelUnfitError(f"{fold.checkpoint} was changed while it was copied")
    return list(sources)
