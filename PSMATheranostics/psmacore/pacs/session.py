"""Credentials and certificates to an authenticated HTTP session."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from psmacore.errors import UsageError


class BearerAuth(AuthBase):
    """Puts a bearer token on every request (RFC 6750 2.1).

    Parameters
    ----------
    token : callable
        Returns the token that is valid now; asked for every request, so that it can be renewed.
    """

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Return the request with its Authorization header."""
        request.headers["Authorization"] = f"Bearer {self._token()}"
        return request


def make_session(
    url: str,
    *,
    user: str = "",
    password: str = "",
    token: str | Callable[[], str] | None = None,
    ca_file: Path | None = None,
) -> requests.Session:
    """Return a session for one server.

    Parameters
    ----------
    url : str
        The server's DICOMweb root; a user and password in it count where none are given.
    user, password : str
        For HTTP basic authentication.
    token : str or callable, optional
        Bearer token, or what returns it.
    ca_file : pathlib.Path, optional
        Certificates, PEM, to trust in place of the public authorities: a hospital's own.

    Raises
    ------
    UsageError
        If both kinds of credentials are given or the file is missing.

    Notes
    -----
    Proxies come from the environment, except for this machine itself, which no proxy reaches.
    """
    session = requests.Session()
    parts = urlsplit(url)
    user = user or unquote(parts.username or "")
    password = password or unquote(parts.password or "")
    if token is not None and user:
        raise UsageError("give either a user and password or a token for the PACS, not both")
    if token is not None:
        session.auth = BearerAuth(token if callable(token) else lambda: token)
    elif user:
        session.auth = HTTPBasicAuth(user.encode(), password.encode())
    if ca_file is not None:
        if not ca_file.is_file():
            raise UsageError(f"the certificate file {ca_file} does not exist")
        session.verify = str(ca_file)
    if _is_this_machine(parts.hostname or ""):
        session.trust_env = False
    elif ca_file is not None:  # requests would prefer REQUESTS_CA_BUNDLE to the file named here
        session.proxies = dict(requests.utils.get_environ_proxies(url))
        session.trust_env = False
    return session


def without_credentials(url: str) -> str:
    """Return the URL without user, password, query and last slash: what may be logged.

    Raises
    ------
    UsageError
        If it is no http or https URL.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError("the PACS address is not a URL") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError("the PACS address must begin with http:// or https:// and name a host")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    netloc = host if port is None else f"{host}:{port}"
    return urlunsplit((parts.scheme, netloc, parts.path.rstrip("/"), "", ""))


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
