"""From an archive and back into it: a real DICOMweb server, and what of its address may be written down (W01, W06)."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest

from psmacore.jobs.bridge import running_bridge
from psmacore.pacs.dicomweb import DicomWebPacs
from Testing.core.cli.psma_process import everything_below, psma
from Testing.core.cli.simulated_study import write_study


@pytest.mark.slow
def test_a_study_is_analysed_from_the_archive_published_there_and_analysed_again(tmp_path: Path) -> None:
    """W01: the second run meets the first one's objects in the study and finds the same."""
    study = write_study(tmp_path / "source")
    with running_bridge(tmp_path / "store", viewer="none") as bridge:
        archive = DicomWebPacs(bridge.dicomweb_root)
        assert not archive.store(study.paths).failed
        command = ("analyse", "--dicomweb", bridge.dicomweb_root, "--study", study.series.study_uid, "--json")
        first = psma(*command, "--publish", "--out", tmp_path / "out" / "first")
        assert first.code == 0, first.err
        modalities = {one.modality for one in archive.list_series(study.series.study_uid)}
        again = psma(*command, "--out", tmp_path / "out" / "again")
    objects = {str(pydicom.dcmread(path).Modality) for path in (tmp_path / "out" / "first").glob("*.dcm")}
    assert {"SEG", "SR"} < objects
    assert modalities == {"PT", *objects}
    assert again.code == 0, again.err
    measured = [
        [(lesion["voxels"], lesion["suv_max"], lesion["state"]) for lesion in run.json["lesions"]]
        for run in (first, again)
    ]
    assert len(measured[0]) == 3
    assert measured[0] == measured[1]
    assert everything_below(tmp_path / "out") == {
        name
        for folder in ("first", "again")
        for name in (folder, *(f"{folder}/{path.name}" for path in (tmp_path / "out" / folder).iterdir()))
    }
    assert not any(path.name.startswith(".") for path in (tmp_path / "out").rglob("*"))
