"""Options of PROMISE reach the request."""

from __future__ import annotations

import argparse

import pytest

from psmacore.cli.promise_options import add_promise_options, promise_rules
from psmacore.model.promise import CommonIliac, PromiseRules, PromiseVersion


@pytest.fixture
def a_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    add_promise_options(parser)
    return parser


def test_without_options_the_rules_are_the_models_defaults(a_parser):
    assert promise_rules(a_parser.parse_args([])) == PromiseRules()


def test_each_option_changes_its_rule(a_parser):
    arguments = a_parser.parse_args(["--promise", "V1", "--common-iliac", "distant", "--after-prostatectomy"])
    assert promise_rules(arguments) == PromiseRules(PromiseVersion.V1, CommonIliac.DISTANT, True)


def test_options_offer_every_edition_and_convention(a_parser):
    choices = {action.dest: action.choices for action in a_parser._actions}
    assert set(choices["promise"]) == set(PromiseVersion)
    assert set(choices["common_iliac"]) == set(CommonIliac)
