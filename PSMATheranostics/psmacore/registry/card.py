"""A manifest to its model card: the same facts and figures, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from psmacore.errors import ModelUnfitError
from psmacore.registry.manifest import Grid, InputChannel, Manifest, Normalisation, Setting

CARD_FILE = "MODEL_CARD.md"
_FACTS = "## What it is"
_NOTES = "## Notes"
_MOST_OUTPUTS = 12


def write_card(manifest: Manifest, folder: Path, *, about: str, notes: Sequence[str]) -> Path:
    """Write ``MODEL_CARD.md`` into a model folder; return its path.

    Parameters
    ----------
    about : str
        One paragraph: what the model is for, and where it comes from.
    notes : sequence of str
        What a user must know beside the facts: choices of ours, goals not reached, limits.
    """
    path = folder / CARD_FILE
    path.write_text(model_card(manifest, about=about, notes=notes), encoding="utf-8")
    return path


def refresh_card(manifest: Manifest, folder: Path) -> Path:
    """Write a folder's card anew from its manifest, keeping the words that people wrote; return its path.

    What is kept is the paragraph on what the model is for, and the notes. After a training, a measurement or
    another change of the manifest this is all that a card needs.

    Raises
    ------
    ModelUnfitError
        If the folder has no card, or it is not one that :func:`write_card` wrote.
    """
    path = folder / CARD_FILE
    try:
        head, _, rest = path.read_text(encoding="utf-8").partition(f"\n{_FACTS}\n")
    except FileNotFoundError as error:
        raise ModelUnfitError(f"{folder} has no {CARD_FILE} to refresh") from error
    _facts_then, _, notes = rest.partition(f"\n{_NOTES}\n")
    paragraphs = head.strip().split("\n\n", 2)
    if not notes or len(paragraphs) < 3:
        raise ModelUnfitError(f"{path} lacks the paragraph on what the model is for, {_FACTS!r} or {_NOTES!r}")
    kept = [line.removeprefix("- ") for line in notes.strip().split("\n- ")]
    return write_card(manifest, folder, about=paragraphs[2], notes=kept)


def model_card(manifest: Manifest, *, about: str, notes: Sequence[str]) -> str:
    """Return the card as Markdown; see :func:`write_card`."""
    parts = [
        f"# {manifest.name} {manifest.version}",
        f"**{manifest.statement}**",
        about.strip(),
        f"{_FACTS}\n\n" + _table(("", ""), _facts(manifest)),
        "## Inputs, in order\n\n"
        + _table(("channel", "unit", "becomes"), [_input_row(one) for one in manifest.inputs]),
        "## Trained on\n\n" + _training(manifest),
        "## Measured\n\n" + _metrics(manifest),
        "## Time and memory\n\n" + _costs(manifest),
        f"{_NOTES}\n\n" + "\n".join(f"- {note.strip()}" for note in notes),
    ]
    return "\n\n".join(parts) + "\n"


def _facts(manifest: Manifest) -> list[tuple[str, str]]:
    validity = manifest.validity
    return [
        ("family, task", f"{manifest.family}, {manifest.task}"),
        ("network", f"`{manifest.architecture.kind}`: {_settings(manifest.architecture.parameters)}"),
        ("grid", _grid(manifest.grid)),
        ("outputs", _outputs(manifest)),
        ("operating point", f"probability ≥ {manifest.operating_point:g}"),
        ("valid for tracers", ", ".join(validity.tracers) or "any: it reads no PET"),
        ("valid for scan ranges", ", ".join(validity.scan_ranges) or "any"),
        ("ANDed with the SUV threshold", "yes" if validity.is_thresholded else "no"),
        ("licence", manifest.licence),
        ("weights, sha256", manifest.weights_sha256 or "none: a recipe, to be trained"),
    ]


def _input_row(channel: InputChannel) -> tuple[str, str, str]:
    numbers = channel.parameters
    if channel.normalisation is Normalisation.CLIP_MIN_MAX:
        becomes = f"clipped to [{numbers['low']:g}, {numbers['high']:g}], then scaled to [0, 1]"
    elif channel.normalisation is Normalisation.Z_SCORE and numbers:
        becomes = f"(x - {numbers['mean']:g}) / {numbers['sd']:g}"
    elif channel.normalisation is Normalisation.Z_SCORE:
        becomes = "(x - mean) / SD, both measured on the training data"
    elif channel.normalisation is Normalisation.DIVIDE:
        becomes = f"x / {numbers['divisor']:g}"
    elif channel.normalisation is Normalisation.THRESHOLD:
        becomes = "x / SUV threshold - 1, so 0 is the threshold"
    else:
        becomes = "unchanged"
    return f"`{channel.name}`", channel.unit, becomes


def _grid(grid: Grid) -> str:
    if grid.resize_to is not None:
        return f"whole volume resized to {_by(grid.resize_to)} (k, j, i)"
    spacing = "native voxels" if grid.spacing_kji_mm is None else f"{_by(grid.spacing_kji_mm)} mm (k, j, i)"
    return f"{spacing}; windows of {_by(grid.patch)}, overlap {grid.overlap:g}"


def _outputs(manifest: Manifest) -> str:
    named = [f"{one.label} {one.name}" for one in manifest.outputs]
    shown = ", ".join(named[:_MOST_OUTPUTS])
    if len(named) > _MOST_OUTPUTS:
        shown += f" … {named[-1]}"
    return f"{len(named)}, {manifest.activation}: {shown}"


def _training(manifest: Manifest) -> str:
    training = manifest.training
    if training is None:
        return "Not yet: no weights ship. `psma train " + manifest.name + " --data DIR` trains it."
    tense = "" if manifest.weights_sha256 else "Not yet. To be trained on: "
    patients = "simulated" if training.is_simulated else "real"
    lines = [f"{tense}{training.data} (licence: {training.licence}). Patients: {patients}."]
    if training.phantom_version:
        lines.append(f"Phantom version {training.phantom_version}, sha256 `{training.phantom_sha256}`.")
    return " ".join(lines)


def _metrics(manifest: Manifest) -> str:
    if not manifest.metrics:
        return "Nothing yet."
    rows = [(one.name, f"{one.value:.4g}", one.unit, one.data) for one in manifest.metrics]
    return _table(("metric", "value", "unit", "measured on"), rows)


def _costs(manifest: Manifest) -> str:
    if not manifest.costs:
        return "Not measured."
    rows = [
        (one.device, f"{one.seconds:.1f} s", f"{one.memory_mib:.0f} MiB", f"`{one.command}`") for one in manifest.costs
    ]
    return _table(("device", "time", "memory", "command"), rows)


def _settings(parameters: Mapping[str, Setting]) -> str:
    return ", ".join(f"{name} {_setting(value)}" for name, value in parameters.items()) or "as published"


def _setting(value: Setting) -> str:
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_setting, value)) + ")"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _by(sizes: Sequence[float]) -> str:
    return " × ".join(f"{size:g}" for size in sizes)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
