"""How an archive is opened: credentials and patience from its address and the environment (W06)."""

from __future__ import annotations

import pytest

from psmacore.errors import UsageError
from psmacore.pacs.dicomweb import DicomWebPacs
from psmacore.pacs.session import without_credentials
from psmacore.pipeline.archive import PASSWORD, TIMEOUT_S, USER, credentials_of, open_archive

URL = "http://pacs.example.org:8042/dicom-web"


def test_an_address_without_a_user_tells_none() -> None:
    assert credentials_of(URL) == {}


def test_credentials_of_an_address_reach_a_worker_that_is_told_the_bare_one() -> None:
    url = "http://a%40b:c%3Ad@pacs.example.org:8042/dicom-web/"
    assert without_credentials(url) == URL
    assert credentials_of(url) == {USER: "a@b", PASSWORD: "c:d"}


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=TIMEOUT_S):
        open_archive(URL, {TIMEOUT_S: text})


@pytest.mark.parametrize("url", ["pacs.example.org", "ftp://pacs.example.org", "http://[half", "http://host:port/x"])
def test_what_is_no_address_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError, match="PACS address"):
        open_archive(url, {})


def test_the_archive_of_a_plain_address_opens() -> None:
    archive = open_archive(URL, {TIMEOUT_S: "5"})
    assert isinstance(archive, DicomWebPacs)
    assert archive.root == URL
