"""Real World Value Map: stored values times its slopes are the SUV that was measured, slice by slice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from psmacore.dicom.publication import PublishedFiles
from psmacore.dicom.suv_scaling import suvbw_per_value
from psmacore.errors import DicomInputError, GeometryError, UsageError
from psmacore.model.geometry import Geometry
from psmacore.model.suv import Override
from psmacore.model.volumes import PetVolume, SuvVolume
from psmacore.suv.convert import to_suv
from Testing.core.dicom_write.simulated_pet import PetRecipe, Result, a_volume, analysed, scattered_labels
from Testing.core.dicom_write.validators import object_errors

SHAPE = (6, 16, 18)


def mapped(rwvm: Dataset, pet: PetVolume) -> NDArray[np.float64]:
    """Apply the map to the stored values, image by image, as a viewer does."""
    slices = {}
    for item in rwvm.ReferencedImageRealWorldValueMappingSequence:
        (mapping,) = item.RealWorldValueMappingSequence
        for reference in item.ReferencedImageSequence:
            slices[reference.ReferencedSOPInstanceUID] = mapping
    volume = []
    for instance in pet.header.instances:
        stored, mapping = pydicom.dcmread(instance.path).pixel_array, slices[instance.sop_instance_uid]
        assert mapping.RealWorldValueFirstValueMapped <= stored.min()
        assert mapping.RealWorldValueLastValueMapped >= stored.max()
        volume.append(stored * mapping.RealWorldValueSlope + mapping.RealWorldValueIntercept)
    return np.stack(volume)


def test_map_gives_the_measured_suv_though_slopes_differ(a_result: Result, a_publication: PublishedFiles) -> None:
    rwvm = pydicom.dcmread(a_publication.rwvm)
    assert len(rwvm.ReferencedImageRealWorldValueMappingSequence) == len(a_result.pet.header.instances)
    np.testing.assert_allclose(mapped(rwvm, a_result.pet), a_result.suv.values, rtol=1e-6)


@pytest.mark.slow
def test_map_of_a_real_series_gives_the_measured_suv(a_real_result: Result, a_real_publication: PublishedFiles) -> None:
    rwvm = pydicom.dcmread(a_real_publication.rwvm)
    np.testing.assert_allclose(mapped(rwvm, a_real_result.pet), a_real_result.suv.values, rtol=1e-6)


@pytest.mark.parametrize(
    "recipe",
    [
        PetRecipe(SHAPE, decay_correction="ADMIN"),
        PetRecipe(SHAPE, decay_correction="NONE", corrected=("ATTN",)),
        PetRecipe(SHAPE, units="GML", suv_type="BW"),
        PetRecipe(SHAPE, units="GML", suv_type="LBM"),
        PetRecipe(SHAPE, units="CM2ML", suv_type="BSA"),
        PetRecipe(SHAPE, units="CNTS", philips_factors=(0.000123, 0.7)),
        PetRecipe(SHAPE, units="CNTS", philips_factors=(0.0, 0.7)),
    ],
    ids=lambda recipe: f"{recipe.units}-{recipe.suv_type}-{recipe.decay_correction}-{recipe.philips_factors}",
)
def test_every_unit_maps_to_the_suv_that_was_measured(tmp_path: Path, recipe: PetRecipe) -> None:
    result = analysed(a_volume(tmp_path / "pet", recipe), scattered_labels(SHAPE, 3))
    rwvm = pydicom.dcmread(result.write(tmp_path / "out").rwvm)
    np.testing.assert_allclose(mapped(rwvm, result.pet), result.suv.values, rtol=1e-6)


@pytest.mark.slow
def test_factor_of_a_series_is_the_derived_one(a_real_result: Result) -> None:
    """Real GE series: 2.429029766e-4 g/Bq, from voxels alone, the same for every slice."""
    (factor,) = set(suvbw_per_value(a_real_result.pet, a_real_result.suv))
    assert factor == pytest.approx(a_real_result.suv.derivation.factor_g_per_bq, rel=1e-7)


def test_suv_stored_as_such_is_mapped_by_its_own_slope(tmp_path: Path) -> None:
    pet = a_volume(tmp_path, PetRecipe(SHAPE, units="GML", suv_type="BW"))
    assert suvbw_per_value(pet, to_suv(pet)) == (1.0,) * SHAPE[0]


def test_overrides_are_followed_where_suv_is_stored(tmp_path: Path) -> None:
    pet = a_volume(tmp_path, PetRecipe(SHAPE, units="GML", suv_type="BW"))
    suv = to_suv(pet, (Override("weight_kg", "77", None, "Reader^One"),))
    np.testing.assert_allclose(np.array(suvbw_per_value(pet, suv)), 1.1, rtol=1e-6)


def with_a_factor_of_its_own_per_slice(pet: PetVolume, step: float) -> SuvVolume:
    """Return SUV whose factor grows by ``step`` from slice to slice."""
    suv = to_suv(pet)
    factors = 2.5e-4 * (1.0 + step * np.arange(pet.geometry.shape[0]))
    return replace(suv, values=(pet.values * factors[:, None, None]).astype(np.float32))


def test_factor_of_each_slice_is_found_among_noise_of_rounding(tmp_path: Path) -> None:
    pet = a_volume(tmp_path, PetRecipe(SHAPE))
    factors = suvbw_per_value(pet, with_a_factor_of_its_own_per_slice(pet, 0.01))
    np.testing.assert_allclose(np.array(factors, dtype=float), 2.5e-4 * (1 + 0.01 * np.arange(SHAPE[0])), rtol=1e-7)


def with_empty_slices(folder: Path, **recipe: Any) -> PetVolume:
    """Return a volume whose two lowest slices hold nothing but zeros."""
    stored = np.random.default_rng(1).integers(1, 9000, SHAPE).astype(np.int16)
    stored[:2] = 0
    return a_volume(folder, PetRecipe(SHAPE, **recipe), stored)


def test_an_empty_slice_has_the_factor_that_the_whole_series_has(tmp_path: Path) -> None:
    pet = with_empty_slices(tmp_path)
    assert len(set(suvbw_per_value(pet, to_suv(pet)))) == 1


def test_an_empty_slice_is_not_mapped_where_each_slice_has_its_own_factor(tmp_path: Path) -> None:
    """Its factor is not known, and none is made up."""
    pet = with_empty_slices(tmp_path / "pet")
    suv = with_a_factor_of_its_own_per_slice(pet, 0.01)
    factors = suvbw_per_value(pet, suv)
    assert factors[:2] == (None, None)
    assert None not in factors[2:]
    result = replace(analysed(pet, scattered_labels(SHAPE, 3)), suv=suv)
    written = result.write(tmp_path / "out")
    assert object_errors(written.rwvm) == []
    rwvm = pydicom.dcmread(written.rwvm)
    referenced = [
        reference.ReferencedSOPInstanceUID
        for item in rwvm.ReferencedImageRealWorldValueMappingSequence
        for reference in item.ReferencedImageSequence
    ]
    assert referenced == [instance.sop_instance_uid for instance in pet.header.instances[2:]]
    assert len(rwvm.ReferencedSeriesSequence[0].ReferencedInstanceSequence) == len(referenced)


def test_an_empty_series_is_refused(tmp_path: Path) -> None:
    pet = a_volume(tmp_path, PetRecipe(SHAPE), np.zeros(SHAPE, dtype=np.int16))
    with pytest.raises(DicomInputError, match="every voxel is 0"):
        suvbw_per_value(pet, to_suv(pet))


@pytest.mark.parametrize("other", ["another measurement", "nothing", "not a number", "a hot voxel"])
def test_suv_that_was_not_measured_on_the_pet_is_refused(tmp_path: Path, other: str) -> None:
    pet = a_volume(tmp_path, PetRecipe(SHAPE))
    suv = to_suv(pet)
    values = {
        "another measurement": suv.values[::-1].copy(),
        "nothing": np.zeros_like(suv.values),
        "not a number": suv.values * np.float32(np.nan),
        "a hot voxel": suv.values.copy(),
    }[other]
    if other == "a hot voxel":
        values[2, 3, 4] += 1.0
    with pytest.raises(DicomInputError, match="not measured on these PET values"):
        suvbw_per_value(pet, replace(suv, values=values))


def test_suv_on_another_grid_is_refused(tmp_path: Path) -> None:
    pet = a_volume(tmp_path, PetRecipe(SHAPE, units="GML"))
    suv = to_suv(pet)
    matrix = pet.geometry.lps_from_ijk.copy()
    matrix[0, 3] += 5.0
    with pytest.raises(GeometryError, match="one grid"):
        suvbw_per_value(pet, replace(suv, geometry=Geometry(pet.geometry.shape, matrix)))


def test_a_time_point_of_another_suv_is_refused(a_result: Result, tmp_path: Path) -> None:
    """The numbers of the report and the map of the images must have one basis."""
    other = to_suv(a_result.pet, (Override("weight_kg", "77", None, "Reader^One"),))
    with pytest.raises(UsageError, match="another SUV"):
        replace(a_result, suv=other).write(tmp_path)


def test_map_names_unit_quantity_and_label(a_publication: PublishedFiles) -> None:
    rwvm = pydicom.dcmread(a_publication.rwvm)
    assert rwvm.Modality == "RWV"
    mapping = rwvm.ReferencedImageRealWorldValueMappingSequence[0].RealWorldValueMappingSequence[0]
    unit = mapping.MeasurementUnitsCodeSequence[0]
    assert (unit.CodeValue, unit.CodingSchemeDesignator, mapping.LUTLabel) == ("g/ml{SUVbw}", "UCUM", "SUVBW")
    quantity = mapping.QuantityDefinitionSequence[0]
    assert quantity.ConceptNameCodeSequence[0].CodeValue == "246205007"
    assert quantity.ConceptCodeSequence[0].CodeValue == "126401"
    assert (mapping.RealWorldValueFirstValueMapped, mapping.RealWorldValueLastValueMapped) == (-32768, 32767)
    assert mapping["RealWorldValueFirstValueMapped"].VR == "SS"
