"""Sites of lesions planted in simulated patients, none of whom the rules were made on."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from psmacore.phantom.course import plan_course, simulate_timepoint
from Testing.sites_truth import SiteCheck, check_sites

LEAST_RIGHT = 0.90  # issue of step 2: sites right for at least 90 % of the phantom's lesions away from borders
SEEDS = (9115, 9116, 9117, 9118, 9119, 9120)


def checks_of(seed: int, *, quick: bool) -> list[SiteCheck]:
    plan = plan_course(seed, n_timepoints=1, n_lesions=40, quick=quick)
    return list(check_sites(simulate_timepoint(plan, 0)))


def part_right(checks: Iterable[SiteCheck]) -> float:
    away = [check for check in checks if not check.is_at_border]
    return sum(check.is_right for check in away) / len(away)


@pytest.mark.slow
def test_sites_of_a_simulated_patient_are_right_away_from_borders():
    checks = checks_of(SEEDS[0], quick=True)
    assert sum(not check.is_at_border for check in checks) >= 20
    assert part_right(checks) >= LEAST_RIGHT, [check for check in checks if not check.is_right]


@pytest.mark.slow
def test_sites_are_right_in_six_simulated_patients_and_on_the_fine_grid():
    checks = [check for seed in SEEDS for check in checks_of(seed, quick=True)]
    checks += checks_of(9130, quick=False)
    assert sum(not check.is_at_border for check in checks) >= 200
    assert part_right(checks) >= LEAST_RIGHT, [check for check in checks if not check.is_right]
    groups = {check.place.rsplit("_", 1)[0] for check in checks if check.place.endswith(("_left", "_right"))}
    assert {"obturator_node", "internal_iliac_node", "common_iliac_node", "retroperitoneal_node"} <= groups
