"""A reader's corrections to tracks: applied, applied again, taken back, and never lost (W50, W52)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from psmacore.errors import UsageError
from psmacore.longitudinal.dated import DatedLesions
from psmacore.longitudinal.relink import LesionKey, Relink, RelinkAction, RelinkLog
from psmacore.longitudinal.tracks import FollowedCourse, follow_lesions
from Testing.core.longitudinal.matching_scenes import PLACES, Spec, a_study, point_of, states, track_of

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
FIRST, SECOND, THIRD = ("2.25.901", "2.25.902", "2.25.903")


@pytest.fixture
def two_dates() -> list[DatedLesions]:
    """Two lesions that stay, and one that is gone where another is new."""
    return [
        a_study(1, a=Spec(PLACES[0]), b=Spec(PLACES[1]), c=Spec(PLACES[2])),
        a_study(2, d=Spec(PLACES[0]), e=Spec(PLACES[1]), f=Spec(PLACES[3])),
    ]


def edit(action: str, earlier: str, later: str, *, reason: str = "seen on CT", minutes: int = 0) -> Relink:
    """Return a correction by the letters of lesions of the first and the second date."""
    return Relink(
        RelinkAction(action), tuple(LesionKey(FIRST, uid) for uid in earlier),
        tuple(LesionKey(SECOND, uid) for uid in later), "Reader 1", reason, NOON + timedelta(minutes=minutes),
    )  # fmt: skip


def after(studies: list[DatedLesions], *edits: Relink) -> FollowedCourse:
    return follow_lesions(studies, log=RelinkLog(edits))


def test_a_link_by_hand_joins_what_matching_left_apart(two_dates: list[DatedLesions]):
    course = after(two_dates, edit("link", "c", "f"))
    track = track_of(course, "c")
    assert states(track) == ["present", "present"]
    assert point_of(track, 1).lesion == "f"
    assert point_of(track, 1).reason == "link by Reader 1: seen on CT"
    assert not point_of(track, 1).is_uncertain
    assert len(course.tracks) == 3


def test_a_link_by_hand_frees_the_lesions_that_were_linked_before(two_dates: list[DatedLesions]):
    course = after(two_dates, edit("link", "a", "e"))
    assert point_of(track_of(course, "a"), 1).lesion == "e"
    assert states(track_of(course, "b")) == ["present", "resolved"]
    assert states(track_of(course, "d")) == [None, "new"]


def test_what_is_unlinked_is_gone_and_new(two_dates: list[DatedLesions]):
    course = after(two_dates, edit("unlink", "a", "d"))
    assert states(track_of(course, "a")) == ["present", "resolved"]
    assert states(track_of(course, "d")) == [None, "new"]
    assert "unlink by Reader 1" in point_of(track_of(course, "d"), 1).reason


def test_lesions_are_merged_by_hand(two_dates: list[DatedLesions]):
    course = after(two_dates, edit("merge", "ab", "e"))
    assert states(track_of(course, "a")) == states(track_of(course, "b")) == ["present", "merged"]
    assert point_of(track_of(course, "a"), 1).lesion == "e"


def test_a_lesion_is_split_by_hand(two_dates: list[DatedLesions]):
    course = after(two_dates, edit("split", "c", "ef"))
    assert states(track_of(course, "c")) == ["present", "split"]
    parts = [track for track in course.tracks if point_of(track, 1).lesion in ("e", "f")]
    assert [track.split_from for track in parts] == [None, "c"]


def test_a_lesion_is_marked_new_by_hand(two_dates: list[DatedLesions]):
    course = after(two_dates, edit("mark_new", "", "d"))
    assert states(track_of(course, "d")) == [None, "new"]
    assert point_of(track_of(course, "d"), 1).reason == "mark new by Reader 1: seen on CT"
    assert states(track_of(course, "a")) == ["present", "resolved"]


def test_of_two_corrections_the_later_one_holds(two_dates: list[DatedLesions]):
    course = after(two_dates, edit("mark_new", "", "d"), edit("link", "c", "d", minutes=1))
    assert point_of(track_of(course, "c"), 1).lesion == "d"


def test_undo_takes_back_the_last_correction_and_keeps_it_in_the_log(two_dates: list[DatedLesions]):
    log = RelinkLog().with_edit(edit("link", "c", "f")).with_edit(edit("unlink", "a", "d", minutes=1))
    once = log.undone("Reader 2", NOON + timedelta(minutes=2))
    twice = once.undone("Reader 2", NOON + timedelta(minutes=3))
    assert [len(one.in_force) for one in (log, once, twice)] == [2, 1, 0]
    assert follow_lesions(two_dates, log=once) == after(two_dates, edit("link", "c", "f"))
    assert follow_lesions(two_dates, log=twice) == follow_lesions(two_dates)
    assert [(one.reader, one.undone_by) for one in twice.edits] == [("Reader 1", "Reader 2")] * 2
    assert log.edits[1].undone_at is None


def test_nothing_is_left_to_undo_in_an_empty_log():
    with pytest.raises(UsageError, match="no correction"):
        RelinkLog().undone("Reader 1", NOON)


def test_a_correction_holds_when_a_date_is_added(two_dates: list[DatedLesions]):
    third = a_study(3, g=Spec(PLACES[3]))
    course = after([*two_dates, third], edit("link", "c", "f"))
    assert [point_of(track_of(course, "c"), date).lesion for date in range(3)] == ["c", "f", "g"]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (edit("link", "a", "x"), "lesion x of study 2.25.902 is not in the course"),
        (edit("unlink", "a", "e"), "not linked"),
    ],
    ids=["absent", "not linked"],
)
def test_a_correction_without_its_place_is_reported_and_changes_nothing(
    two_dates: list[DatedLesions], wrong: Relink, why: str
):
    course = after(two_dates, wrong)
    assert [one.edit for one in course.unapplied] == [wrong]
    assert why in course.unapplied[0].reason
    assert course.tracks == follow_lesions(two_dates).tracks


def test_a_correction_against_the_order_of_dates_is_reported(two_dates: list[DatedLesions]):
    backwards = Relink(RelinkAction.LINK, (LesionKey(SECOND, "d"),), (LesionKey(FIRST, "a"),), "R", "why", NOON)
    assert "earlier" in after(two_dates, backwards).unapplied[0].reason


@pytest.mark.parametrize(
    ("action", "earlier", "later"),
    [("link", "ab", "d"), ("link", "", "d"), ("merge", "a", "d"), ("merge", "aa", "d"), ("split", "a", "d"),
     ("unlink", "a", "de"), ("mark_new", "a", "d"), ("mark_new", "", "de")],
)  # fmt: skip
def test_a_correction_takes_the_lesions_that_its_action_asks_for(action: str, earlier: str, later: str):
    with pytest.raises(UsageError, match=action):
        edit(action, earlier, later)


@pytest.mark.parametrize(("reader", "reason"), [("", "why"), ("Reader 1", " ")])
def test_a_correction_needs_its_reader_and_a_reason(reader: str, reason: str):
    with pytest.raises(UsageError, match="reader and a reason"):
        Relink(RelinkAction.LINK, (LesionKey(FIRST, "a"),), (LesionKey(SECOND, "d"),), reader, reason, NOON)


def test_a_correction_needs_a_time_with_its_zone():
    keys = (LesionKey(FIRST, "a"),), (LesionKey(SECOND, "d"),)
    with pytest.raises(UsageError, match="time zone"):
        Relink(RelinkAction.LINK, *keys, "Reader 1", "why", NOON.replace(tzinfo=None))


def test_a_lesion_of_a_study_that_is_given_twice_is_not_corrected_by_chance():
    study = a_study(1, a=Spec())
    wrong = Relink(RelinkAction.MARK_NEW, (), (LesionKey(FIRST, "a"),), "Reader 1", "why", NOON)
    assert "twice" in after([study, study], wrong).unapplied[0].reason


def test_at_the_first_date_nothing_can_be_new(two_dates: list[DatedLesions]):
    wrong = Relink(RelinkAction.MARK_NEW, (), (LesionKey(FIRST, "a"),), "Reader 1", "why", NOON)
    assert "first date" in after(two_dates, wrong).unapplied[0].reason
