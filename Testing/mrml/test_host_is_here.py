"""The host starts, or the run says what keeps it from starting."""

from __future__ import annotations

import pytest

from Testing.host.needs import why_not


def test_everything_the_host_needs_is_here() -> None:
    reason = why_not()
    if reason:
        pytest.skip(f"all tests on the host are left out: {reason}")
