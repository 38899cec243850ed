"""Searching: W04, W11, W20 to W23."""

import json

import pytest

from Testing.web.client import InProcess
from Testing.web.synthetic import StudyIdentity, encoded, small_instance
from web_bridge.app import build_app
from web_bridge.store import Archive
from web_bridge.store.parse import ParsedInstance
from web_bridge.viewer import Viewer

STUDY_UID, DATE, DESCRIPTION, PATIENT_ID, MODALITIES = "0020000D", "00080020", "00081030", "00100020", "00080061"


def identity(n: int, **fields: str) -> StudyIdentity:
    return StudyIdentity(**{"study_uid": f"2.25.{n}", "patient_id": f"SIM-{n:03}", **fields})


@pytest.fixture(scope="module")
def a_client(tmp_path_factory):
    """Three patients, four studies: two dates of the first, one with PET, one named in Japanese."""
    archive = Archive(tmp_path_factory.mktemp("qido"))
    client = InProcess(build_app(archive, Viewer()))
    studies = [
        (identity(1, study_date="20250110", patient_name="Simulated^Alpha"), ["CT", "PT"]),
        (identity(2, study_date="20250620", patient_id="SIM-001", patient_name="Simulated^Alpha"), ["CT", "PT", "PT"]),
        (identity(3, study_date="20251231", patient_name="Müller^Beta", study_description="Bone [scan]"), ["CT"]),
        (identity(4, study_date="", patient_name="Yamada^Tarou=山田^太郎"), ["PT"]),
    ]
    images = [
        small_instance(who, series_uid=f"{who.study_uid}.{n}", modality=modality, number=n)
        for who, modalities in studies
        for n, modality in enumerate(modalities, start=1)
    ]
    assert client.store(encoded(image) for image in images).status_code == 200
    yield client
    archive.close()


def found(client, query, tag=STUDY_UID, level="studies"):
    answer = client.get(f"/dicom-web/{level}?{query}")
    rows = [] if answer.status_code == 204 else answer.json()
    return [row[tag]["Value"][0] for row in rows]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", {1, 2, 3, 4}),
        ("PatientID=SIM-001", {1, 2}),
        ("00100020=SIM-001", {1, 2}),
        ("PatientID=SIM*", {1, 2, 3, 4}),
        ("PatientID=SIM-00?", {1, 2, 3, 4}),
        ("PatientID=SIM-00", set()),
        ("PatientID=sim-001", set()),
        ("StudyDate=20250110", {1}),
        ("StudyDate=20250101-20250630", {1, 2}),
        ("StudyDate=20250620-", {2, 3}),
        ("StudyDate=-20250620", {1, 2}),
        ("StudyInstanceUID=2.25.1,2.25.3", {1, 3}),
        ("StudyInstanceUID=2.25.1\\2.25.4", {1, 4}),
        ("ModalitiesInStudy=PT", {1, 2, 4}),
        ("ModalitiesInStudy=SEG,PT", {1, 2, 4}),
        ("ModalitiesInStudy=CT\\PT", {1, 2, 3, 4}),
        ("ModalitiesInStudy=MR", set()),
        ("PatientName=simulated^alpha", {1, 2}),
        ("PatientName=SIMULATED*", {1, 2}),
        ("PatientName=muller*", {3}),
        ("PatientName=山田*", {4}),
        ("PatientName=alpha", set()),
        ("PatientName=alp&fuzzymatching=true", {1, 2}),
        ("StudyDescription=*[scan]*", {3}),
        ("StudyDescription=PSMA*", {1, 2, 4}),
        ("PatientBirthDate=19400101-19600101", {1, 2, 3, 4}),
        ("StudyTime=1000-1100", {1, 2, 3, 4}),
        ("StudyTime=-1000", set()),
        ("SeriesDescription=PT*", {1, 2, 4}),
        ("PatientWeight=80", {1, 2, 3, 4}),
        ("PatientID=SIM-001&StudyDate=20250620-&ModalitiesInStudy=PT", {2}),
        ("PatientID=", {1, 2, 3, 4}),
        ("PatientName=*", {1, 2, 3, 4}),
        ("PatientID=' OR 1=1 --", set()),
    ],
)
def test_studies_are_filtered(a_client, query, numbers):
    """W21, W22, W23."""
    assert {int(uid.split(".")[2]) for uid in found(a_client, query)} == numbers


@pytest.mark.parametrize(
    "query",
    [
        "NoSuchKeyword=1",
        "StudyDate=yesterday",
        "StudyDate=20250101-2025",
        "StudyInstanceUID=../../etc",
        "limit=-1",
        "offset=many",
        "includefield=NoSuchKeyword",
        "NumberOfStudyRelatedSeries=2",
    ],
)
def test_filter_that_cannot_be_honoured_is_refused_not_ignored(a_client, query):
    assert a_client.get(f"/dicom-web/studies?{query}").status_code == 400


def test_newest_study_comes_first(a_client):
    assert found(a_client, "") == ["2.25.3", "2.25.2", "2.25.1", "2.25.4"]


def test_pages_follow_each_other_without_gap_or_overlap(a_client):
    pages = [found(a_client, f"limit=1&offset={offset}") for offset in range(5)]
    assert [uid for page in pages for uid in page] == found(a_client, "")


def test_nothing_found_is_204(a_client):
    answer = a_client.get("/dicom-web/studies?PatientID=NOBODY")
    assert (answer.status_code, answer.content) == (204, b"")


def test_study_row_counts_series_and_images_and_lists_modalities(a_client):
    [row] = a_client.get("/dicom-web/studies?StudyInstanceUID=2.25.2").json()
    assert row[MODALITIES]["Value"] == ["CT", "PT"]
    assert row["00201206"]["Value"] == [3]
    assert row["00201208"]["Value"] == [3]


