"""What a page of another site cannot do."""

import pytest


@pytest.mark.parametrize("host", ["127.0.0.1:8042", "localhost", "LOCALHOST:1", "[::1]:8042"])
def test_loopback_names_are_answered(a_client, host):
    assert a_client.get("/dicom-web/studies", headers={"Host": host}).status_code == 204


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8042", ""])
def test_foreign_names_are_refused(a_client, host):
    """A rebound DNS name reaches 127.0.0.1, but says its own name."""
    assert a_client.get("/dicom-web/studies", headers={"Host": host}).status_code == 403


def test_foreign_origin_may_not_change_anything(a_client):
    headers = {"Origin": "http://evil.example"}
    assert a_client.request("DELETE", "/dicom-web/studies/2.25.1", headers=headers).status_code == 403
    assert a_client.request("POST", "/dicom-web/studies", headers=headers, content=b"").status_code == 403


def test_own_origin_may(a_client):
    headers = {"Origin": "http://127.0.0.1:8042"}
    assert a_client.request("DELETE", "/dicom-web/studies/2.25.1", headers=headers).status_code == 404


def test_no_answer_invites_other_origins(a_client):
    answer = a_client.get("/dicom-web/studies", headers={"Origin": "http://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_patient_data_is_not_kept_by_the_browser(a_reader, a_simulated_study):
    answer = a_reader.get(f"/dicom-web/studies/{a_simulated_study.study_uid}/metadata")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
