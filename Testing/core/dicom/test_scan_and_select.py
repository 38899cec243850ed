"""A folder to one study, and a study to the PET and CT that are measured; W09, W14."""

from __future__ import annotations

import json
import logging

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from psmacore.dicom.read_pet import read_pet_series
from psmacore.dicom.scan import scan_folder
from psmacore.dicom.select import choose_ct_series, choose_pet_series
from psmacore.errors import DicomInputError, GeometryError, StudyContentError


@pytest.fixture
def a_study(tmp_path, another_series):
    """Add series to one study: ``a_study("name", edit=..., **parts)`` writes one and returns its UID."""
    first = another_series("none")

    def add(name, edit=None, **parts):
        shared = {"study_uid": first.study_uid, "frame_of_reference_uid": first.frame_of_reference_uid}
        series = another_series(f"study/{name}", **{**shared, **parts})
        series.write(edit)
        return series.series_uid

    add.folder = tmp_path / "study"
    add.frame_of_reference_uid = first.frame_of_reference_uid
    return add


def without_attenuation_correction(dataset, k):
    dataset.CorrectedImage = ["DECY"]


def named(**attributes):
    def edit(dataset, k):
        for name, value in attributes.items():
            setattr(dataset, name, value)

    return edit


def test_folder_is_read_whatever_files_are_called(a_study):
    pet, ct = a_study("deep/er/pet"), a_study("ct", modality="CT")
    (a_study.folder / "deep" / "report.pdf").write_bytes(b"%PDF-1.7" + b"\0" * 300)
    (a_study.folder / "notes.dcm").write_text("no image")
    (a_study.folder / "empty.dcm").write_bytes(b"")
    contents = scan_folder(a_study.folder)
    assert {one.ref.series_uid for one in contents.series} == {pet, ct}
    assert contents.ignored == ("deep/report.pdf: not DICOM", "empty.dcm: empty file", "notes.dcm: not DICOM")
    assert (contents.study.n_series, contents.study.n_instances, contents.study.modalities) == (2, 10, ("CT", "PT"))


def test_dicom_directory_is_passed_over(a_study):
    a_study("pet")
    directory = Dataset()
    directory.file_meta = FileMetaDataset()
    directory.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    directory.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    directory.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    directory.FileSetID = "DISC"
    directory.save_as(a_study.folder / "DICOMDIR", enforce_file_format=True)
    assert scan_folder(a_study.folder).ignored == ("DICOMDIR: DICOM directory",)


@pytest.mark.parametrize("junk", [{}, {"a.txt": b"text"}, {"b.dcm": b""}])
def test_folder_without_dicom_is_refused(tmp_path, junk):
    for name, content in junk.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(StudyContentError, match="no DICOM file"):
        scan_folder(tmp_path)


def test_copy_of_a_file_is_passed_over_and_a_changed_copy_is_not(a_study):
    a_study("pet")
    original = sorted((a_study.folder / "pet").iterdir())[0]
    (a_study.folder / "pet" / "same").write_bytes(original.read_bytes())
    assert scan_folder(a_study.folder).ignored == (f"pet/same: copy of pet/{original.name}",)
    (a_study.folder / "pet" / "same").write_bytes(original.read_bytes()[:-2] + b"\1\1")
    contents = scan_folder(a_study.folder)
    with pytest.raises(GeometryError, match=r"^duplicate position"):
        read_pet_series(choose_pet_series(contents).series.paths)


def test_missing_folder_is_refused(tmp_path):
    with pytest.raises(StudyContentError, match="is not a folder"):
        scan_folder(tmp_path / "nowhere")


def test_mixed_patients_are_refused_by_tag_without_telling_who(a_study):
    a_study("pet")
    a_study("other", patient_id="SIM-SECRET")
    with pytest.raises(StudyContentError, match=r"\(0010,0020\) Patient ID: 2 different values") as refused:
        scan_folder(a_study.folder)
    assert "SIM-" not in str(refused.value)


