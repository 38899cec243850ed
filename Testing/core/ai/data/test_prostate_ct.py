from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from psmacore.ai.data.open_data import find_cases, load_case
from psmacore.errors import InputRefusedError, ModelUnfitError, StudyContentError
from psmacore.model.geometry import Geometry
from psmacore.registry.manifest import ChannelName
from Testing.core.ai.preprocess.manifests import prostate_manifest
from Testing.simulated_series import SimulatedSeries, ds

ORGANS = ("prostate", "bladder", "rectum", "femoral_head_left", "femoral_head_right")
ROIS = ("Prostate", "Bladder", "Rectum", "Femur_Head_L", "Femur_Head_R")
RT_STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"

Box = tuple[slice, slice, slice]


def box_of(number: int) -> Box:
    """Voxels of the n-th region, none shared but 0's and 1's overlap."""
    start = (1, 3 * number + 1)
    return slice(1, 4), slice(start[0], start[0] + 5), slice(start[1] - (number == 1), start[1] + 3)


def a_structure_set(ct: SimulatedSeries, regions: dict[str, Box]) -> Dataset:
    grid = Geometry(ct.shape, ct.lps_from_ijk)
    one = Dataset()
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one.SOPClassUID, one.SOPInstanceUID, one.Modality = RT_STRUCTURE_SET, generate_uid(), "RTSTRUCT"
    one.PatientID, one.PatientName, one.PatientSex = ct.patient_id, "Simulated^", "M"
    one.StudyInstanceUID, one.SeriesInstanceUID = ct.study_uid, generate_uid()
    series, study, frame = Dataset(), Dataset(), Dataset()
    series.SeriesInstanceUID = ct.series_uid
    study.RTReferencedSeriesSequence = [series]
    frame.FrameOfReferenceUID, frame.RTReferencedStudySequence = ct.frame_of_reference_uid, [study]
    one.ReferencedFrameOfReferenceSequence = [frame]
    rois, drawn = [], []
    for number, (name, (ks, js, is_)) in enumerate(regions.items(), start=1):
        roi, item = Dataset(), Dataset()
        roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = number, name, ct.frame_of_reference_uid
        item.ReferencedROINumber, item.ContourSequence = number, []
        corners = [(js.start, is_.start), (js.start, is_.stop), (js.stop, is_.stop), (js.stop, is_.start)]
        for k in range(ks.start, ks.stop):
            contour = Dataset()
            contour.ContourGeometricType, contour.NumberOfContourPoints = "CLOSED_PLANAR", 4
            contour.ContourData = ds(grid.lps_of_kji([(k, j - 0.5, i - 0.5) for j, i in corners]).ravel())
            item.ContourSequence.append(contour)
        rois.append(roi)
        drawn.append(item)
    one.StructureSetROISequence, one.ROIContourSequence = rois, drawn
    return one


@pytest.fixture
def a_patient(tmp_path: Path) -> Callable[..., SimulatedSeries]:
    """Write CT and structure set of one patient as TCIA lays them out; regions by the names given."""

    def write(patient_id: str, names: tuple[str, ...] = ROIS) -> SimulatedSeries:
        study = tmp_path / patient_id / "study-1"
        ct = SimulatedSeries(study / "ct", modality="CT", shape=(6, 8, 18), patient_id=patient_id)
        ct.write()
        structures = a_structure_set(ct, {name: box_of(number) for number, name in enumerate(names)})
        (study / "rs").mkdir()
        structures.save_as(study / "rs" / "1-1.dcm", enforce_file_format=True)
        return ct

    return write


def test_contours_become_a_label_map_on_the_cts_own_oblique_grid(
    tmp_path: Path, a_patient: Callable[..., SimulatedSeries]
) -> None:
    """W61, W62; where two organs overlap, the one that the model names first is kept."""
    ct = a_patient("SIM-1")
    manifest = prostate_manifest(*ORGANS)

    refs = find_cases(tmp_path, manifest)
    case = load_case(refs[0], manifest)

    expected = np.zeros(ct.shape, np.uint8)
    for number in reversed(range(5)):
        expected[box_of(number)] = number + 1
    assert [(ref.case_id, ref.patient_id) for ref in refs] == [("SIM-1", "SIM-1")]
    assert case.geometry.lps_from_ijk == pytest.approx(ct.lps_from_ijk, abs=1e-3)
    assert np.array_equal(case.channels[ChannelName.CT], ct.values)
    assert case.target is not None
    assert np.array_equal(case.target, expected)


