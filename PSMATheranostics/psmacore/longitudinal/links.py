"""Lesions of different dates that are one: the links that matching finds and a reader corrects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Spot(NamedTuple):
    """A lesion of a course: the number of its date, from 0, and its tracking UID."""

    date: int
    lesion: str


@dataclass(frozen=True)
class Link:
    """Two lesions that are one; at dates between theirs it was not seen.

    Parameters
    ----------
    earlier, later : Spot
        The lesions. Two links to one later lesion are a merge, two from one earlier lesion a split.
    doubt : str
        Why a reader should look at it; empty where it is clear.
    by_hand : str
        Who linked it, and why; empty where matching did.
    """

    earlier: Spot
    later: Spot
    doubt: str = ""
    by_hand: str = ""


@dataclass(frozen=True)
class Links:
    """What is known of a course's lesions as a whole.

    Parameters
    ----------
    links : tuple of Link
        In order of the later date.
    new_doubts : mapping of Spot to str
        Why a reader should look at a lesion that is linked to none before it.
    gone_doubts : mapping of (Spot, int) to str
        Why a reader should look at a lesion that is linked to none at a date, by the number of that date.
    new_by_hand : mapping of Spot to str
        Who said that a lesion is linked to none before it, and why.
    """

    links: tuple[Link, ...] = ()
    new_doubts: Mapping[Spot, str] = field(default_factory=dict)
    gone_doubts: Mapping[tuple[Spot, int], str] = field(default_factory=dict)
    new_by_hand: Mapping[Spot, str] = field(default_factory=dict)
