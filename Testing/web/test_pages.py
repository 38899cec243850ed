"""Study list, study page and launch link: W20 to W23."""

import pytest

from psmacore.dicom.publishing import MANUFACTURER
from Testing.web.client import InProcess
from Testing.web.synthetic import StudyIdentity, encoded, simulated_study, small_instance
from web_bridge.app import build_app
from web_bridge.pages.launch import OUR_MANUFACTURER
from web_bridge.pages.layout import Html, html
from web_bridge.store import Archive
from web_bridge.viewer import Viewer


@pytest.fixture
def a_course(a_client):
    """Two patients; the second has two dates, stored in the wrong order."""
    identities = [
        StudyIdentity("2.25.30", patient_id="SIM-B", study_date="20260301", study_description="Third"),
        StudyIdentity("2.25.10", patient_id="SIM-B", study_date="20250101", study_description="First"),
        StudyIdentity("2.25.20", patient_id="SIM-A", study_date="20250601", study_description="Second <b>bold</b>"),
    ]
    images = [small_instance(item, series_uid=f"{item.study_uid}.1") for item in identities]
    a_client.store(encoded(image) for image in images)
    return a_client


def test_root_leads_to_the_study_list(a_client):
    answer = a_client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/psma/studies")


def test_studies_are_grouped_by_patient_with_dates_in_order(a_course):
    """W20."""
    text = a_course.get("/psma/studies").text
    places = [text.index(words) for words in ("SIM-A", "2025-06-01", "SIM-B", "2025-01-01", "2026-03-01")]
    assert places == sorted(places)
    assert text.count("SIM-B") == 1


def test_list_is_filtered_by_the_archive(a_course):
    text = a_course.get("/psma/studies?PatientID=SIM-B&from=2026-01-01&ModalitiesInStudy=CT").text
    assert "Third" in text
    assert "First" not in text
    assert "Second" not in text


def test_list_comes_in_pages(a_client):
    images = [small_instance(StudyIdentity(f"2.25.{n}"), series_uid=f"2.25.{n}.1") for n in range(100, 160)]
    a_client.store(encoded(image) for image in images)
    first = a_client.get("/psma/studies").text
    assert first.count("/psma/launch/") == 50
    assert "offset=50" in first
    assert a_client.get("/psma/studies?offset=50").text.count("/psma/launch/") == 10


def test_words_of_a_data_set_never_become_markup(a_course):
    text = a_course.get("/psma/studies").text
    assert "<b>bold</b>" not in text
    assert "&lt;b&gt;bold&lt;/b&gt;" in text


def test_only_marked_text_is_html():
    assert html("<p>{a}{b}</p>", a="<", b=Html("<br>")).text == "<p>&lt;<br></p>"


def test_empty_archive_says_so(a_client):
    assert "No study matches" in a_client.get("/psma/studies").text


def test_malformed_date_is_refused(a_client):
    assert a_client.get("/psma/studies?from=soon").status_code == 400


def test_study_page_links_series_report_and_capture(a_reader, a_simulated_study):
    text = a_reader.get(f"/psma/studies/{a_simulated_study.study_uid}").text
    assert "Simulated report (PDF)" in text
    assert "/bulkdata/00420011" in text
    assert f"{a_simulated_study.capture.SOPInstanceUID}/rendered" in text
    assert f"series={a_simulated_study.seg.SeriesInstanceUID}" in text
    assert "viewer shows" not in text


def test_study_that_is_not_there_is_404(a_client):
    assert a_client.get("/psma/studies/2.25.1").status_code == 404
    assert a_client.get("/psma/launch/2.25.1").status_code == 404


def test_launch_opens_the_viewer_at_the_segmentation(a_reader, a_simulated_study):
    answer = a_reader.get(f"/psma/launch/{a_simulated_study.study_uid}")
    assert answer.status_code == 303
    assert answer.headers["location"] == (
        f"/viewer?StudyInstanceUIDs={a_simulated_study.study_uid}"
        f"&initialSeriesInstanceUID={a_simulated_study.seg.SeriesInstanceUID}"
    )


def test_launch_opens_another_series_or_mode_on_wish(a_reader, a_simulated_study):
    url = f"/psma/launch/{a_simulated_study.study_uid}"
    assert a_reader.get(f"{url}?series=2.25.5").headers["location"].endswith("initialSeriesInstanceUID=2.25.5")
    assert a_reader.get(f"{url}?mode=segmentation").headers["location"].startswith("/segmentation?")
    assert a_reader.get(f"{url}?mode=evil").status_code == 400
    assert a_reader.get(f"{url}?series=//evil").status_code == 400


def seg_series(uid: str, description: str, time: str, number: int):
    image = small_instance(StudyIdentity("2.25.50"), series_uid=uid, modality="SEG", number=number)
    image.SeriesDescription, image.SeriesTime = description, time
    return image


def test_launch_takes_the_newest_lesions_not_the_union_or_the_organs(a_client):
    series = [
        seg_series("2.25.52", "PSMA lesions", "110000", 1),
        seg_series("2.25.51", "PSMA lesions", "100000", 2),
        seg_series("2.25.53", "PSMA tumor volume, one segment", "120000", 3),
        seg_series("2.25.54", "Organs", "130000", 4),
    ]
    a_client.store(encoded(image) for image in series)
    assert a_client.get("/psma/launch/2.25.50").headers["location"].endswith("=2.25.52")


def test_launch_warns_first_where_the_viewer_would_be_wrong(tmp_path):
    """The ADMIN, GML and no-weight cases: why, what is right, and the way on."""
    study = simulated_study()
    for image in study.pet:
        image.DecayCorrection = "ADMIN"
    study.capture.Manufacturer = MANUFACTURER
    archive = Archive(tmp_path)
    try:
        client = InProcess(build_app(archive, Viewer()))
        client.store(encoded(item) for item in study.all)
        answer = client.get(f"/psma/launch/{study.study_uid}")
        assert answer.status_code == 200
        assert "(0054,1102) Decay Correction is ADMIN" in answer.text
        assert "1.85 times too high" in answer.text
        assert "The right SUV stands in the capture (SC)" in answer.text
        assert f"/viewer?StudyInstanceUIDs={study.study_uid}&amp;initialSeriesInstanceUID=" in answer.text
        assert "viewer shows a wrong SUV" in client.get(f"/psma/studies/{study.study_uid}").text
    finally:
        archive.close()


def test_bridge_knows_our_results_by_the_name_that_they_are_published_under():
    assert OUR_MANUFACTURER == MANUFACTURER


def test_captures_of_others_are_not_called_ours(a_client):
    study = simulated_study()
    del study.pet[0].PatientWeight
    a_client.store([encoded(study.pet[0]), encoded(study.capture)])
    text = a_client.get(f"/psma/launch/{study.study_uid}").text
    assert "No result of ours is stored" in text


def test_pages_run_no_script_and_are_not_kept_by_the_browser(a_reader):
    answer = a_reader.get("/psma/studies")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert "<script" not in answer.text
    assert a_reader.get("/psma/style.css").headers["content-type"].startswith("text/css")
