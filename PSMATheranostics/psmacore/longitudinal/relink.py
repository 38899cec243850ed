"""A reader's corrections to the links between lesions of different dates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from psmacore.errors import UsageError
from psmacore.longitudinal.links import Link, Links, Spot


class RelinkAction(StrEnum):
    """What a reader says of lesions of two dates."""

    LINK = "link"
    UNLINK = "unlink"
    MERGE = "merge"
    SPLIT = "split"
    MARK_NEW = "mark_new"


@dataclass(frozen=True)
class LesionKey:
    """A lesion by the UID of its study and its tracking UID."""

    study_uid: str
    lesion_uid: str


_COUNTS = {
    RelinkAction.LINK: ("one lesion", "one lesion"),
    RelinkAction.UNLINK: ("one lesion", "one lesion"),
    RelinkAction.MERGE: ("two or more lesions", "one lesion"),
    RelinkAction.SPLIT: ("one lesion", "two or more lesions"),
    RelinkAction.MARK_NEW: ("no lesion", "one lesion"),
}


@dataclass(frozen=True)
class Relink:
    """One correction, with all that an audit asks for.

    Parameters
    ----------
    action : RelinkAction
        ``LINK``: these two are one, and one with no others. ``UNLINK``: these two are not one. ``MERGE``: the earlier
        ones, and no others, became the later one. ``SPLIT``: the earlier one became the later ones, and no others.
        ``MARK_NEW``: the later one is none of those before it.
    earlier, later : tuple of LesionKey
        The lesions.
    reader, reason : str
        Who, and why.
    made_at : datetime
        When, with its time zone.
    undone_by : str
        Who took it back; empty while it is in force.
    undone_at : datetime or None
        When.

    Raises
    ------
    UsageError
        If the action asks for other numbers of lesions, the reader or the reason is blank, or the time has no zone.
    """

    action: RelinkAction
    earlier: tuple[LesionKey, ...]
    later: tuple[LesionKey, ...]
    reader: str
    reason: str
    made_at: datetime
    undone_by: str = ""
    undone_at: datetime | None = None

    def __post_init__(self) -> None:
        wanted, met = _COUNTS[self.action], (_count(self.earlier), _count(self.later))
        if wanted != met:
            raise UsageError(
                f"{self.action}: it takes {wanted[0]} of the earlier date and {wanted[1]} of the later one, "
                f"not {met[0]} and {met[1]}"
            )
        if not self.reader.strip() or not self.reason.strip():
            raise UsageError(f"{self.action}: a correction needs its reader and a reason, not {self.reader!r}, "
                             f"{self.reason!r}")  # fmt: skip
        for time in (self.made_at, self.undone_at):
            if time is not None and time.tzinfo is None:
                raise UsageError(f"{self.action}: {time} has no time zone")

    @property
    def is_in_force(self) -> bool:
        """Whether it was not taken back."""
        return self.undone_at is None

    @property
    def words(self) -> str:
        """What is shown beside the lesions: action, reader and reason."""
        return f"{self.action.replace('_', ' ')} by {self.reader}: {self.reason}"


@dataclass(frozen=True)
class RelinkLog:
    """All corrections of a course in the order in which they were made, those taken back included."""

    edits: tuple[Relink, ...] = ()

    @property
    def in_force(self) -> tuple[Relink, ...]:
        """The corrections that were not taken back."""
        return tuple(edit for edit in self.edits if edit.is_in_force)

    def with_edit(self, edit: Relink) -> RelinkLog:
        """Return the log with one more correction."""
        return RelinkLog((*self.edits, edit))

    def undone(self, reader: str, undone_at: datetime) -> RelinkLog:
        """Return the log with the last correction in force taken back; it stays in the log.

        Raises
        ------
        UsageError
            If none is in force, the reader is blank or the time has no zone.
        """
        if not self.in_force:
            raise UsageError("there is no correction to take back")
        if not reader.strip():
            raise UsageError("taking a correction back needs its reader")
        last = max(number for number, edit in enumerate(self.edits) if edit.is_in_force)
        taken_back = replace(self.edits[last], undone_by=reader, undone_at=undone_at)
        return RelinkLog((*self.edits[:last], taken_back, *self.edits[last + 1 :]))


@dataclass(frozen=True)
class Unapplied:
    """A correction that the course gives no place for, and why."""

    edit: Relink
    reason: str


def relinked(links: Links, log: RelinkLog, spots: Mapping[LesionKey, Spot]) -> tuple[Links, tuple[Unapplied, ...]]:
    """Apply the corrections in force, in their order, to what matching found.

    Parameters
    ----------
    links : Links
        As found.
    log : RelinkLog
        The corrections; they change no other links than those of the lesions that they name.
    spots : mapping of LesionKey to Spot
        The lesions of the course that can be linked.

    Returns
    -------
    Links
        Corrected; what a reader said holds no doubt.
    tuple of Unapplied
        Corrections whose lesions are not all in the course, in the wrong order of dates, or where nothing is linked
        that could be unlinked. They stay in the log and are applied when their lesions are back.
    """
    unapplied = []
    for edit in log.in_force:
        why_not = _why_not(edit, links, spots)
        if why_not:
            unapplied.append(Unapplied(edit, why_not))
        else:
            links = _applied(edit, links, [spots[key] for key in edit.earlier], [spots[key] for key in edit.later])
    return links, tuple(unapplied)


def _count(lesions: Sequence[LesionKey]) -> str:
    n_distinct = len(set(lesions))
    if n_distinct != len(lesions):
        return "one lesion twice"
    return ("no lesion", "one lesion")[n_distinct] if n_distinct < 2 else "two or more lesions"


def _why_not(edit: Relink, links: Links, spots: Mapping[LesionKey, Spot]) -> str:
    for key in (*edit.earlier, *edit.later):
        if key not in spots:
            return f"lesion {key.lesion_uid} of study {key.study_uid} is not in the course, or in it twice"
    first = max((spots[key].date for key in edit.earlier), default=-1)
    if first >= min(spots[key].date for key in edit.later):
        return "the earlier lesion's study is not the earlier one"
    if any(spots[key].date == 0 for key in edit.later):
        return "at the first date nothing can be new"
    if len({spots[key].date for key in edit.later}) > 1:
        return "the later lesions are of different dates"
    if edit.action is RelinkAction.UNLINK:
        pair = spots[edit.earlier[0]], spots[edit.later[0]]
        if all((link.earlier, link.later) != pair for link in links.links):
            return "the two lesions are not linked"
    return ""


def _applied(edit: Relink, links: Links, earlier: Sequence[Spot], later: Sequence[Spot]) -> Links:
    if edit.action is RelinkAction.UNLINK:
        kept = [link for link in links.links if (link.earlier, link.later) != (earlier[0], later[0])]
    else:
        kept = [link for link in links.links if link.earlier not in earlier and link.later not in later]
    if edit.action in (RelinkAction.LINK, RelinkAction.MERGE, RelinkAction.SPLIT):
        kept += [Link(a, b, by_hand=edit.words) for a in earlier for b in later]
    still_linked = {link.later for link in kept}
    new_by_hand = {spot: words for spot, words in links.new_by_hand.items() if spot not in later}
    new_by_hand |= {spot: edit.words for spot in later if spot not in still_linked}
    named = {*earlier, *later}
    return Links(
        tuple(sorted(kept, key=lambda link: (link.later.date, link.later.lesion, link.earlier))),
        {spot: doubt for spot, doubt in links.new_doubts.items() if spot not in named},
        {key: doubt for key, doubt in links.gone_doubts.items() if key[0] not in named},
        new_by_hand,
    )
