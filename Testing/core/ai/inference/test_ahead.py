"""Reading one case ahead."""

import threading

import pytest

pytest.importorskip("torch")

from psmacore.ai.inference.ahead import loaded_ahead


def test_cases_come_in_order_and_each_once():
    assert list(loaded_ahead(range(5), lambda ref: ref * ref)) == [0, 1, 4, 9, 16]
    assert list(loaded_ahead([], str)) == []


def test_the_next_case_is_read_while_the_first_is_in_use():
    second_is_read = threading.Event()

    def load(ref):
        if ref == 1:
            second_is_read.set()
        return ref

    cases = loaded_ahead([0, 1, 2], load)
    assert next(cases) == 0
    assert second_is_read.wait(timeout=30)
    assert list(cases) == [1, 2]


def test_an_error_comes_where_its_case_would_have_come():
    def load(ref):
        return 1 // ref

    cases = loaded_ahead([1, 0], load)
    assert next(cases) == 1
    with pytest.raises(ZeroDivisionError):
        next(cases)
