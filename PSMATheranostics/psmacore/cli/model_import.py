"""``psma models import``: what the user says of a result folder, to the model that is made of it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psmacore.registry.catalog import ModelFolder

TASKS = ("organs", "lesions")
TRACERS = ("psma", "fdg", "any")


def add_import_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``psma models import``."""
    parser.add_argument("folder", metavar="DIR", type=Path, help="with plans.json, dataset.json and fold_*/checkpoint")
    parser.add_argument("--name", help="of the model; by default of its publisher or data set")
    parser.add_argument("--licence", metavar="TEXT", help="of the weights, as their publisher states it; needed")
    parser.add_argument("--task", choices=TASKS, help="needed where neither publisher nor labels tell it")
    parser.add_argument("--tracer", choices=TRACERS, help="that it was trained for; needed by models that read PET")
    parser.add_argument("--channels", metavar="LIST", help="ct,pet or pet,ct where dataset.json does not tell it")
    parser.add_argument(
        "--lesion-label", metavar="NAME", action="append", help="a label that is lesion, where names do not tell it"
    )
    parser.add_argument("--folds", metavar="LIST", help="for example 0,1; all by default")
    parser.add_argument("--configuration", metavar="NAME", help="where several were trained, for example 3d_fullres")
    parser.add_argument("--checkpoint", choices=("final", "best"), help="final where there is one, by default")
    parser.add_argument("--simulated", action="store_true", help="it was trained on simulated patients")


def import_model(arguments: argparse.Namespace) -> ModelFolder:
    """Import the folder that the options name; see :func:`psmacore.registry.nnunet_import.import_nnunet`."""
    from psmacore.registry.manifest import Task
    from psmacore.registry.nnunet_import import import_nnunet
    from psmacore.registry.nnunet_manifest import ANY_TRACER, ImportWishes

    tasks = {"organs": Task.ORGANS, "lesions": Task.LESIONS}
    tracers = {"any": ANY_TRACER}
    return import_nnunet(
        ImportWishes(
            folder=arguments.folder,
            name=arguments.name,
            task=None if arguments.task is None else tasks[arguments.task],
            tracers=None if arguments.tracer is None else tracers.get(arguments.tracer, (arguments.tracer,)),
            licence=arguments.licence,
            channels=_list(arguments.channels),
            lesion_names=arguments.lesion_label,
            folds=_list(arguments.folds),
            configuration=arguments.configuration,
            checkpoint=arguments.checkpoint,
            is_simulated=arguments.simulated,
        )
    )


def _list(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(one.strip() for one in text.split(","))
