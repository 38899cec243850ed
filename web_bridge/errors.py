"""The exceptions of the bridge; ``web_bridge.app`` maps each of them to one HTTP status.

::

    PsmaError
    └── BridgeError
        ├── BadRequestError            400  the request breaks DICOM PS3.18
        │   └── MultipartError         400  the multipart body is malformed or ends half way
        ├── ForbiddenError             403  foreign host name or origin
        ├── NotFoundError              404  no such study, series, instance, frame or page
        ├── NotAcceptableError         406  nothing that the client accepts can be sent
        ├── UnsupportedMediaError      415  the body is not of a type that can be stored
        ├── StoreFullError             507  the disk has no room
        ├── InstanceRefusedError            one instance of a store request; carries its failure reason
        ├── StoreLockedError                another process serves this folder
        └── ViewerUnavailableError          the web viewer cannot be fetched
"""

from __future__ import annotations

from enum import IntEnum

from psmacore.errors import PsmaError


class BridgeError(PsmaError):
    """Root of the errors that the bridge raises on purpose."""


class BadRequestError(BridgeError):
    """The request breaks DICOM PS3.18."""


class MultipartError(BadRequestError):
    """The multipart body is malformed or ends before its closing boundary."""


class ForbiddenError(BridgeError):
    """The request names a foreign host, or comes from a foreign page."""


class NotFoundError(BridgeError):
    """No such study, series, instance, frame or page."""


class NotAcceptableError(BridgeError):
    """Nothing that the client accepts can be sent."""


class UnsupportedMediaError(BridgeError):
    """The body is not of a type that can be stored."""


class StoreFullError(BridgeError):
    """The disk that holds the store has no room."""


class FailureReason(IntEnum):
    """Values of (0008,1197) Failure Reason that the store gives (DICOM PS3.4 B.2.3, PS3.18 I.2.2)."""

    PROCESSING_FAILURE = 0x0110
    DUPLICATE_SOP_INSTANCE = 0x0111
    DATA_SET_DOES_NOT_MATCH = 0xA900
    CANNOT_UNDERSTAND = 0xC000


class InstanceRefusedError(BridgeError):
    """One instance of a store request cannot be kept.

    Parameters
    ----------
    message : str
        Why, without anything that identifies the patient.
    reason : FailureReason
        What (0008,1197) Failure Reason says.
    sop_class_uid, sop_instance_uid : str
        Of the instance; empty where the part is no DICOM at all.
    """

    def __init__(
        self, message: str, *, reason: FailureReason, sop_class_uid: str = "", sop_instance_uid: str = ""
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.sop_class_uid = sop_class_uid
        self.sop_instance_uid = sop_instance_uid


class StoreLockedError(BridgeError):
    """Another process serves this folder."""

    exit_code = 2


class ViewerUnavailableError(BridgeError):
    """The web viewer cannot be fetched; the message says what to install."""
