"""Every object of a time point is conformant, belongs to its study, says its state and keeps names to itself (W90)."""

from __future__ import annotations

import logging
import tracemalloc
import warnings
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from psmacore.dicom.publication import Confirmation, Predecessor, PublishedFiles
from psmacore.dicom.publishing import Publication
from psmacore.dicom.write_seg import write_seg
from psmacore.errors import DicomInputError, GeometryError, UsageError
from psmacore.model.geometry import Geometry
from psmacore.model.lesions import LesionState
from Testing.core.dicom_write.simulated_pet import PetRecipe, Result, a_volume, analysed, scattered_labels
from Testing.core.dicom_write.validators import entity_errors, labels_by_position, object_errors

NAMES = ("rwvm.dcm", "seg.dcm", "seg_union.dcm", "sr.dcm", "sr_display.dcm", "sc.dcm", "report.dcm")


def source_paths(result: Result) -> list[Path]:
    return [instance.path for instance in result.pet.header.instances]


def small_result(folder: Path, **recipe: object) -> Result:
    made = PetRecipe(shape=(6, 16, 18), **recipe)  # type: ignore[arg-type]
    return analysed(a_volume(folder, made), scattered_labels(made.shape, 3))


def change_sources(result: Result, keyword: str, value: str | None) -> None:
    for path in source_paths(result):
        image = pydicom.dcmread(path)
        if value is None:
            del image[keyword]
        else:
            setattr(image, keyword, value)
        image.save_as(path)


def errors_of(published: PublishedFiles) -> dict[str, list[str]]:
    return {path.name: object_errors(path) for path in published.paths}


def test_validators_see_what_is_wrong(a_result: Result, a_publication: PublishedFiles, tmp_path: Path) -> None:
    wrong = pydicom.dcmread(a_publication.sc)
    wrong.PatientID = "somebody else"
    del wrong.ConversionType
    wrong.save_as(tmp_path / "wrong.dcm")
    assert object_errors(tmp_path / "wrong.dcm") != []
    assert entity_errors([*source_paths(a_result), tmp_path / "wrong.dcm"]) != []


def test_every_object_has_its_name_and_no_other_file_stays(a_publication: PublishedFiles) -> None:
    assert [path.name for path in a_publication.paths] == list(NAMES)
    assert sorted(path.name for path in a_publication.sr.parent.iterdir()) == sorted(NAMES)


def test_validator_finds_no_error_in_any_object(a_publication: PublishedFiles) -> None:
    assert errors_of(a_publication) == {name: [] for name in NAMES}


def test_validator_finds_no_error_in_any_confirmed_object(a_confirmed_publication: PublishedFiles) -> None:
    assert errors_of(a_confirmed_publication) == {name: [] for name in NAMES}


def test_objects_agree_with_the_study_they_are_of(a_result: Result, a_publication: PublishedFiles) -> None:
    assert entity_errors([*source_paths(a_result), *a_publication.paths]) == []


@pytest.mark.slow
def test_validator_finds_no_error_in_objects_of_a_real_series(a_real_publication: PublishedFiles) -> None:
    assert errors_of(a_real_publication) == {name: [] for name in NAMES}


@pytest.mark.slow
def test_objects_of_a_real_series_add_no_inconsistency(
    a_real_result: Result, a_real_publication: PublishedFiles
) -> None:
    sources = source_paths(a_real_result)
    assert set(entity_errors([*sources, *a_real_publication.paths])) == set(entity_errors(sources))


@pytest.mark.parametrize("body_part", ["", "EXTREMITY", "KNEE"])
def test_body_part_of_the_source_keeps_objects_conformant(tmp_path: Path, body_part: str) -> None:
    written = small_result(tmp_path / "pet", body_part=body_part).write(tmp_path / "out")
    assert [error for path in written.paths for error in object_errors(path)] == []


def test_patient_and_study_are_those_of_the_source(a_result: Result, a_publication: PublishedFiles) -> None:
    source = pydicom.dcmread(source_paths(a_result)[0], stop_before_pixels=True)
    keywords = (
        *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "PatientAge", "PatientSize", "PatientWeight"),
        *("StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "StudyDescription", "AccessionNumber"),
        "ReferringPhysicianName",
    )
    for path in a_publication.paths:
        made = pydicom.dcmread(path)
        assert [made.get(keyword) for keyword in keywords] == [source.get(keyword) for keyword in keywords], path.name