def test_several_studies_need_a_choice(a_study):
    a_study("pet")
    a_study("later", study_uid="1.2.3.4")
    with pytest.raises(StudyContentError, match=r"\(0020,000D\).*2 studies.*1\.2\.3\.4"):
        scan_folder(a_study.folder)
    contents = scan_folder(a_study.folder, study_uid="1.2.3.4")
    assert (contents.study.study_uid, len(contents.series), len(contents.ignored)) == ("1.2.3.4", 1, 5)
    with pytest.raises(StudyContentError, match=r"study 9\.9 is not there"):
        scan_folder(a_study.folder, study_uid="9.9")


def test_scan_logs_no_patient(a_study, caplog):
    a_study("pet")
    with caplog.at_level(logging.DEBUG):
        choose_pet_series(scan_folder(a_study.folder))
    assert "SIM-1" not in caplog.text
    assert "Simulated" not in caplog.text


def test_attenuation_corrected_series_is_chosen(a_study):
    corrected = a_study("ac")
    raw = a_study("nac", without_attenuation_correction, shape=(9, 4, 6))
    choice = choose_pet_series(scan_folder(a_study.folder))
    assert choice.series.ref.series_uid == corrected
    assert [(one.series.ref.series_uid, one.reason) for one in choice.alternatives] == [
        (raw, "not attenuation-corrected")
    ]


def test_uncorrected_series_alone_is_refused_by_tag(a_study):
    a_study("nac", without_attenuation_correction)
    with pytest.raises(DicomInputError, match=r"\(0028,0051\) Corrected Image.*'DECY'"):
        choose_pet_series(scan_folder(a_study.folder))


def test_named_series_wins_even_if_uncorrected(a_study):
    a_study("ac")
    raw = a_study("nac", without_attenuation_correction)
    choice = choose_pet_series(scan_folder(a_study.folder), series_uid=raw)
    assert (choice.series.ref.series_uid, choice.reason) == (raw, "named by the reader")


def test_named_series_must_be_there_and_be_a_pet(a_study):
    a_study("pet")
    ct = a_study("ct", modality="CT")
    contents = scan_folder(a_study.folder)
    with pytest.raises(StudyContentError, match="is not in study"):
        choose_pet_series(contents, series_uid="1.2")
    with pytest.raises(StudyContentError, match="is not PET Image Storage"):
        choose_pet_series(contents, series_uid=ct)


def test_largest_coverage_comes_before_most_slices(a_study):
    body = a_study("body", shape=(12, 4, 6), spacing_ijk_mm=(2, 2, 5))
    a_study("head", shape=(20, 4, 6), spacing_ijk_mm=(2, 2, 1))
    choice = choose_pet_series(scan_folder(a_study.folder))
    assert choice.series.ref.series_uid == body
    assert choice.reason == "attenuation-corrected; largest coverage, 55 mm"


def test_reconstruction_of_the_previous_date_comes_before_most_slices(a_study):
    same = a_study("a", named(ReconstructionMethod="TOF PSF"))
    fine = a_study("b", shape=(6, 4, 6), spacing_ijk_mm=(2, 2, 2.6))
    contents = scan_folder(a_study.folder)
    assert choose_pet_series(contents, like_reconstruction="TOF PSF").series.ref.series_uid == same
    assert choose_pet_series(contents).series.ref.series_uid == fine
    assert choose_pet_series(contents, like_reconstruction="unheard of").series.ref.series_uid == fine


def test_projections_and_captures_are_never_chosen(a_study):
    pet = a_study("pet")
    a_study("mip", named(SeriesType=["WHOLE BODY", "REPROJECTION"]), shape=(30, 4, 6))
    a_study("capture", named(SOPClassUID="1.2.840.10008.5.1.4.1.1.7", ImageType=["DERIVED", "SECONDARY", "OTHER"]))
    a_study("gated", named(SeriesType=["GATED", "IMAGE"]), shape=(30, 4, 6))
    choice = choose_pet_series(scan_folder(a_study.folder))
    assert choice.series.ref.series_uid == pet
    assert len(choice.alternatives) == 3


