"""``psma models``: what models there are, what one is, whether their weights are unaltered; and imports of more."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from psmacore.cli.model_import import add_import_options, import_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psmacore.cli.options import Subparsers
    from psmacore.registry.catalog import ModelFolder

UNFIT = 5


def add_parser(subparsers: Subparsers) -> None:
    """Add ``psma models``."""
    parser = subparsers.add_parser(
        "models",
        help="list, show, verify or import models",
        description="Models that ship, and the hospital's own in PSMA_MODELS or the user's data folder.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="every model by name")
    showing = actions.add_parser("show", help="everything that is known of one model")
    showing.add_argument("name", metavar="NAME", help="of `psma models list`")
    verifying = actions.add_parser("verify", help="compare manifests and weights with their checksums")
    verifying.add_argument("names", nargs="*", metavar="NAME", help="all by default")
    importing = actions.add_parser(
        "import",
        help="take an nnU-Net v2 result folder for a model",
        description="Copies what an nnU-Net v2 training left (TotalSegmentator, LesionTracer, GTRC-Net, your own) to "
        "the hospital's models folder. Checkpoints are looked through, never executed. What a folder does not say has "
        "to be said here; its licence never does.",
    )
    add_import_options(importing)
    for action in (listing, showing, verifying, importing):
        action.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Run one action.

    Returns
    -------
    int
        0; of ``verify`` 5 where a model is missing or unfit.

    Raises
    ------
    ModelMissingError, ModelUnfitError
        If a model that was named is none, or cannot be used.
    UsageError
        If an import lacks what only the user knows.
    """
    if arguments.action == "show":
        return _show(arguments.name, as_json=arguments.json)
    if arguments.action == "import":
        return _import(arguments)
    if arguments.action == "verify":
        return _verify(arguments.names, as_json=arguments.json)
    return _list(as_json=arguments.json)


def _list(*, as_json: bool) -> int:
    from psmacore.cli.options import write_json
    from psmacore.registry.catalog import broken_models, list_models

    models = list_models()
    if as_json:
        write_json({"models": [_entry(model) for model in models]})
        return 0
    width = max((len(model.manifest.name) for model in models), default=0)
    for model in models:
        manifest = model.manifest
        print(f"{manifest.name:{width}}  {manifest.task:26}  {_tracer(model) or '-':9}  {_state(model)}")
    for broken in broken_models():
        sys.stderr.write(f"psma models: {broken.name} is left out: {broken.reason}\n")
    return 0


def _show(name: str, *, as_json: bool) -> int:
    from psmacore.registry.card import CARD_FILE
    from psmacore.registry.catalog import find_model
    from psmacore.registry.read import manifest_to_json

    model = find_model(name)
    if as_json:
        sys.stdout.write(manifest_to_json(model.manifest))
        return 0
    card = model.folder / CARD_FILE
    print(f"{model.folder}: {_state(model)}\n")
    print(card.read_text(encoding="utf-8") if card.is_file() else manifest_to_json(model.manifest))
    return 0


def _verify(names: Sequence[str], *, as_json: bool) -> int:
    from psmacore.cli.options import write_json
    from psmacore.errors import ModelError
    from psmacore.registry.catalog import broken_models, find_model, list_models
    from psmacore.registry.verify import verify

    faults: dict[str, str] = {}
    states: dict[str, str] = {}
    models = [find_model(name) for name in names] if names else list(list_models())
    for model in models:
        try:
            verify(model)
            states[model.manifest.name] = "verified" if model.has_weights else _state(model)
        except ModelError as error:
            faults[model.manifest.name] = str(error)
    if not names:
        faults.update((broken.name, broken.reason) for broken in broken_models())
    checked = sorted({*states, *faults})
    if as_json:
        write_json({"models": [{"name": name, "fault": faults.get(name)} for name in checked]})
    else:
        for name in checked:
            print(f"{name}: {faults.get(name) or states[name]}")
    return UNFIT if faults else 0


def _import(arguments: argparse.Namespace) -> int:
    from psmacore.cli.options import write_json

    model = import_model(arguments)
    if arguments.json:
        write_json(_entry(model))
    else:
        print(f"{model.manifest.name}: imported into {model.folder}, {_state(model)}")
    return 0


def _entry(model: ModelFolder) -> dict[str, object]:
    manifest = model.manifest
    return {
        "name": manifest.name,
        "task": str(manifest.task),
        "tracer": _tracer(model),
        "weights_sha256": manifest.weights_sha256,
        "licence": manifest.licence,
        "version": manifest.version,
        "family": manifest.family,
        "is_simulation_trained": model.is_simulation_trained,
        "has_weights": model.has_weights,
        "folder": str(Path(model.folder).resolve()),
    }


def _tracer(model: ModelFolder) -> str | None:
    return "+".join(model.manifest.validity.tracers) or None


def _state(model: ModelFolder) -> str:
    if model.manifest.weights_sha256 is None:
        return "recipe, no weights"
    if not model.has_weights:
        return "WEIGHTS MISSING"
    return "trained on simulation, not for clinical use" if model.is_simulation_trained else "trained"
