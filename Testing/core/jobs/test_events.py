"""Events: one JSON object a line, whatever else a worker writes."""

from __future__ import annotations

import json

import pytest

from psmacore.jobs.events import (
    Cancelled,
    Event,
    EventReader,
    Failed,
    Log,
    Progress,
    Result,
    Started,
    from_line,
    to_line,
)

EVENTS: tuple[Event, ...] = (
    Started("j"),
    Progress("j", "measure lesions", 0.25),
    Log("j", "two\nlines ± ß", "WARNING"),
    Result("j", {"n_lesions": 3, "nested": {"a": [1, None]}}),
    Failed("j", 3, "no weight", "DicomInputError"),
    Cancelled("j"),
)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_is_read_as_it_was_written(event: Event) -> None:
    line = to_line(event)
    assert line.count("\n") == 1
    assert from_line(line, "other") == event


def test_a_progress_line_has_the_keys_of_the_contract() -> None:
    assert json.loads(to_line(EVENTS[1])) == {
        "event": "progress",
        "job": "j",
        "stage": "measure lesions",
        "fraction": 0.25,
    }


@pytest.mark.parametrize("size", [1, 2, 7, 64, 10_000])
def test_lines_are_found_however_the_bytes_are_cut(size: int) -> None:
    stream = "".join(map(to_line, EVENTS)).encode()
    reader = EventReader("j")
    found = [event for start in range(0, len(stream), size) for event in reader.feed(stream[start : start + size])]
    assert (*found, *reader.close()) == EVENTS


def test_a_last_line_without_end_is_not_lost() -> None:
    reader = EventReader("j")
    assert reader.feed(b"half a wor") == []
    assert reader.feed(b"d") == []
    assert reader.close() == [Log("j", "half a word")]
    assert reader.close() == []


@pytest.mark.parametrize(
    "line",
    [
        "Downloading weights",
        "[1, 2]",
        '"text"',
        "{",
        '{"stage": "no event"}',
        '{"event": "progress", "fraction": "half"}',
        '{"event": "progress", "fraction": true}',
        '{"event": "result", "result": 3}',
        '{"event": "dance"}',
    ],
)
def test_a_line_that_is_no_event_becomes_a_log_of_its_words(line: str) -> None:
    event = from_line(line, "j")
    assert isinstance(event, Log)
    assert event.message == line


def test_bytes_that_are_no_text_do_not_stop_the_reader() -> None:
    (event,) = EventReader("j").feed(b"\xff\xfe\n")
    assert isinstance(event, Log)


def test_a_fraction_stays_between_0_and_1() -> None:
    event = from_line('{"event": "progress", "stage": "a", "fraction": 1.7}', "j")
    assert event == Progress("j", "a", 1.0)


def test_an_endless_line_does_not_fill_the_memory() -> None:
    reader = EventReader("j")
    mebibyte = b"x" * 2**20
    events = [event for _ in range(17) for event in reader.feed(mebibyte)]
    assert len(events) == 1
