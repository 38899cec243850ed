"""A DICOMweb root as the user names it, with this process's environment, to the archive behind it."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from psmacore.errors import UsageError
from psmacore.pacs.client import Pacs
from psmacore.pacs.dicomweb import DicomWebPacs
from psmacore.pacs.session import make_session, without_credentials
from psmacore.pacs.transport import Timeouts

USER = "PSMA_PACS_USER"
PASSWORD = "PSMA_PACS_PASSWORD"  # noqa: S105  (the variable's name)
TIMEOUT_S = "PSMA_PACS_TIMEOUT_S"


def open_archive(url: str, environment: Mapping[str, str] | None = None) -> Pacs:
    """Return the archive of a DICOMweb root.

    Parameters
    ----------
    url : str
        May hold a user and a password, which go before those of the environment.
    environment : mapping of str to str, optional
        By default this process's. ``PSMA_PACS_USER`` and ``PSMA_PACS_PASSWORD`` sign in;
        ``PSMA_PACS_TIMEOUT_S`` is how long to wait for the next bytes, in s (default 60).

    Raises
    ------
    UsageError
        If the URL is none or the time is no positive number.
    """
    without_credentials(url)  # raises where it is none
    known = {**(os.environ if environment is None else environment), **credentials_of(url)}
    session = make_session(url, user=known.get(USER, ""), password=known.get(PASSWORD, ""))
    return DicomWebPacs(url, session=session, timeouts=_timeouts(known.get(TIMEOUT_S, "")))


def credentials_of(url: str) -> dict[str, str]:
    """Return the user and password of a URL as environment for a worker, whose job file must not hold them."""
    parts = urlsplit(url)
    if not parts.username:
        return {}
    return {USER: unquote(parts.username), PASSWORD: unquote(parts.password or "")}


def _timeouts(text: str) -> Timeouts:
    usual = Timeouts()
    if not text:
        return usual
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds > 0):
        raise UsageError(f"{TIMEOUT_S} must be a positive number of seconds, not {text!r}")
    return Timeouts(min(usual.connect_s, seconds), seconds, max(usual.store_s, seconds))