def test_each_object_opens_its_own_series(
    a_result: Result, a_publication: PublishedFiles, a_confirmed_publication: PublishedFiles
) -> None:
    made = [pydicom.dcmread(path) for path in (*a_publication.paths, *a_confirmed_publication.paths)]
    sources = [pydicom.dcmread(path, stop_before_pixels=True) for path in source_paths(a_result)[:1]]
    for keyword in ("SeriesInstanceUID", "SeriesNumber", "SOPInstanceUID"):
        assert len({dataset[keyword].value for dataset in (*made, *sources)}) == len(made) + 1, keyword


def test_unconfirmed_objects_say_so_and_confirmed_do_not(
    a_publication: PublishedFiles, a_confirmed_publication: PublishedFiles
) -> None:
    for path in a_publication.paths:
        assert pydicom.dcmread(path).SeriesDescription.startswith("AI, unconfirmed: "), path.name
    for path in a_confirmed_publication.paths:
        assert "unconfirmed" not in pydicom.dcmread(path).SeriesDescription, path.name


def test_every_object_names_software_and_algorithm(a_publication: PublishedFiles) -> None:
    for path in a_publication.paths:
        made = pydicom.dcmread(path)
        assert (made.Manufacturer, made.SoftwareVersions) == ("PSMA theranostics", "0.1.0 (abc1234)"), path.name
        algorithms = [
            item
            for item in made.ContributingEquipmentSequence
            if item.PurposeOfReferenceCodeSequence[0].CodeValue == "109102" and item.Manufacturer == made.Manufacturer
        ]
        assert [(item.ManufacturerModelName, item.SoftwareVersions) for item in algorithms] == [("threshold", "1.0")]
        assert "lowest SUVbw 3 g/ml" in algorithms[0].ContributionDescription


