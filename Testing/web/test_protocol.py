"""The archive over a real socket, spoken to by dicomweb-client: W03."""

import dicomweb_client
import httpx
import numpy as np
import pytest

from Testing.web.client import multipart_body, stow_headers
from Testing.web.synthetic import PET_CLASS, PET_GRID, encoded, simulated_study


@pytest.fixture(scope="module")
def a_study(a_bridge):
    study = simulated_study(patient_id="SIM-777")
    answer = httpx.post(
        f"{a_bridge.dicomweb_root}/studies",
        content=multipart_body(encoded(item) for item in study.all),
        headers=stow_headers(),
    )
    assert answer.status_code == 200
    return study


@pytest.fixture(scope="module")
def a_dicomweb_client(a_bridge):
    return dicomweb_client.DICOMwebClient(a_bridge.dicomweb_root)


def test_instances_are_stored_and_found(a_dicomweb_client):
    study = simulated_study(patient_id="SIM-888")
    answer = a_dicomweb_client.store_instances(list(study.ct[:3]))
    assert len(answer.ReferencedSOPSequence) == 3
    [row] = a_dicomweb_client.search_for_studies(search_filters={"PatientID": "SIM-888"})
    assert row["00201208"]["Value"] == [3]


def test_search_without_matches_is_an_empty_list(a_dicomweb_client):
    assert a_dicomweb_client.search_for_studies(search_filters={"PatientID": "NOBODY"}) == []


def test_all_pages_are_followed_to_the_end(a_dicomweb_client, a_study):
    rows = a_dicomweb_client.search_for_instances(a_study.study_uid, limit=20, get_remaining=True)
    assert len({row["00080018"]["Value"][0] for row in rows}) == len(a_study.all)


def test_series_is_retrieved_as_it_was_sent(a_dicomweb_client, a_study):
    series_uid = a_study.pet[0].SeriesInstanceUID
    images = a_dicomweb_client.retrieve_series(a_study.study_uid, series_uid)
    assert len(images) == PET_GRID.n_slices
    sent = {image.SOPInstanceUID: image for image in a_study.pet}
    assert all(image == sent[image.SOPInstanceUID] for image in images)


def test_series_is_streamed(a_dicomweb_client, a_study):
    images = a_dicomweb_client.iter_series(a_study.study_uid, a_study.ct[0].SeriesInstanceUID)
    assert sum(1 for _ in images) == len(a_study.ct)


def test_frames_and_bulk_data_hold_the_pixels(a_dicomweb_client, a_study):
    image = a_study.pet[16]
    uids = (a_study.study_uid, image.SeriesInstanceUID, image.SOPInstanceUID)
    [frame] = a_dicomweb_client.retrieve_instance_frames(*uids, frame_numbers=[1])
    assert np.array_equal(np.frombuffer(frame, np.uint16), image.pixel_array.ravel())
    address = a_dicomweb_client.retrieve_instance_metadata(*uids)["7FE00010"]["BulkDataURI"]
    assert a_dicomweb_client.retrieve_bulkdata(address) == [image.PixelData]


def test_classes_are_searched_for(a_dicomweb_client, a_study):
    rows = a_dicomweb_client.search_for_instances(a_study.study_uid, search_filters={"SOPClassUID": PET_CLASS})
    assert len(rows) == PET_GRID.n_slices


def test_study_is_deleted(a_dicomweb_client):
    study = simulated_study(patient_id="SIM-999")
    a_dicomweb_client.store_instances([study.seg])
    a_dicomweb_client.delete_study(study.study_uid)
    assert a_dicomweb_client.search_for_studies(search_filters={"PatientID": "SIM-999"}) == []
