"""Options of PROMISE on the command line to the rules that a patient is staged by."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psmacore.model.promise import PromiseRules


def add_promise_options(parser: argparse.ArgumentParser) -> None:
    """Add edition, convention and history."""
    group = parser.add_argument_group("PROMISE miTNM")
    group.add_argument("--promise", choices=("V1", "V2"), default="V2", help="edition")
    group.add_argument(
        "--common-iliac",
        choices=("pelvic", "distant"),
        default="pelvic",
        help="common iliac nodes: pelvic as PROMISE has it, distant (M1a) as AJCC 8 has it",
    )
    group.add_argument("--after-prostatectomy", action="store_true", help="local uptake is a recurrence, miTr")


def promise_rules(arguments: argparse.Namespace) -> PromiseRules:
    """Return the rules that the options name."""
    from psmacore.model.promise import CommonIliac, PromiseRules, PromiseVersion

    return PromiseRules(
        PromiseVersion(arguments.promise), CommonIliac(arguments.common_iliac), arguments.after_prostatectomy
    )
