"""nnU-Net's prints and warnings to this program's log."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Iterator

logger = logging.getLogger(__name__)

# Never read while a model runs; without them nnU-Net complains when it is imported.
_FOLDERS = ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Keep nnU-Net from writing to standard output, which belongs to the job's events, and from warning.

    What it prints is logged at level debug.
    """
    for name in _FOLDERS:
        os.environ.setdefault(name, os.devnull)
    told = io.StringIO()
    try:
        with contextlib.redirect_stdout(told), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for line in filter(None, map(str.strip, told.getvalue().splitlines())):
            logger.debug("nnU-Net: %s", line)
