"""Python 3.11's counted None to the immortal one that PySide6 6.12 takes it for.

PySide6's functions that return nothing give up a reference to None that they never took, and its ``isinstance`` of
signals one to False. Since Python 3.12 that is without effect; before, the process dies after some 10,000 calls with
"deallocating None".
"""

from __future__ import annotations

import ctypes
import sys

ENOUGH = 1 << 40


def make_immortal() -> None:
    """Give the constants more references than any program can lose."""
    if sys.version_info < (3, 12):
        for constant in (None, True, False, NotImplemented):
            ctypes.c_ssize_t.from_address(id(constant)).value += ENOUGH
