"""What a tracer makes of the same image: score, miTNM and doubts."""

from __future__ import annotations

import numpy as np
import pytest

from psmacore.lesions.candidates import Candidates
from psmacore.lesions.segment import segment_by_mask
from psmacore.model.codes import Code
from psmacore.model.organs import AORTA, LIVER, PAROTIDS, SPLEEN
from psmacore.model.promise import PromiseRules, PromiseVersion
from psmacore.model.volumes import OrganMap, SuvVolume
from psmacore.pipeline.meaning import Meaning, meaning_of, score_reference_of
from Testing.core.lesions.scenes import a_suv
from Testing.timepoints import FDG, PSMA_11

PSMA_1007 = Code("126758", "DCM", "[18F]PSMA-1007")
LEVELS = ((LIVER, 4.5), (SPLEEN, 8.0), (PAROTIDS[0], 12.0), (AORTA, 1.5))


@pytest.fixture
def a_study() -> tuple[SuvVolume, OrganMap, Candidates]:
    """Cubes of 48 mm for four reference organs, and a lesion of SUV 6 outside of them."""
    values, labels = np.full((16, 16, 80), 0.5, np.float32), np.zeros((16, 16, 80), np.uint16)
    for n, (number, level) in enumerate(LEVELS):
        box = np.s_[2:14, 2:14, 2 + 16 * n : 14 + 16 * n]
        values[box], labels[box] = level, number
    values[7:10, 7:10, 70:73] = 6.0
    suv = a_suv(values)
    organs = OrganMap(labels, suv.geometry)
    mask = np.zeros(labels.shape, np.bool_)
    mask[7:10, 7:10, 70:73] = True
    return suv, organs, segment_by_mask(suv, mask, organs)


def meaning(study: tuple[SuvVolume, OrganMap, Candidates], tracer: Code, rules: PromiseRules | None = None) -> Meaning:
    suv, organs, candidates = study
    return meaning_of(suv, organs, tracer, candidates, rules or PromiseRules())


@pytest.mark.parametrize(("tracer", "score"), [(PSMA_11, 2), (PSMA_1007, 1), (FDG, None)])
def test_score_follows_the_ligands_reference_and_fdg_has_none(a_study, tracer, score):
    """SUV 6 lies above the liver's 4.5 and below the spleen's 8."""
    (lesion,) = meaning(a_study, tracer).lesions
    assert lesion.expression_score == score


def test_stage_holds_the_edition_that_was_asked_for(a_study):
    found = meaning(a_study, PSMA_11, PromiseRules(PromiseVersion.V1))
    assert found.promise is not None
    assert found.promise.version is PromiseVersion.V1


def test_fdg_has_no_stage_and_no_doubts_about_ligand_references(a_study):
    found = meaning(a_study, FDG)
    assert (found.promise, found.warnings) == (None, ())


def test_tracer_that_is_no_psma_ligand_has_no_reference():
    assert score_reference_of(Code("", "", "choline")) is None


def test_liver_of_another_ligand_is_doubted(a_study):
    (words,) = meaning(a_study, PSMA_1007).warnings
    assert "liver SUVmean 4.5 is unusual for this ligand (10 to 14)" in words