def test_pet_that_is_no_volume_is_refused_with_the_reason(a_study):
    enhanced = a_study("enhanced", named(SOPClassUID="1.2.840.10008.5.1.4.1.1.130"))
    with pytest.raises(StudyContentError, match=rf"series {enhanced}: SOP Class .*\.130 is not PET Image Storage"):
        choose_pet_series(scan_folder(a_study.folder))


def test_ct_only_study_is_refused(a_study):
    a_study("ct", modality="CT")
    with pytest.raises(StudyContentError, match=r"no PET volume; .* of its series: CT"):
        choose_pet_series(scan_folder(a_study.folder))


def test_truncated_slice_of_the_chosen_series_is_refused(a_study):
    a_study("pet")
    path = sorted((a_study.folder / "pet").iterdir())[0]
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(DicomInputError, match=rf"a slice is damaged: pet/{path.name}.*truncated"):
        choose_pet_series(scan_folder(a_study.folder))


def test_truncated_slice_of_another_series_does_no_harm(a_study):
    pet = a_study("pet")
    a_study("nac", without_attenuation_correction)
    path = sorted((a_study.folder / "nac").iterdir())[0]
    path.write_bytes(path.read_bytes()[:-5])
    assert choose_pet_series(scan_folder(a_study.folder)).series.ref.series_uid == pet


def test_ct_must_share_the_frame_of_reference(a_study):
    stranger = a_study("elsewhere", modality="CT", shape=(40, 4, 6), frame_of_reference_uid="1.2.3")
    ct = a_study("ct", modality="CT")
    a_study("topogram", named(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]), modality="CT", shape=(40, 4, 6))
    contents = scan_folder(a_study.folder)
    choice = choose_ct_series(contents, a_study.frame_of_reference_uid)
    assert choice.series.ref.series_uid == ct
    assert {one.reason for one in choice.alternatives} == {
        "another frame of reference",
        "Image Type or Series Type holds LOCALIZER",
    }
    with pytest.raises(GeometryError, match=r"\(0020,0052\) must agree"):
        choose_ct_series(contents, a_study.frame_of_reference_uid, series_uid=stranger)


def test_without_a_ct_in_the_frame_of_reference_there_is_none(a_study):
    a_study("ct", modality="CT")
    assert choose_ct_series(scan_folder(a_study.folder), "1.2.3") is None
    assert choose_ct_series(scan_folder(a_study.folder), "") is None


@pytest.mark.parametrize("name", ["statistics", "topogram", "uncorrected"])
def test_real_siemens_side_series_are_not_chosen(a_study, shared_data, name):
    folder = shared_data / "quadra-pet-headers-cc0"
    header = json.loads((folder / f"siemens_biograph_vision_quadra_vr20b_{name}.json").read_text())["constant_hdr"]

    def as_on_the_scanner(dataset, k):
        for tag in ("00080008", "00080016", "00080060", "00541000", "00280051"):
            if tag in header:
                dataset.add(Dataset.from_json({tag: header[tag]})[tag])

    chosen = a_study("pet")
    a_study("side", as_on_the_scanner, shape=(30, 4, 6))
    assert choose_pet_series(scan_folder(a_study.folder)).series.ref.series_uid == chosen


def test_real_study_is_scanned_with_its_structure_sets(shared_data):
    contents = scan_folder(shared_data / "sts001-crop-gml-ct")
    assert [one.ref.modality for one in contents.series].count("RTSTRUCT") == 2
    pet = choose_pet_series(contents)
    assert pet.series.n_positions == 59
    ct = choose_ct_series(contents, pet.series.frame_of_reference_uid)
    drawn = contents.of_modality("RTSTRUCT")
    (on_ct,) = [one for one in drawn if ct.series.ref.series_uid in one.referenced_series_uids]
    assert on_ct.paths[0].parent == shared_data / "sts001-crop-gml-ct" / "CT" / "mask"