@pytest.mark.parametrize(
    "names",
    [
        ("PROSTATE", "BLADDER", "RECTUM", "FEMORAL HEAD LT", "FEMORAL HEAD RT"),
        ("prostate", "Urinary Bladder", "Rectum", "Lt Femoral Head", "Rt Femoral Head"),
        ("Prostate Gland", "bladder", "rectum", "Femoral_Head_L", "Femoral_Head_R"),
    ],
)
def test_regions_are_known_by_the_names_that_systems_give_them(
    tmp_path: Path, a_patient: Callable[..., SimulatedSeries], names: tuple[str, ...]
) -> None:
    a_patient("SIM-1", names)
    manifest = prostate_manifest(*ORGANS)

    case = load_case(find_cases(tmp_path, manifest)[0], manifest)

    assert case.target is not None
    assert set(np.unique(case.target)) == {0, 1, 2, 3, 4, 5}


def test_a_planning_volume_is_no_prostate(tmp_path: Path, a_patient: Callable[..., SimulatedSeries]) -> None:
    a_patient("SIM-1", ("PTV Prostate", "Bladder"))

    with pytest.raises(InputRefusedError, match="missing: prostate 1"):
        find_cases(tmp_path, prostate_manifest("prostate"))


def test_both_femoral_heads_may_be_one_output(tmp_path: Path, a_patient: Callable[..., SimulatedSeries]) -> None:
    a_patient("SIM-1")
    manifest = prostate_manifest("femoral_heads")

    case = load_case(find_cases(tmp_path, manifest)[0], manifest)

    assert case.target is not None
    assert (case.target[box_of(3)] == 1).all()
    assert (case.target[box_of(4)] == 1).all()
    assert case.target.sum() == 2 * 3 * 5 * 3


def test_patients_who_lack_a_region_are_left_out_and_counted(
    tmp_path: Path, a_patient: Callable[..., SimulatedSeries], caplog: pytest.LogCaptureFixture
) -> None:
    a_patient("SIM-1")
    a_patient("SIM-2", ROIS[:4])

    with caplog.at_level(logging.WARNING):
        refs = find_cases(tmp_path, prostate_manifest(*ORGANS))

    assert [ref.patient_id for ref in refs] == ["SIM-1"]
    assert "femoral_head_right 1" in caplog.text
    assert "SIM-2" not in caplog.text


def test_a_missing_region_is_named_with_those_that_there_are(
    tmp_path: Path, a_patient: Callable[..., SimulatedSeries]
) -> None:
    a_patient("SIM-1", ROIS[:2])
    ref = find_cases(tmp_path, prostate_manifest("prostate"))[0]

    with pytest.raises(InputRefusedError, match="no region for rectum; it has: Prostate, Bladder"):
        load_case(ref, prostate_manifest("prostate", "rectum"))


def test_a_patient_without_structure_set_is_half_a_case(
    tmp_path: Path, a_patient: Callable[..., SimulatedSeries]
) -> None:
    a_patient("SIM-1")
    SimulatedSeries(tmp_path / "SIM-2" / "ct", modality="CT").write()

    with pytest.raises(InputRefusedError, match="no RT structure set in 1 folders"):
        find_cases(tmp_path, prostate_manifest("prostate"))


def test_a_structure_set_without_ct_is_half_a_case(tmp_path: Path, a_patient: Callable[..., SimulatedSeries]) -> None:
    ct = a_patient("SIM-1")
    ref = find_cases(tmp_path, prostate_manifest("prostate"))[0]
    for path in ct.folder.iterdir():
        path.unlink()

    with pytest.raises(StudyContentError, match="0 CT and 1 RTSTRUCT"):
        load_case(ref, prostate_manifest("prostate"))


def test_an_output_that_is_no_organ_of_the_data_makes_the_model_unfit(
    tmp_path: Path, a_patient: Callable[..., SimulatedSeries]
) -> None:
    a_patient("SIM-1")

    with pytest.raises(ModelUnfitError, match="'seminal_vesicles'"):
        find_cases(tmp_path, prostate_manifest("seminal_vesicles"))
