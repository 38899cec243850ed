"""Scaling of the stored PET values to a Real World Value Map that gives SUVbw, slice by slice where slopes differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from highdicom.pm import RealWorldValueMapping
from highdicom.sr import CodeContentItem
from pydicom.dataset import Dataset
from pydicom.uid import RealWorldValueMappingStorage

from psmacore.dicom.codes import MEASUREMENT_METHOD, SUV_BW, SUV_BW_METHOD, SUV_UNIT, concept
from psmacore.dicom.publishing import Publication, PublishedSeries, reference_to, save
from psmacore.model.volumes import PetVolume

_Groups = dict[tuple[float, float, int, int], list[Dataset]]


def write_rwvm(publication: Publication, pet: PetVolume, factors: Sequence[float | None], path: Path) -> Dataset:
    """Write the Real World Value Map from stored values to SUVbw in g/ml.

    Images with the same factor share an item of the Referenced Image Real World Value Mapping
    Sequence; where slopes differ by slice there are as many items as slopes.

    Parameters
    ----------
    factors : sequence of float or None
        One for each slice k, from the PET value in the header's unit to SUVbw, as ``suvbw_per_value``
        gives them; an image whose factor is unknown is not mapped.

    Returns
    -------
    Dataset
        The object as written.

    References
    ----------
    DICOM PS3.3 A.46 (Real World Value Mapping IOD), C.7.6.16.2.11; units CID 85, quantity CID 7180.
    """
    groups: _Groups = defaultdict(list)
    for image, frame, factor in zip(publication.sources.images, pet.acquisition.frames, factors, strict=True):
        if factor is not None:
            groups[frame.slope * factor, frame.intercept * factor, *_stored_range(image)].append(image)
    made = publication.new_object(RealWorldValueMappingStorage, "RWV")
    made.ContentDate = ""
    publication.name_body_part(made)
    made.ContentLabel = "SUVBW"
    made.ContentDescription = "Stored PET values to SUVbw, g/ml"
    made.ContentCreatorName = publication.reader
    made.ReferencedImageRealWorldValueMappingSequence = [_item(key, images) for key, images in groups.items()]
    made.ReferencedSeriesSequence = [_series_reference(publication, groups)]
    publication.finish(made, PublishedSeries.RWVM, "PET to SUVbw")
    save(made, path)
    return made


def _item(key: tuple[float, float, int, int], images: list[Dataset]) -> Dataset:
    slope, intercept, first, last = key
    mapping = RealWorldValueMapping(
        lut_label="SUVBW",
        lut_explanation="Standardized Uptake Value by body weight",
        unit=concept(SUV_UNIT),
        value_range=(first, last),
        slope=slope,
        intercept=intercept,
        quantity_definition=concept(SUV_BW),
    )
    method = CodeContentItem(name=concept(MEASUREMENT_METHOD), value=concept(SUV_BW_METHOD))
    mapping.QuantityDefinitionSequence.append(method)
    for keyword in ("RealWorldValueFirstValueMapped", "RealWorldValueLastValueMapped"):
        mapping[keyword].VR = "SS" if images[0].PixelRepresentation else "US"
    item = Dataset()
    item.RealWorldValueMappingSequence = [mapping]
    item.ReferencedImageSequence = [reference_to(image) for image in images]
    return item


def _series_reference(publication: Publication, groups: _Groups) -> Dataset:
    """Return the Common Instance Reference item of the images that are mapped (PS3.3 C.12.2)."""
    item = Dataset()
    item.SeriesInstanceUID = publication.sources.series_uid
    item.ReferencedInstanceSequence = [reference_to(image) for images in groups.values() for image in images]
    return item


def _stored_range(image: Dataset) -> tuple[int, int]:
    """Return the least and greatest value that the image's pixels can hold (PS3.5 8.2)."""
    bits = int(image.BitsStored)
    if image.PixelRepresentation:
        return -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    return 0, (1 << bits) - 1
