"""The phantom's data sets through the same loaders as the published ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from psmacore.ai.data.open_data import find_cases, load_case
from psmacore.ai.data.splits import published_folds
from psmacore.phantom.layout_autopet import Form, write_autopet_case, write_index
from psmacore.phantom.layout_common import CaseRequest
from psmacore.phantom.layout_deep_psma import write_deep_psma_case
from psmacore.phantom.layout_prostate_ct import write_prostate_ct_case
from psmacore.registry.manifest import ChannelName
from Testing.core.ai.preprocess.manifests import (
    lesion_manifest,
    organ_manifest,
    paired_manifest,
    prostate_manifest,
    study_manifest,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def a_simulated_pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, float]]]:
    folder = tmp_path_factory.mktemp("deep-psma")
    marker = write_deep_psma_case(folder, CaseRequest(3, quick=True))
    return folder, json.loads(marker.read_text())["studies"]


def test_the_burden_of_a_simulated_pair_is_the_truths(
    a_simulated_pair: tuple[Path, dict[str, dict[str, float]]],
) -> None:
    folder, truth = a_simulated_pair
    refs = find_cases(folder, paired_manifest())

    for ref, output in zip(refs, (1, 0), strict=True):
        case = load_case(ref, paired_manifest())
        assert ref.reference is not None
        study = truth[ref.reference.upper()]
        assert case.target is not None
        burden_ml = int(case.target[output].sum()) * case.geometry.voxel_volume_ml
        assert burden_ml == pytest.approx(study["burden_ml"], rel=1e-3)
        pet = (ChannelName.FDG_PET, ChannelName.PSMA_PET)[output]
        assert case.thresholds_suv[pet] == pytest.approx(study["threshold_suv"])


def test_the_rigid_transform_lays_the_livers_on_each_other(
    a_simulated_pair: tuple[Path, dict[str, dict[str, float]]],
) -> None:
    """D07: the wrong direction of rigid.tfm would lay them apart."""
    folder, _truth = a_simulated_pair

    for ref in find_cases(folder, paired_manifest()):
        case = load_case(ref, paired_manifest())
        fdg, psma = (case.channels[name] == 5 for name in (ChannelName.FDG_ORGANS, ChannelName.PSMA_ORGANS))
        assert 2 * (fdg & psma).sum() / (fdg.sum() + psma.sum()) > 0.9


def test_a_simulated_pair_trains_organs_with_the_glands_above_200(
    a_simulated_pair: tuple[Path, dict[str, dict[str, float]]],
) -> None:
    folder, _truth = a_simulated_pair
    manifest = organ_manifest(5, 201, 202)

    for ref in find_cases(folder, manifest):
        target = load_case(ref, manifest).target
        assert target is not None
        assert set(np.unique(target)) == {0, 5, 201, 202}


@pytest.mark.parametrize("form", [Form.NNUNET, Form.TREE])
def test_simulated_autopet_tells_studies_with_lesions_from_those_without(tmp_path: Path, form: Form) -> None:
    tracer = "fdg" if form is Form.TREE else "psma-11"
    for seed, n_lesions in ((1, 8), (2, 0)):
        write_autopet_case(tmp_path, CaseRequest(seed, tracer=tracer, n_lesions=n_lesions, quick=True), form=form)
    write_index(tmp_path, form=form)
    family = tracer.partition("-")[0]

    refs = find_cases(tmp_path, study_manifest())
    lesion_cases = [load_case(ref, lesion_manifest(family)) for ref in find_cases(tmp_path, lesion_manifest(family))]

    assert len(refs) == 2
    assert {ref.tracer for ref in refs} == {family}
    assert sorted(bool(load_case(ref, study_manifest()).has_lesion) for ref in refs) == [False, True]
    assert sorted(bool(case.target is not None and case.target.any()) for case in lesion_cases) == [False, True]
    if form is Form.NNUNET:
        folds = published_folds(tmp_path, refs)
        assert folds is not None
        assert all(fold.patients <= {ref.patient_id for ref in refs} for fold in folds)


def test_simulated_contours_become_organs_of_the_truths_volume(tmp_path: Path) -> None:
    """W62."""
    marker = write_prostate_ct_case(tmp_path, CaseRequest(3, quick=True))
    volumes_ml = json.loads(marker.read_text())["volumes_ml"]
    manifest = prostate_manifest("prostate", "bladder", "rectum", "femoral_head_left", "femoral_head_right")

    case = load_case(find_cases(tmp_path, manifest)[0], manifest)

    assert case.target is not None
    for label, name in enumerate(("Prostate", "Bladder", "Rectum", "Femoral_Head_L", "Femoral_Head_R"), start=1):
        volume_ml = int((case.target == label).sum()) * case.geometry.voxel_volume_ml
        assert volume_ml == pytest.approx(volumes_ml[name], rel=0.03)
    left, right = (np.argwhere(case.target == label).mean(axis=0) for label in (4, 5))
    assert case.geometry.lps_of_kji(left)[0, 0] > case.geometry.lps_of_kji(right)[0, 0]
