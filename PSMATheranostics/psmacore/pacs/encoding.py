"""Search parameters to a query string that servers read which do not decode one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import requests
from dicomweb_client.web import DICOMwebClient

PLAIN_SIGNS = "-._~*?/:@!$'()"  # RFC 3986 3.4, without those that servers take for separators


def query_string(parameters: Mapping[str, object]) -> str:
    """Return ``?key=value&…``, a key repeated for each value of a list, nothing encoded that need not be."""
    pairs = [
        (key, value)
        for key, values in parameters.items()
        for value in (values if isinstance(values, list | tuple | set) else [values])
    ]
    return "?" + "&".join(f"{key}={quote(str(value), safe=PLAIN_SIGNS)}" for key, value in pairs) if pairs else ""


class PlainQueryClient(DICOMwebClient):
    """dicomweb-client with query strings that hold ``*`` as it is.

    It encodes ``*`` as ``%2A``; Orthanc's DICOMweb plugin 1.7 does not decode that and finds nothing.
    """

    def _http_get(
        self,
        url: str,
        params: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        stream: bool = False,
    ) -> requests.Response:
        return super()._http_get(url + query_string(params or {}), None, headers, stream)
