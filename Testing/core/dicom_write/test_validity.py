"""What is written is judged as strictly as the standard, though reading is lenient (W90)."""

from __future__ import annotations

from typing import Any

import pytest
from pydicom import config
from pydicom.dataset import Dataset
from pydicom.valuerep import DSfloat

from psmacore.dicom import headers
from psmacore.dicom.validity import require_valid
from psmacore.errors import UsageError


def nested(keyword: str, value: Any) -> Dataset:
    """Return an object with the attribute two levels down."""
    inner, outer, made = Dataset(), Dataset(), Dataset()
    setattr(inner, keyword, value)
    outer.ContentSequence = [inner]
    made.ContentSequence = [outer]
    return made


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("AccessionNumber", "17 characters ...."),
        ("SegmentLabel", "x" * 65),
        ("Modality", "lower case"),
        ("ContentDate", "20261399"),
        ("ContentTime", "09:30:00"),
        ("TrackingUID", "1.02.3"),
        ("ContentCreatorName", "x" * 65),
        ("ReferencedSegmentNumber", 70000),
        ("ImageType", ["DERIVED", "not allowed"]),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_its_attribute(keyword: str, value: Any) -> None:
    assert config.settings.reading_validation_mode == headers.config.IGNORE
    with pytest.raises(UsageError, match=keyword):
        require_valid(nested(keyword, value), copied_tags=(), copied_uids=())


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("AccessionNumber", ""),
        ("SegmentLabel", "x" * 64),
        ("ContentDate", "20261231"),
        ("ContentTime", "093000.123456"),
        ("TrackingUID", "2.25.1"),
        ("NumericValue", "1.23456789012e-4"),
        ("FloatingPointValue", 0.1),
        ("FloatingPointValue", DSfloat("4.07283")),
        ("ImageType", ["DERIVED", "PRIMARY"]),
    ],
)
def test_a_value_that_fits_passes(keyword: str, value: Any) -> None:
    made = nested(keyword, value)
    require_valid(made, copied_tags=(), copied_uids=())
    assert made == nested(keyword, value)


def test_what_scanners_wrote_passes_as_it_is() -> None:
    made = nested("ReferencedSOPInstanceUID", "1.02.3")
    made.PatientSex = "unknown"
    require_valid(made, copied_tags={0x00100040}, copied_uids={"1.02.3"})
    with pytest.raises(UsageError, match="PatientSex"):
        require_valid(made, copied_tags=(), copied_uids={"1.02.3"})