def test_no_lesion_gives_a_report_that_stands_alone(a_result: Result, tmp_path: Path) -> None:
    empty = replace(
        a_result.with_lesions(), segmentation=replace(a_result.segmentation, labels=a_result.segmentation.labels * 0)
    )
    written = empty.write(tmp_path)
    assert (written.seg, written.seg_union, written.sr_display) == (None, None, None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.dcm", "rwvm.dcm", "sc.dcm", "sr.dcm"]
    assert [error for path in written.paths for error in object_errors(path)] == []


def test_only_excluded_candidates_give_a_seg_without_a_union(a_result: Result, tmp_path: Path) -> None:
    excluded = [replace(one, state=LesionState.EXCLUDED_CANDIDATE) for one in a_result.timepoint.lesions]
    written = a_result.with_lesions(*excluded).write(tmp_path)
    assert written.seg is not None
    assert (written.seg_union, written.sr_display) == (None, None)


@pytest.mark.parametrize(
    ("name", "character_set"),
    [
        ("Müller^Jörg", "ISO_IR 100"),
        ("Čapek^Žofie", "ISO_IR 192"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", ("", "ISO 2022 IR 87")),
        ("Simulated", "ISO_IR 100"),
    ],
)
def test_names_survive_and_stay_out_of_logs_and_paths(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, character_set: str | tuple[str, ...]
) -> None:
    """W07: no name in any log or path; highdicom would quote a name of one component in a warning."""
    result = small_result(tmp_path / "pet", patient_name=name, character_set=character_set)
    with caplog.at_level(logging.DEBUG):
        written = result.write(tmp_path / "out")
    for path in written.paths:
        assert str(pydicom.dcmread(path).PatientName) == name
        assert name not in path.name
    assert name.split("^")[0] not in caplog.text
    assert result.timepoint.patient.id not in caplog.text


def test_warnings_that_quote_a_name_reach_no_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, a_confirmation: Confirmation
) -> None:
    """W07: pydicom and highdicom quote names that break the rules of PN; neither is given the chance."""
    result = small_result(tmp_path / "pet")
    patient = "Simulatedpatient" * 5
    with pydicom.config.disable_value_validation():
        change_sources(result, "PatientName", patient)
    logging.captureWarnings(True)
    try:
        with caplog.at_level(logging.DEBUG), warnings.catch_warnings():
            warnings.simplefilter("always")
            written = result.write(tmp_path / "out", replace(a_confirmation, reader="Simulatedreader"))
    finally:
        logging.captureWarnings(False)
    assert "Simulated" not in caplog.text
    assert pydicom.dcmread(written.sr).PatientName == patient


@pytest.mark.parametrize(
    ("change", "attribute"),
    [
        ({"reader": "Simulatedreader" * 5}, r"\(0070,0084\) ContentCreatorName"),
        ({"predecessors": (Predecessor("1.2", "1.2.3", "1.2.840.10008.5.1.4.1.1.88.34", "no uid"),)}, "SOPInstanceUID"),
    ],
)
def test_a_value_of_ours_that_breaks_its_representation_is_refused_untold(
    tmp_path: Path, a_confirmation: Confirmation, change: dict[str, Any], attribute: str
) -> None:
    """Reading is lenient in this process; writing is not."""
    result = small_result(tmp_path / "pet")
    with pytest.raises(UsageError, match=attribute) as refused:
        result.write(tmp_path / "out", replace(a_confirmation, **change))
    assert "Simulated" not in str(refused.value)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_number_that_is_none_is_refused(a_result: Result, tmp_path: Path) -> None:
    first, *others = a_result.timepoint.lesions
    broken = a_result.with_lesions(replace(first, suv_peak=float("nan")), *others, totals=a_result.timepoint.totals)
    with pytest.raises(UsageError, match="SUVbw is nan"):
        broken.write(tmp_path)


@pytest.mark.parametrize(("reader", "character_set"), [("Weiß^Änne", "ISO_IR 100"), ("Чехов^Антон", "ISO_IR 192")])
def test_a_reader_of_any_script_is_written_beside_the_patient(
    tmp_path: Path, a_confirmation: Confirmation, reader: str, character_set: str
) -> None:
    result = small_result(tmp_path / "pet", patient_name="Müller^Jörg")
    report = pydicom.dcmread(result.write(tmp_path / "out", replace(a_confirmation, reader=reader)).sr)
    assert report.SpecificCharacterSet == character_set
    assert str(report.VerifyingObserverSequence[0].VerifyingObserverName) == reader
    assert str(report.PatientName) == "Müller^Jörg"


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PatientSex", "U"),
        ("PatientBirthDate", "1950"),
        ("StudyTime", "09:30:00"),
        ("PatientName", None),
        ("SpecificCharacterSet", None),
    ],
)
def test_sloppy_identity_is_published_as_it_is(tmp_path: Path, keyword: str, value: str | None) -> None:
    """Objects must group with their study in the archive, whatever a scanner wrote there."""
    result = small_result(tmp_path / "pet")
    with pydicom.config.disable_value_validation():
        change_sources(result, keyword, value)
    written = result.write(tmp_path / "out")
    assert (pydicom.dcmread(written.sr).get(keyword) or None) == value
    assert set(entity_errors([*source_paths(result), *written.paths])) == set(entity_errors(source_paths(result)))


def test_missing_slice_thickness_is_replaced_by_the_mean_step(tmp_path: Path) -> None:
    result = small_result(tmp_path / "pet")
    change_sources(result, "SliceThickness", None)
    written = result.write(tmp_path / "out")
    assert [error for path in written.paths for error in object_errors(path)] == []
    measures = pydicom.dcmread(written.seg or "").SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert measures.SliceThickness == pytest.approx(result.pet.geometry.spacing_kji_mm[0], rel=1e-5)


def test_images_without_a_frame_of_reference_are_refused(tmp_path: Path) -> None:
    result = small_result(tmp_path / "pet")
    change_sources(result, "FrameOfReferenceUID", None)
    with pytest.raises(DicomInputError, match=r"\(0020,0052\) Frame of Reference UID.*absent"):
        result.write(tmp_path / "out")


