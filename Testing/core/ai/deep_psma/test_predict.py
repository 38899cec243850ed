"""A pair and real, tiny networks to lesions of either tracer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

pytest.importorskip("torch")

from psmacore.ai.data.case import ReferenceTracer
from psmacore.ai.deep_psma.postprocess import Growth
from psmacore.ai.deep_psma.predict import Found, gate_on, lesions_of, predict_pair
from psmacore.ai.preprocess.pairing import Pair
from psmacore.ai.segmenters.running import Machine, RunningModel
from psmacore.errors import ModelUnfitError
from psmacore.pipeline.request import ModelOptions, Postprocessing
from psmacore.registry.manifest import Grid
from Testing.core.ai.deep_psma.pairs import a_pair, a_pair_on_one_grid
from Testing.tiny_models import FAR, tiny_paired_manifest, write_constant_model, write_random_model

BOTH = list(ReferenceTracer)


@pytest.fixture(autouse=True)
def _one_thread(torch_or_skip: ModuleType) -> None:
    """Every test here runs networks."""


@pytest.fixture
def machine() -> Machine:
    return Machine(ModelOptions(device="cpu"))


@pytest.fixture
def a_random_model(tmp_path: Path, machine: Machine) -> RunningModel:
    """Windows smaller than the crop, so that some hold nothing that is read."""
    manifest = replace(tiny_paired_manifest(), grid=Grid(patch=(8, 8, 8), overlap=0.25))
    return RunningModel(write_random_model(tmp_path, manifest, seed=5), machine)


def find(
    tracer: ReferenceTracer, pair: Pair, models: list[RunningModel], method: Postprocessing, *, is_gated: bool = True
) -> Found:
    probabilities = predict_pair(models, pair, method, is_gated=is_gated)
    return lesions_of(tracer, pair, probabilities, method, operating_point=0.5, growth=Growth())


def cooled(pair: Pair) -> Pair:
    """Return the pair with uptake above the thresholds in one corner of each study only."""
    fdg, psma = pair.fdg.pet.copy(), pair.psma.pet.copy()
    fdg[:, 5:, :], psma[:, :, 5:] = 0.1, 0.1
    return replace(pair, fdg=replace(pair.fdg, pet=fdg), psma=replace(pair.psma, pet=psma))


@pytest.mark.parametrize("tracer", BOTH)
@pytest.mark.parametrize("method", list(Postprocessing))
def test_skipped_windows_change_no_voxel(
    a_random_model: RunningModel, tracer: ReferenceTracer, method: Postprocessing
) -> None:
    """Exact mode: the thresholded mask is bit for bit that of a run without a gate, through an oblique transform."""
    pair = cooled(a_pair())
    gated, whole = (find(tracer, pair, [a_random_model], method, is_gated=flag) for flag in (True, False))
    assert 0 < gated.mask.sum() < gated.mask.size
    assert np.array_equal(gated.mask, whole.mask)
    assert np.array_equal(gated.probability[gated.mask], whole.probability[gated.mask])


@pytest.mark.parametrize("tracer", BOTH)
def test_a_model_that_sees_lesion_everywhere_leaves_what_reaches_the_threshold(
    tmp_path: Path, machine: Machine, tracer: ReferenceTracer
) -> None:
    """D02: voxels at the threshold count."""
    pair = a_pair()
    pair.of(tracer).pet[3, 4, 5] = pair.of(tracer).threshold_suv
    model = RunningModel(write_constant_model(tmp_path, tiny_paired_manifest(), FAR, FAR), machine)
    found = find(tracer, pair, [model], Postprocessing.BOTHWAYS)
    assert np.array_equal(found.mask, pair.of(tracer).pet >= np.float32(pair.of(tracer).threshold_suv))
    assert found.mask[3, 4, 5]


def test_the_first_output_is_fdg_and_the_second_psma(tmp_path: Path, machine: Machine) -> None:
    """D06: each tracer has its own output."""
    model = RunningModel(write_constant_model(tmp_path, tiny_paired_manifest(), FAR, -FAR), machine)
    pair = a_pair()
    assert find(ReferenceTracer.FDG, pair, [model], Postprocessing.BOTHWAYS).mask.any()
    assert not find(ReferenceTracer.PSMA, pair, [model], Postprocessing.BOTHWAYS).mask.any()


@pytest.mark.parametrize("tracer", BOTH)
def test_both_ways_are_one_where_nothing_moves(a_random_model: RunningModel, tracer: ReferenceTracer) -> None:
    """D21: the same images on the same grid twice give the same answer twice."""
    pair = a_pair_on_one_grid()
    single, both = (
        find(tracer, pair, [a_random_model], method) for method in (Postprocessing.SINGLE, Postprocessing.BOTHWAYS)
    )
    assert single.mask.any()
    assert np.array_equal(single.mask, both.mask)
    assert np.array_equal(single.probability[single.mask], both.probability[both.mask])


@pytest.mark.parametrize("tracer", BOTH)
def test_both_ways_find_at_least_what_one_way_finds(a_random_model: RunningModel, tracer: ReferenceTracer) -> None:
    """D21: a union; growth adds to it (D22)."""
    pair = a_pair()
    masks = {method: find(tracer, pair, [a_random_model], method).mask for method in Postprocessing}
    assert not (masks[Postprocessing.SINGLE] & ~masks[Postprocessing.BOTHWAYS]).any()
    assert masks[Postprocessing.BOTHWAYS].sum() > masks[Postprocessing.SINGLE].sum()
    for plain, grown in (("single", "single+"), ("bothways", "bothways+")):
        assert not (masks[Postprocessing(plain)] & ~masks[Postprocessing(grown)]).any()
    assert all((mask <= pair.of(tracer).is_hot).all() for mask in masks.values())


def test_an_ensemble_is_the_mean_of_logits_not_of_masks(tmp_path: Path, machine: Machine) -> None:
    """D23: logits 3, -1 and -1 have mean 1/3, though two of three folds see no lesion."""
    folds = [
        RunningModel(write_constant_model(tmp_path, tiny_paired_manifest(f"fold-{number}"), 0.0, logit), machine)
        for number, logit in enumerate((3.0, -1.0, -1.0))
    ]
    found = find(ReferenceTracer.PSMA, a_pair(), folds, Postprocessing.SINGLE)
    assert found.mask.any()
    assert found.probability[found.mask] == pytest.approx(1 / (1 + np.exp(-1 / 3)), rel=1e-6)
    assert not find(ReferenceTracer.PSMA, a_pair(), folds[1:], Postprocessing.SINGLE).mask.any()


def test_models_that_read_other_patches_are_no_ensemble(tmp_path: Path, machine: Machine) -> None:
    one = write_random_model(tmp_path, tiny_paired_manifest("one"))
    other = write_random_model(tmp_path, replace(tiny_paired_manifest("other"), grid=Grid(patch=(16, 16, 16))))
    with pytest.raises(ModelUnfitError, match="no folds of one model"):
        predict_pair([RunningModel(one, machine), RunningModel(other, machine)], a_pair(), Postprocessing.SINGLE)


@pytest.mark.parametrize("reference", BOTH)
def test_one_way_reads_the_own_tracer_alone(reference: ReferenceTracer) -> None:
    pair = a_pair()
    single, both = (gate_on(pair, reference, method) for method in (Postprocessing.SINGLE, Postprocessing.BOTHWAYS))
    assert np.array_equal(single, pair.of(reference).is_hot)
    assert (single <= both).all()
    assert both.sum() > single.sum()


def test_a_pair_without_uptake_has_no_lesion(tmp_path: Path, machine: Machine) -> None:
    pair = a_pair()
    cold = replace(
        pair,
        fdg=replace(pair.fdg, pet=np.full_like(pair.fdg.pet, 0.5)),
        psma=replace(pair.psma, pet=np.full_like(pair.psma.pet, 0.5)),
    )
    model = RunningModel(write_constant_model(tmp_path, tiny_paired_manifest(), FAR, FAR), machine)
    for method in Postprocessing:
        assert not find(ReferenceTracer.FDG, cold, [model], method).mask.any()


def test_below_the_threshold_the_model_is_asked_when_nothing_is_gated(tmp_path: Path, machine: Machine) -> None:
    """D28: what it takes for lesion is known before the threshold cuts it."""
    model = RunningModel(write_constant_model(tmp_path, tiny_paired_manifest(), FAR, FAR), machine)
    pair = cooled(a_pair())
    found = find(ReferenceTracer.PSMA, pair, [model], Postprocessing.BOTHWAYS, is_gated=False)
    assert (found.predicted & ~pair.psma.is_hot).any()
    assert not (found.mask & ~pair.psma.is_hot).any()
