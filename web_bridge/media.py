"""Accept and Content-Type headers to what they ask for (RFC 9110 12.5.1, DICOM PS3.18 8.7)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_LIST = re.compile(r'\s*((?:"(?:[^"\\]|\\.)*"|[^",])+)')
_PARAMETER = re.compile(r';\s*([^\s=;]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')

EXPLICIT_LE = "1.2.840.10008.1.2.1"
ANY = "*"


@dataclass(frozen=True)
class MediaType:
    """One media type or range; names in lower case, parameters without quotes."""

    name: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def inner(self) -> str:
        """The ``type`` parameter of ``multipart/related``: what its parts are; empty where absent."""
        return self.parameters.get("type", "").lower()

    @property
    def transfer_syntax(self) -> str | None:
        """The ``transfer-syntax`` parameter; ``*`` means as stored."""
        return self.parameters.get("transfer-syntax")

    @property
    def quality(self) -> float:
        """The ``q`` parameter; 1 where absent or malformed."""
        try:
            return float(self.parameters.get("q", "1"))
        except ValueError:
            return 1.0


def parse_media_type(text: str) -> MediaType:
    """Return one media type with its parameters."""
    name, _, rest = text.partition(";")
    found = _PARAMETER.findall(f";{rest}")
    return MediaType(name.strip().lower(), {key.lower(): value.strip().strip('"') for key, value in found})


def parse_accept(headers: Sequence[str]) -> tuple[MediaType, ...]:
    """Return the ranges that a client accepts, most wanted first; ``*/*`` where it names none."""
    items = [parse_media_type(item) for header in headers for item in _LIST.findall(header) if item.strip()]
    wanted = sorted((item for item in items if item.quality > 0), key=lambda item: -item.quality)
    return tuple(wanted) or (MediaType("*/*"),)


def accepts_json(accepted: Sequence[MediaType]) -> bool:
    """Return whether DICOM JSON may be sent."""
    names = {item.name for item in accepted}
    return bool(names & {"application/dicom+json", "application/json", "application/*", "*/*"})


# PS3.18 Table 8.7.3-5 and those of later supplements (HTJ2K: Sup 235)
_COMPRESSED_MEDIA_TYPES = {
    "1.2.840.10008.1.2.5": "image/dicom-rle",
    "1.2.840.10008.1.2.4.50": "image/jpeg",
    "1.2.840.10008.1.2.4.51": "image/jpeg",
    "1.2.840.10008.1.2.4.57": "image/jpeg",
    "1.2.840.10008.1.2.4.70": "image/jpeg",
    "1.2.840.10008.1.2.4.80": "image/jls",
    "1.2.840.10008.1.2.4.81": "image/jls",
    "1.2.840.10008.1.2.4.90": "image/jp2",
    "1.2.840.10008.1.2.4.91": "image/jp2",
    "1.2.840.10008.1.2.4.201": "image/jphc",
    "1.2.840.10008.1.2.4.202": "image/jphc",
    "1.2.840.10008.1.2.4.203": "image/jphc",
}


def media_type_of(transfer_syntax_uid: str) -> str:
    """Return the media type of one frame in a transfer syntax."""
    return _COMPRESSED_MEDIA_TYPES.get(transfer_syntax_uid, "application/octet-stream")