def test_a_failure_leaves_an_earlier_publication_as_it_was(tmp_path: Path) -> None:
    result = small_result(tmp_path / "pet")
    result.write(tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    segmenter = replace(result.timepoint.segmenter, name="")
    failing = replace(result, timepoint=replace(result.timepoint, segmenter=segmenter, lesions=()))
    with pytest.raises(UsageError):
        failing.write(tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_a_new_publication_leaves_nothing_of_the_earlier_one(tmp_path: Path) -> None:
    result = small_result(tmp_path / "pet")
    result.write(tmp_path / "out")
    labels = result.segmentation.labels * 0
    empty = replace(result.with_lesions(), segmentation=replace(result.segmentation, labels=labels))
    empty.write(tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["report.dcm", "rwvm.dcm", "sc.dcm", "sr.dcm"]


def test_segments_on_another_grid_are_refused(a_result: Result, tmp_path: Path) -> None:
    matrix = a_result.pet.geometry.lps_from_ijk.copy()
    matrix[2, 3] += 3.0
    moved = replace(a_result.segmentation, geometry=Geometry(a_result.pet.geometry.shape, matrix))
    with pytest.raises(GeometryError, match="one grid"):
        replace(a_result, segmentation=moved).write(tmp_path)


@pytest.mark.slow
def test_sixty_lesions_on_a_real_series_are_conformant_and_read_back(a_real_result: Result, tmp_path: Path) -> None:
    labels = scattered_labels(a_real_result.pet.geometry.shape, 60)
    result = analysed(a_real_result.pet, labels, n_excluded=10)
    written = result.write(tmp_path)
    assert errors_of(written) == {name: [] for name in NAMES}
    sources = source_paths(result)
    assert set(entity_errors([*sources, *written.paths])) == set(entity_errors(sources))
    np.testing.assert_array_equal(labels_by_position(pydicom.dcmread(written.seg or ""), sources), labels)


@pytest.mark.slow
def test_eighty_segments_on_a_whole_body_scan_take_little_memory(tmp_path: Path) -> None:
    """W15: 60 lesions and 20 excluded candidates on 200 x 200 x 400 voxels."""
    recipe = PetRecipe(shape=(400, 200, 200))
    result = analysed(a_volume(tmp_path / "pet", recipe), scattered_labels(recipe.shape, 80), n_excluded=20)
    written = result.write(tmp_path / "out")
    assert len(written.paths) == len(NAMES)
    tracemalloc.start()
    write_seg(Publication.of(result.timepoint, result.pet), result.segmentation, tmp_path / "seg.dcm")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * result.segmentation.labels.nbytes
    np.testing.assert_array_equal(
        labels_by_position(pydicom.dcmread(tmp_path / "seg.dcm"), source_paths(result)), result.segmentation.labels
    )


def test_times_are_told_in_the_zone_of_the_images(tmp_path: Path) -> None:
    written = small_result(tmp_path / "pet", timezone="+1300").write(tmp_path / "out")
    made = pydicom.dcmread(written.sr)
    told = datetime.strptime(f"{made.ContentDate}{made.ContentTime}{made.TimezoneOffsetFromUTC}", "%Y%m%d%H%M%S.%f%z")
    assert abs((datetime.now(tz=told.tzinfo) - told).total_seconds()) < 120


def test_a_confirmation_needs_a_name_a_zone_and_an_organization(tmp_path: Path, a_confirmation: Confirmation) -> None:
    with pytest.raises(UsageError, match="name"):
        replace(a_confirmation, reader=" ")
    with pytest.raises(UsageError, match="time zone"):
        replace(a_confirmation, at=datetime(2026, 3, 3))
    with pytest.raises(UsageError, match="organization"):
        small_result(tmp_path / "pet", institution="").write(tmp_path / "out", a_confirmation)


def test_a_source_image_that_was_exchanged_is_refused(tmp_path: Path) -> None:
    result = small_result(tmp_path / "pet")
    first, second = source_paths(result)[:2]
    first.write_bytes(second.read_bytes())
    with pytest.raises(DicomInputError, match=r"\(0008,0018\)"):
        result.write(tmp_path / "out")


def test_a_source_image_that_is_gone_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    result = small_result(tmp_path / "pet")
    source_paths(result)[3].unlink()
    with pytest.raises(DicomInputError, match="cannot be read again"):
        result.write(tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_time_point_of_another_series_is_refused(a_result: Result, tmp_path: Path) -> None:
    other = replace(a_result, timepoint=replace(a_result.timepoint, pet_series_uid="1.2.3"))
    with pytest.raises(UsageError, match=r"1\.2\.3"):
        other.write(tmp_path)


def test_a_volume_without_its_files_is_refused(a_result: Result, tmp_path: Path) -> None:
    bare = replace(a_result, pet=replace(a_result.pet, header=replace(a_result.pet.header, instances=())))
    with pytest.raises(GeometryError, match="0 source images"):
        bare.write(tmp_path)
