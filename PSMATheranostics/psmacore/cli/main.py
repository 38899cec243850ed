"""The arguments of ``psma`` to one command, and its errors to exit codes."""

from __future__ import annotations

import argparse
import importlib
import logging
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from psmacore import __version__
from psmacore.errors import CancelledError, PsmaError

COMMANDS = ("setup", "analyse", "suv", "phantom", "demo", "serve", "models", "train", "evaluate", "bench", "test")
UNEXPECTED = 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="psma",
        description="PSMA theranostics: from a PACS study to a published, measured result. Research use only.",
    )
    parser.add_argument("--version", action="version", version=f"psma {__version__}")
    parser.add_argument("-v", "--verbose", action="store_true", help="log what is done to stderr")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        importlib.import_module(f"psmacore.cli.{name}").add_parser(subparsers)
    return parser


def _end_on_signal(number: int, _frame: FrameType | None) -> None:
    raise CancelledError(f"ended by signal {signal.Signals(number).name}")


def main(arguments: Sequence[str]) -> int:
    """Run one command.

    Returns
    -------
    int
        0 done; 1 unexpected; 2 usage; 3 input refused; 4 PACS or network; 5 model missing or unfit;
        130 cancelled.
    """
    parser = _parser()
    parsed, others = parser.parse_known_args(list(arguments))
    if parsed.command == "test":
        parsed.pytest_arguments = others
    elif others:
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO if parsed.verbose else logging.WARNING,
        format="%(levelname)s %(name)s: %(message)s",
    )
    signal.signal(signal.SIGTERM, _end_on_signal)
    try:
        command = importlib.import_module(f"psmacore.cli.{parsed.command}")
        return int(command.run(parsed))
    except PsmaError as error:
        sys.stderr.write(f"psma {parsed.command}: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write(f"psma {parsed.command}: cancelled\n")
        return CancelledError.exit_code
    except BrokenPipeError:
        return UNEXPECTED
    except Exception as error:
        logging.getLogger(__name__).info("unexpected error", exc_info=True)
        sys.stderr.write(f"psma {parsed.command}: unexpected {type(error).__name__}: {error} (-v shows where)\n")
        return UNEXPECTED
