"""A received file to what the index keeps of it: identity, digest, where its pixels lie, metadata."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom import FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian

from web_bridge.errors import FailureReason, InstanceRefusedError
from web_bridge.store.dicom_json import DEFER_BYTES, DicomJson, dataset_to_json, number_value, raw_element, text_value
from web_bridge.uids import is_uid

PIXEL_DATA = 0x7FE00010
_PIXEL_TAGS = (0x7FE00008, 0x7FE00009, PIXEL_DATA)
_UNDEFINED_LENGTH = 0xFFFFFFFF
_DIGEST_CHUNK = 1 << 20


@dataclass(frozen=True)
class ParsedInstance:
    """One DICOM instance as the index keeps it.

    Parameters
    ----------
    digest : str
        SHA-256 of transfer syntax and data set: the file without preamble and file meta information.
    pixel_offset : int or None
        Where (7FE0,0010) Pixel Data begins in the file, in bytes; ``None`` where there is none, or
        where the file is deflated.
    pixel_length : int or None
        Its length in bytes; -1 where it is encapsulated.
    metadata : DicomJson
        All attributes, with marks in place of bulk data.
    """

    study_uid: str
    series_uid: str
    sop_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    digest: str
    size: int
    pixel_offset: int | None
    pixel_length: int | None
    metadata: DicomJson


def parse_file(path: Path) -> ParsedInstance:
    """Read one DICOM file without its bulk data.

    Raises
    ------
    InstanceRefusedError
        If the file is no DICOM, lacks one of its four UIDs, or is shorter than it declares.
    """
    with pydicom.config.disable_value_validation():  # bytes are kept as received; judging values is the reader's task
        return _parse(path)


def _parse(path: Path) -> ParsedInstance:
    dataset = _read(path)
    identity = _identity(dataset)
    size = path.stat().st_size
    syntax = str(dataset.file_meta.get("TransferSyntaxUID", ""))
    deflated = syntax == DeflatedExplicitVRLittleEndian
    if not deflated:
        _require_complete(dataset, size, identity)
    pixels = None if deflated else _pixel_place(dataset)
    metadata = dataset_to_json(dataset)
    _require_pixels(metadata, pixels, deflated=deflated, identity=identity)
    return ParsedInstance(
        study_uid=identity.study_uid,
        series_uid=identity.series_uid,
        sop_uid=identity.sop_uid,
        sop_class_uid=identity.sop_class_uid,
        transfer_syntax_uid=syntax,
        digest=_digest(path, syntax),
        size=size,
        pixel_offset=pixels[0] if pixels else None,
        pixel_length=pixels[1] if pixels else None,
        metadata=metadata,
    )


@dataclass(frozen=True)
class _Identity:
    study_uid: str
    series_uid: str
    sop_uid: str
    sop_class_uid: str

    def refuse(self, message: str) -> InstanceRefusedError:
        return InstanceRefusedError(
            message,
            reason=FailureReason.CANNOT_UNDERSTAND,
            sop_class_uid=self.sop_class_uid,
            sop_instance_uid=self.sop_uid,
        )


def _read(path: Path) -> FileDataset:
    try:
        dataset = pydicom.dcmread(path, defer_size=DEFER_BYTES)
    except InvalidDicomError as error:
        raise InstanceRefusedError(
            "the part is not a DICOM file (PS3.10): no DICM prefix", reason=FailureReason.CANNOT_UNDERSTAND
        ) from error
    except (EOFError, OSError, ValueError, KeyError, TypeError, NotImplementedError, AttributeError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk, not the file
        raise InstanceRefusedError(
            f"the part cannot be read as DICOM: {type(error).__name__}", reason=FailureReason.CANNOT_UNDERSTAND
        ) from error
    if not dataset.file_meta.get("TransferSyntaxUID"):
        raise InstanceRefusedError("(0002,0010) Transfer Syntax UID is absent", reason=FailureReason.CANNOT_UNDERSTAND)
    return dataset


def _identity(dataset: FileDataset) -> _Identity:
    values: dict[str, str] = {}
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"):
        value = str(dataset.get(keyword, "") or "")
        if not is_uid(value):
            raise InstanceRefusedError(
                f"{keyword} is {'absent' if not value else 'not a UID'}",
                reason=FailureReason.CANNOT_UNDERSTAND,
            )
        values[keyword] = value
    return _Identity(
        values["StudyInstanceUID"], values["SeriesInstanceUID"], values["SOPInstanceUID"], values["SOPClassUID"]
    )


def _require_complete(dataset: FileDataset, size: int, identity: _Identity) -> None:
    for tag in tuple(dataset.keys()):  # the data set itself would read what it yields
        raw = raw_element(dataset, tag)
        if raw is None or raw.length == _UNDEFINED_LENGTH:
            continue
        held = raw.length if raw.value is None else len(raw.value)
        if raw.value_tell + raw.length > size or held < raw.length:
            raise identity.refuse(
                f"truncated: ({tag.group:04X},{tag.element:04X}) declares {raw.length} bytes, "
                f"the file ends {max(raw.value_tell + raw.length - size, 0)} bytes too early"
            )


def _pixel_place(dataset: FileDataset) -> tuple[int, int] | None:
    for tag in _PIXEL_TAGS:
        if tag in dataset:
            raw = raw_element(dataset, tag)
            if raw is not None:
                return raw.value_tell, -1 if raw.length == _UNDEFINED_LENGTH else raw.length
    return None


def _require_pixels(
    metadata: DicomJson, pixels: tuple[int, int] | None, *, deflated: bool, identity: _Identity
) -> None:
    rows, columns = number_value(metadata, "00280010"), number_value(metadata, "00280011")
    bits = number_value(metadata, "00280100")
    if deflated or not rows or not columns or not bits:
        return
    if pixels is None:
        raise identity.refuse("truncated: Rows and Columns are present, (7FE0,0010) Pixel Data is not")
    if pixels[1] < 0:
        return
    samples = number_value(metadata, "00280002") or 1
    n_frames = number_value(metadata, "00280008") or 1
    n_bits = rows * columns * samples * n_frames * bits
    if text_value(metadata, "00280004") == "YBR_FULL_422":
        n_bits = n_bits * 2 // 3  # two chrominance samples for two pixels (PS3.3 C.7.6.3.1.2)
    if pixels[1] < (n_bits + 7) // 8:
        raise identity.refuse(
            f"truncated: (7FE0,0010) Pixel Data holds {pixels[1]} bytes, Rows, Columns and frames need "
            f"{(n_bits + 7) // 8}"
        )


def _digest(path: Path, syntax: str) -> str:
    digest = hashlib.sha256(syntax.encode("ascii", "replace"))
    with path.open("rb") as file:
        pydicom.filereader.read_preamble(file, force=False)
        pydicom.filereader._read_file_meta_info(file)
        while chunk := file.read(_DIGEST_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def is_native_little_endian(transfer_syntax_uid: str) -> bool:
    """Return whether pixels lie in the file as they are sent: uncompressed, little endian, not deflated."""
    uid = pydicom.uid.UID(transfer_syntax_uid)
    if uid in (ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian):
        return False
    return uid.is_transfer_syntax and not uid.is_compressed
