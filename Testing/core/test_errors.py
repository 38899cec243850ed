"""Errors name what was met and carry the exit code of the contract."""

from __future__ import annotations

import pytest

from psmacore import errors


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.PsmaError, 1),
        (errors.UsageError, 2),
        (errors.DicomInputError, 3),
        (errors.GeometryError, 3),
        (errors.StudyContentError, 3),
        (errors.PacsConnectionError, 4),
        (errors.PacsAccessError, 4),
        (errors.PacsTransferError, 4),
        (errors.ModelMissingError, 5),
        (errors.ModelUnfitError, 5),
    ],
)
def test_each_error_means_one_exit_code(kind: type[errors.PsmaError], code: int) -> None:
    assert kind.exit_code == code


def test_a_dicom_error_names_tag_value_and_place() -> None:
    error = errors.DicomInputError(
        "must be above 0 kg", tag=0x00101030, keyword="Patient's Weight", value=0.0, where="series 1.2.3"
    )
    assert str(error) == "(0010,1030) Patient's Weight: must be above 0 kg [value met: 0.0] in series 1.2.3"


def test_a_missing_attribute_is_said_to_be_absent() -> None:
    error = errors.DicomInputError("is needed", tag=0x00181075, keyword="Radionuclide Half Life")
    assert "[value met: absent]" in str(error)
