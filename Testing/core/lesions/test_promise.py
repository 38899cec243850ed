"""miTNM of patients by the tables of PROMISE V1 and V2."""

from __future__ import annotations

from dataclasses import replace

import pytest

from psmacore.lesions.promise import mi_tnm, stage
from psmacore.lesions.site_codes import ENTIRE_BODY, SEMINAL_VESICLE, NodeStation, organ_code
from psmacore.model.codes import Code
from psmacore.model.lesions import Lesion, LesionState
from psmacore.model.organs import LIVER, ORGAN_NUMBERS, PROSTATE
from psmacore.model.promise import BonePattern, CommonIliac, PromiseRules, PromiseVersion
from Testing.timepoints import make_lesion

GLAND = organ_code(PROSTATE)
OBTURATOR_LEFT = NodeStation.OBTURATOR.site("left")
COMMON_ILIAC = NodeStation.COMMON_ILIAC.site("right")
V1, V2 = PromiseRules(PromiseVersion.V1), PromiseRules(PromiseVersion.V2)


def lesions(*sites: Code, state: LesionState = LesionState.UNCONFIRMED) -> list[Lesion]:
    return [replace(make_lesion(number, state), site=site) for number, site in enumerate(sites, start=1)]


def bones(n: int) -> list[Lesion]:
    return lesions(*[organ_code(number) for number in range(27, 27 + n)])


@pytest.mark.parametrize(
    ("site", "expected"),
    [
        (GLAND, "miT"),
        (SEMINAL_VESICLE, "miT"),
        (OBTURATOR_LEFT, "miN"),
        (COMMON_ILIAC, "miN"),
        (NodeStation.PARACAVAL.site(), "miM1a"),
        (NodeStation.INGUINAL.site("left"), "miM1a"),
        (organ_code(ORGAN_NUMBERS["rib_left_4"]), "miM1b"),
        (organ_code(LIVER), "miM1c"),
        (ENTIRE_BODY, None),
    ],
)
def test_site_has_its_region_class(site, expected):
    """PROMISE counts common iliac nodes as pelvic."""
    assert mi_tnm(site) == expected


def test_ajcc_takes_common_iliac_nodes_for_distant():
    assert mi_tnm(COMMON_ILIAC, CommonIliac.DISTANT) == "miM1a"
    found = stage(lesions(COMMON_ILIAC), PromiseRules(common_iliac=CommonIliac.DISTANT))
    assert (found.mi_n, found.mi_m, found.common_iliac) == ("miN0", "miM1a(CI)", CommonIliac.DISTANT)


@pytest.mark.parametrize(("n_foci", "v1", "v2"), [(0, "miT0", "miT0"), (1, "miT2", "miT2u"), (3, "miT2", "miT2m")])
def test_foci_in_the_gland_give_the_local_category(n_foci, v1, v2):
    found = lesions(*[GLAND] * n_foci)
    assert (stage(found, V1).mi_t, stage(found, V2).mi_t) == (v1, v2)


def test_uptake_at_the_seminal_vesicles_leaves_the_local_category_to_the_reader():
    assert stage(lesions(GLAND, SEMINAL_VESICLE), V2).mi_t == "miT"


def test_local_uptake_after_prostatectomy_is_a_recurrence():
    after = PromiseRules(is_after_prostatectomy=True)
    assert stage(lesions(GLAND), after).mi_t == "miTr"
    assert stage([], after, has_prostate=False).mi_t == "miT0"


@pytest.mark.parametrize(
    ("sites", "v1", "v2"),
    [
        ((), "miN0", "miN0"),
        ((OBTURATOR_LEFT, OBTURATOR_LEFT), "miN1a", "miN1"),
        ((OBTURATOR_LEFT, NodeStation.OBTURATOR.site("right")), "miN1b", "miN2"),
        ((OBTURATOR_LEFT, COMMON_ILIAC), "miN1b", "miN2"),
    ],
)
def test_regions_with_nodes_give_the_nodal_category(sites, v1, v2):
    found = lesions(*sites)
    assert (stage(found, V1).mi_n, stage(found, V2).mi_n) == (v1, v2)


@pytest.mark.parametrize(
    ("n", "pattern"),
    [
        (1, BonePattern.UNIFOCAL),
        (2, BonePattern.OLIGO),
        (3, BonePattern.OLIGO),
        (4, BonePattern.DISSEMINATED),
    ],
)
def test_number_of_bone_lesions_gives_the_pattern(n, pattern):
    found = stage(bones(n), V2)
    assert (found.bone_pattern, found.mi_m) == (pattern, f"miM1b({pattern.value})")


@pytest.mark.parametrize(("part", "pattern"), [(0.49, "diss"), (0.5, "dmi"), (None, "diss")])
def test_half_of_the_marrow_in_lesions_is_diffuse(part, pattern):
    assert stage(bones(5), V2, marrow_part=part).bone_pattern == pattern


def test_text_names_all_categories_with_stations_and_organs():
    sites = (GLAND, OBTURATOR_LEFT, NodeStation.PARACAVAL.site(), organ_code(30), organ_code(LIVER))
    found = stage(lesions(*sites), V2)
    assert found.text == "miT2u miN1(OBL) miM1a(RP) miM1b(uni) miM1c(liver)"
    assert found.mi_m == "miM1c(liver)"


def test_only_lesions_that_count_are_staged():
    found = stage([*lesions(GLAND), *lesions(organ_code(LIVER), state=LesionState.REJECTED)], V2)
    assert found.text == "miT2u miN0 miM0"


def test_no_lesion_at_all_is_free_of_disease_where_sites_were_looked_for():
    assert stage([], V2).text == "miT0 miN0 miM0"
    assert stage([], V2, has_sites=False).text == ""
    assert stage([], V2, has_prostate=False).text == "miN0 miM0"


def test_lesion_without_a_site_leaves_what_was_not_found_open():
    found = stage(lesions(GLAND, ENTIRE_BODY), V2)
    assert (found.text, found.mi_n, found.mi_m, found.n_unclassified) == ("miT2u", None, None, 1)