def test_study_row_holds_every_attribute_that_orthanc_returns(a_client):
    """Those of DICOM PS3.18 Table 10.6.3-3; type 2 is present even where empty."""
    [row] = a_client.get("/dicom-web/studies?StudyInstanceUID=2.25.1").json()
    expected = (
        "00080020 00080030 00080050 00080056 00080061 00080090 00081190 00100010 00100020 00100030 00100040 "
        "0020000D 00200010 00201206 00201208"
    )
    assert set(expected.split()) <= row.keys()
    assert row["00080090"] == {"vr": "PN"}
    assert row["00100010"]["Value"] == [{"Alphabetic": "Simulated^Alpha"}]


def test_included_fields_come_with_plain_and_encoded_commas(a_client):
    for query in ("includefield=00101030,PatientSize", "includefield=00101030%2CPatientSize", "includefield=all"):
        [row] = a_client.get(f"/dicom-web/studies?StudyInstanceUID=2.25.1&{query}").json()
        assert (row["00101030"]["Value"], row["00101020"]["Value"]) == ([80.0], [1.8])


def test_names_in_other_scripts_keep_their_groups(a_client):
    [row] = a_client.get("/dicom-web/studies?StudyInstanceUID=2.25.4").json()
    assert row["00100010"]["Value"] == [{"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎"}]


def test_series_of_a_study_are_filtered(a_client):
    url = "/dicom-web/studies/2.25.2/series"
    rows = a_client.get(f"{url}?Modality=PT").json()
    assert [row["00201209"]["Value"] for row in rows] == [[1], [1]]
    assert {row["00080060"]["Value"][0] for row in rows} == {"PT"}
    assert all(PATIENT_ID not in row for row in rows)


def test_series_of_all_studies_repeat_their_study(a_client):
    rows = a_client.get("/dicom-web/series?Modality=PT").json()
    assert len(rows) == 4
    assert all(PATIENT_ID in row and STUDY_UID in row for row in rows)


def test_instances_are_found_by_class_and_by_any_attribute(a_client):
    url = "/dicom-web/studies/2.25.2/instances"
    assert len(a_client.get(url).json()) == 3
    assert len(a_client.get(f"{url}?SOPClassUID=1.2.840.10008.5.1.4.1.1.2").json()) == 1
    assert len(a_client.get(f"{url}?PixelRepresentation=0").json()) == 3
    assert a_client.get(f"{url}?PixelRepresentation=1").status_code == 204


def test_instance_row_says_how_it_is_stored(a_client):
    row = a_client.get("/dicom-web/studies/2.25.3/series/2.25.3.1/instances").json()[0]
    assert row["00083002"]["Value"] == ["1.2.840.10008.1.2.1"]
    assert row["00280010"]["Value"] == [8]
    assert row["00081190"]["Value"][0].endswith(row["00080018"]["Value"][0])


def test_instance_rows_include_any_attribute_asked_for(a_client):
    row = a_client.get("/dicom-web/studies/2.25.3/instances?includefield=HighBit").json()[0]
    assert row["00280102"]["Value"] == [15]


def test_answer_is_dicom_json_and_xml_is_refused(a_client):
    assert a_client.get("/dicom-web/studies").headers["content-type"] == "application/dicom+json"
    headers = {"Accept": 'multipart/related; type="application/dicom+xml"'}
    assert a_client.get("/dicom-web/studies", headers=headers).status_code == 406


def test_study_stored_from_outside_is_listed_at_once(tmp_path):
    """W11."""
    archive = Archive(tmp_path)
    try:
        client = InProcess(build_app(archive, Viewer()))
        assert client.get("/dicom-web/studies").status_code == 204
        client.store([encoded(small_instance(identity(9), series_uid="2.25.91"))])
        assert found(client, "") == ["2.25.9"]
    finally:
        archive.close()


@pytest.fixture(scope="module")
def a_client_of_ten_thousand_studies(tmp_path_factory):
    archive = Archive(tmp_path_factory.mktemp("many"))
    with archive._index.transaction():
        for n in range(10_000):
            archive._index.insert(_parsed(n))
    yield InProcess(build_app(archive, Viewer()))
    archive.close()


def _parsed(n: int) -> ParsedInstance:
    values = {
        "00080020": ("DA", f"2025{n % 12 + 1:02}{n % 28 + 1:02}"),
        "00080060": ("CS", "PT" if n % 2 else "CT"),
        "00100020": ("LO", f"SIM-{n // 4:05}"),
        "0020000D": ("UI", f"2.25.{n}"),
    }
    metadata = {tag: {"vr": vr, "Value": [value]} for tag, (vr, value) in values.items()}
    metadata["00100010"] = {"vr": "PN", "Value": [{"Alphabetic": f"Simulated^P{n // 4}"}]}
    return ParsedInstance(
        f"2.25.{n}", f"2.25.{n}.1", f"2.25.{n}.1.1", "1.2", "1.2.840.10008.1.2.1", str(n), 1, None, None, metadata
    )


@pytest.mark.parametrize(
    ("query", "n_expected"),
    [
        ("PatientID=SIM-00042", 4),
        ("PatientName=*^p77*", 44),
        ("StudyDate=20250301-20250331&ModalitiesInStudy=CT&limit=50", 50),
        ("limit=101&offset=9000", 101),
    ],
)
def test_ten_thousand_studies_are_filtered_by_the_archive_in_pages(a_client_of_ten_thousand_studies, query, n_expected):
    """W04: the client gets the page that it asked for and nothing else."""
    answer = a_client_of_ten_thousand_studies.get(f"/dicom-web/studies?{query}")
    assert len(json.loads(answer.content)) == n_expected
