"""New bone lesions over a course to the 2+2 rule of PCWG3, adapted from bone scans to PSMA PET."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from psmacore.lesions.site_codes import SiteGroup, group_of
from psmacore.longitudinal.response.comparability import comparability
from psmacore.longitudinal.response.course import Comparison
from psmacore.longitudinal.response.outcome import Outcome, missing_totals
from psmacore.longitudinal.response.recip import refuse_other_tracer
from psmacore.model.assessments import Category, EvidenceItem, Severity
from psmacore.model.lesions import Lesion
from psmacore.model.tracks import LesionTrack
from psmacore.suv.tracer import is_fdg

SOFT_TISSUE = "soft tissue by RECIST 1.1 is not part of this: it needs sizes on CT"


@dataclass(frozen=True)
class Pcwg3Rules:
    """The numbers of the 2+2 rule.

    Parameters
    ----------
    n_new : int
        New bone lesions that count, first and further ones.
    persistence_days : int
        Time between a study and the one that confirms it: 6 weeks.
    first_week, last_week : int
        When the first study under therapy is expected.

    References
    ----------
    Scher et al., J Clin Oncol 2016;34:1402, for bone scans.
    """

    n_new: int = 2
    persistence_days: int = 42
    first_week: int = 8
    last_week: int = 9


@dataclass
class _Rule:
    """The 2+2 rule while it goes through the studies under therapy."""

    comparison: Comparison
    rules: Pcwg3Rules
    evidence: list[EvidenceItem] = field(default_factory=list)
    first: int = -1
    is_flare_open: bool = False
    pending: list[tuple[int, tuple[LesionTrack, ...]]] = field(default_factory=list)
    progressed: int | None = None

    def look_at(self, index: int) -> Category:
        """Return the category as it stands at a study; studies come in order."""
        if self.first < 0:
            return self._look_at_first(index)
        further = self._new(self.first, index, "further new bone lesions since the first study under therapy")
        is_many = len(further) >= self.rules.n_new
        if self.progressed is None and self.is_flare_open:
            return self._after_flare(index, is_many=is_many)
        if self.progressed is None:
            self._confirm(index)
        if self.progressed is not None:
            return Category.PD
        if is_many:
            self.pending.append((index, further))
        return Category.PDU if is_many else Category.NON_CR_NON_PD

    def _look_at_first(self, index: int) -> Category:
        self.first = index
        new = self._new(self.comparison.start, index, "new bone lesions since baseline")
        self.is_flare_open = len(new) >= self.rules.n_new
        return Category.PDU if self.is_flare_open else Category.NON_CR_NON_PD

    def _after_flare(self, index: int, *, is_many: bool) -> Category:
        """Two further lesions confirm the first two; fewer mean a flare; too early a study settles nothing."""
        if self._days(self.first, index) < self.rules.persistence_days:
            return Category.PDU
        self.is_flare_open = False
        if is_many:
            self.progressed = self.first
        return Category.PD if is_many else Category.NON_CR_NON_PD

    def _confirm(self, index: int) -> None:
        """Date progression to the first study whose new lesions are still there 6 weeks later."""
        counting = {lesion.tracking_uid for lesion in self.comparison.course.counting(index)}
        for earlier, tracks in self.pending:
            points = (track.points[index] for track in tracks)
            n_left = sum(point is not None and point.lesion in counting for point in points)
            if n_left >= self.rules.n_new and self._days(earlier, index) >= self.rules.persistence_days:
                self.progressed = earlier
                return

    def _new(self, start: int, index: int, name: str) -> tuple[LesionTrack, ...]:
        lesions = {lesion.tracking_uid: lesion for lesion in self.comparison.course.counting(index)}
        found = tuple(
            track
            for track in self.comparison.new_since(start, index)
            if (point := track.points[index]) is not None and _is_bone(lesions.get(point.lesion or ""))
        )
        uids, names = tuple(track.tracking_uid for track in found), ", ".join(track.tracking_id for track in found)
        note = f"on {self._day(index)}{': ' if names else ''}{names}"
        n = self.rules.n_new
        self.evidence.append(EvidenceItem(name, len(found), "", n, len(found) >= n, uids, note))
        return found

    def _day(self, index: int) -> date:
        return self.comparison.course.day(index)

    def _days(self, start: int, index: int) -> int:
        return (self._day(index) - self._day(start)).days


def assess_pcwg3(comparison: Comparison, rules: Pcwg3Rules) -> Outcome:
    """Return the 2+2 rule from one date, taken for baseline, to another, over all studies between them.

    Two or more new bone lesions in the first study under therapy are unconfirmed progression (PDu) and that study
    becomes the new baseline, because bone may flare. Two or more further ones at least 6 weeks later are progression,
    dated to the first study. Later, two or more new ones against the first study under therapy are progression where
    they persist for 6 weeks.

    Returns
    -------
    Outcome
        Bone only. No category for a tracer other than PSMA ligands, without totals, or where a study in between was
        measured otherwise. Exploratory unless the first study under therapy is of week 8 or 9.
    """
    refusal = refuse_other_tracer(comparison, "PCWG3, adapted,") or missing_totals(comparison)
    studies = [*_between(comparison), comparison.end]
    refusal = refusal or _incomparable(comparison, studies[:-1])
    if refusal:
        return Outcome(None, refusal)
    rule = _Rule(comparison, rules)
    category = [rule.look_at(index) for index in studies][-1]
    evidence = rule.evidence
    if rule.progressed is not None:
        evidence.append(EvidenceItem("progression is dated to", None, note=str(comparison.course.day(rule.progressed))))
    evidence.append(EvidenceItem("bone only", None, note=SOFT_TISSUE))
    weeks = (comparison.course.day(studies[0]) - comparison.start_day).days // 7
    exploratory = ""
    if not rules.first_week <= weeks <= rules.last_week:
        exploratory = (
            f"the first study under therapy is of week {weeks}, PCWG3 expects week {rules.first_week} to "
            f"{rules.last_week}"
        )
    return Outcome(category, "", tuple(evidence), exploratory=exploratory)


def _between(comparison: Comparison) -> Iterable[int]:
    """Return the studies between two dates that show PSMA and whose lesions are known."""
    timepoints = comparison.course.timepoints
    return (
        index
        for index in range(comparison.start + 1, comparison.end)
        if timepoints[index].totals is not None and not is_fdg(timepoints[index].tracer)
    )


def _incomparable(comparison: Comparison, studies: Iterable[int]) -> str:
    course = comparison.course
    for index in studies:
        types = (course.supplement(comparison.start).suv_type, course.supplement(index).suv_type)
        for finding in comparability(comparison.earlier, course.timepoints[index], types):
            if finding.severity is Severity.BLOCKS:
                return f"between {comparison.start_day} and {course.day(index)} {finding.text}"
    return ""


def _is_bone(lesion: Lesion | None) -> bool:
    """Return whether a lesion lies in bone: PROMISE's miM1b, else by its site."""
    if lesion is None:
        return False
    return lesion.mi_tnm.startswith("miM1b") if lesion.mi_tnm else group_of(lesion.site) is SiteGroup.BONE
