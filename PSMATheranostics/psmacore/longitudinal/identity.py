"""Tracks to the UIDs and names that they keep whenever the course is matched again."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psmacore.model.tracks import LesionTrack


@dataclass(frozen=True)
class Identity:
    """Tracking UID and name of a track."""

    tracking_uid: str
    tracking_id: str


def identities(lesions: Sequence[Sequence[tuple[str, str]]], known: Sequence[LesionTrack] = ()) -> tuple[Identity, ...]:
    """Return the identity of each track.

    A track is called after the lesion that it began with, so that matching again, or with a date more, gives the same
    UID. Where the course was saved before, a track that holds a lesion of a saved track keeps that one's identity,
    even if an earlier date or a reader's correction has changed where it begins.

    Parameters
    ----------
    lesions : sequence of sequences of (str, str)
        For each track its lesions by date, at least one: study UID and tracking UID.
    known : sequence of LesionTrack
        The tracks of the saved course.
    """
    owners = _owners(known)
    kept: dict[int, LesionTrack] = {}
    for number, own in enumerate(lesions):
        owner = next((owners[lesion] for _study, lesion in own if lesion in owners), None)
        if owner is not None and all(owner is not taken for taken in kept.values()):
            kept[number] = owner
    uids = {track.tracking_uid for track in kept.values()}
    names = _free_names({track.tracking_id for track in known})
    found = []
    for number, own in enumerate(lesions):
        if number in kept:
            found.append(Identity(kept[number].tracking_uid, kept[number].tracking_id))
            continue
        study, uid = own[0]
        while uid in uids:
            uid = _derived_uid(study, uid)
        uids.add(uid)
        found.append(Identity(uid, next(names)))
    return tuple(found)


def _owners(known: Sequence[LesionTrack]) -> dict[str, LesionTrack]:
    """Return the saved track of each lesion that only one track holds: merged ones tell nothing."""
    owners: dict[str, LesionTrack] = {}
    shared: set[str] = set()
    for track in known:
        for lesion in {point.lesion for point in track.points if point is not None and point.lesion is not None}:
            if lesion in owners:
                shared.add(lesion)
            owners[lesion] = track
    return {lesion: track for lesion, track in owners.items() if lesion not in shared}


def _free_names(taken: set[str]) -> Iterator[str]:
    number = 0
    while True:
        number += 1
        if f"L{number}" not in taken:
            yield f"L{number}"


def _derived_uid(study: str, lesion: str) -> str:
    """Return a UID for a track whose first lesion's UID names another track (DICOM PS3.5 B.2)."""
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, f'{study} {lesion}').int}"
