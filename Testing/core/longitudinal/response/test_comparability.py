"""How two studies differ, and what forbids a category (W89)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from psmacore.longitudinal.response.comparability import ComparabilityLimits, comparability
from psmacore.model.assessments import Comparable, Severity
from psmacore.model.codes import Code
from psmacore.model.suv import SuvType
from psmacore.model.timepoint import Scanner, SegmenterInfo
from psmacore.suv.tracer import UNKNOWN
from Testing.core.longitudinal.response.courses import make_course
from Testing.timepoints import FDG

DCFPYL = Code("C116352", "NCIt", "[18F]DCFPyL")
WARNS, BLOCKS = Severity.WARNS, Severity.BLOCKS


@pytest.fixture
def two_studies():
    return make_course({"L1": [5.0, 6.0]}).timepoints


def found(studies, **changed):
    """Return what differs once the later study is changed."""
    return [(one.kind, one.severity) for one in comparability(studies[0], replace(studies[1], **changed))]


def test_studies_measured_alike_have_no_finding(two_studies):
    assert comparability(*two_studies) == ()


@pytest.mark.parametrize(
    ("tracer", "expected"),
    [
        (DCFPYL, [(Comparable.TRACER, WARNS)]),
        (FDG, [(Comparable.TRACER, BLOCKS)]),
        (Code("FAPI", "", "[68Ga]FAPI-46"), [(Comparable.TRACER, BLOCKS)]),
        (UNKNOWN, [(Comparable.UNKNOWN, WARNS)]),
        (Code("C118961", "", "gallium PSMA-11"), []),
    ],
)
def test_another_psma_ligand_warns_and_another_target_blocks(two_studies, tracer, expected):
    assert found(two_studies, tracer=tracer) == expected


@pytest.mark.parametrize(("uptake_min", "expected"), [(76.2, []), (76.3, [(Comparable.UPTAKE_TIME, WARNS)])])
def test_uptake_times_more_than_15_minutes_apart_warn(two_studies, uptake_min, expected):
    """The first study's is 61.2 min."""
    assert found(two_studies, suv=replace(two_studies[1].suv, uptake_min=uptake_min)) == expected


@pytest.mark.parametrize(("weight_kg", "expected"), [(74.25, []), (74.2, [(Comparable.WEIGHT, WARNS)])])
def test_a_body_weight_that_changed_by_more_than_10_percent_warns(two_studies, weight_kg, expected):
    """82.5 kg before."""
    assert found(two_studies, suv=replace(two_studies[1].suv, weight_kg=weight_kg)) == expected


def test_another_scanner_and_another_reconstruction_warn_each(two_studies):
    scanner = two_studies[1].scanner
    other = [(Comparable.SCANNER, WARNS), (Comparable.RECONSTRUCTION, WARNS)]
    assert found(two_studies, scanner=Scanner("OTHER", scanner.model, "PSF")) == other
    assert found(two_studies, scanner=replace(scanner, reconstruction="PSF")) == other[1:]


def drawn(name="model", version="1.0.0", weights=None, threshold_suv=3.0, **parameters):
    return SegmenterInfo(name, version, weights, threshold_suv, parameters)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (drawn(), drawn(), []),
        (drawn(), drawn(name="mask"), [(Comparable.SEGMENTER, BLOCKS)]),
        (drawn(weights="a"), drawn(weights="b"), [(Comparable.SEGMENTER, BLOCKS)]),
        (drawn(weights="a"), drawn(weights="a", version="1.0.1"), [(Comparable.SEGMENTER, WARNS)]),
        (drawn(), drawn(version="1.0.1"), [(Comparable.SEGMENTER, BLOCKS)]),
        (drawn(rule="psma_fixed"), drawn(rule="percent_41"), [(Comparable.THRESHOLD_RULE, BLOCKS)]),
        (drawn(rule="psma_fixed"), drawn(rule="psma_fixed", threshold_suv=4.0), [(Comparable.THRESHOLD_RULE, BLOCKS)]),
        (drawn(rule="fdg_liver"), drawn(rule="fdg_liver", threshold_suv=4.0), []),
        (drawn(operating_point=0.5), drawn(operating_point=0.3), [(Comparable.THRESHOLD_RULE, BLOCKS)]),
        (drawn(companion_volume_ml=1.0), drawn(companion_volume_ml=2.0), []),
        (drawn(), drawn(name="", threshold_suv=None), [(Comparable.UNKNOWN, WARNS)]),
    ],
)
def test_another_segmenter_or_threshold_rule_blocks(two_studies, one, other, expected):
    """A rule that reads the liver finds another SUV in each study and is the same rule."""
    studies = [replace(two_studies[0], segmenter=one), two_studies[1]]
    assert found(studies, segmenter=other) == expected


def test_a_new_version_of_the_program_only_warns(two_studies):
    """The threshold segmenter has the program's version: a release must not make every course incomparable."""
    segmenter, software = two_studies[1].segmenter, two_studies[1].software
    later = {"segmenter": replace(segmenter, version="0.2.0"), "software": replace(software, version="0.2.0")}
    assert found(two_studies, **later) == [(Comparable.SEGMENTER, WARNS)]


def test_another_suv_type_blocks_and_names_both(two_studies):
    (finding,) = comparability(*two_studies, (SuvType.BW, SuvType.LBM))
    assert (finding.kind, finding.severity) == (Comparable.SUV_TYPE, BLOCKS)
    assert (finding.from_value, finding.to_value) == ("SUVbw", "SUVlbm")


def test_studies_of_one_day_and_identical_measurements_warn(two_studies):
    same_day = replace(two_studies[1].study, date=two_studies[0].study.date)
    assert found(two_studies, study=same_day) == [(Comparable.DATE, WARNS)]
    assert found(two_studies, lesions=two_studies[0].lesions) == [(Comparable.MEASUREMENTS, WARNS)]


def test_simulated_and_clinical_studies_are_not_compared(two_studies):
    assert found(two_studies, is_simulated=True) == [(Comparable.SIMULATION, BLOCKS)]


def test_what_is_not_known_is_named_in_one_finding(two_studies):
    suv = replace(two_studies[1].suv, uptake_min=None, weight_kg=None)
    bare = replace(
        two_studies[1], tracer=UNKNOWN, suv=suv, scanner=Scanner("", "", ""), segmenter=SegmenterInfo("", "")
    )
    (finding,) = comparability(two_studies[0], bare)
    assert finding.severity is WARNS
    assert finding.text.endswith("tracer, uptake time, scanner, reconstruction, body weight, segmenter")


def test_a_site_may_set_its_own_limits(two_studies):
    later = replace(two_studies[1], suv=replace(two_studies[1].suv, uptake_min=70.0))
    assert comparability(two_studies[0], later) == ()
    (finding,) = comparability(two_studies[0], later, limits=ComparabilityLimits(uptake_min=5.0))
    assert "61 min, 70 min: more than 5 min apart" in finding.text
