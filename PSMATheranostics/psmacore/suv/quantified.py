"""What both ways to SUVbw, from activity concentration and from a stored SUV, hand to the derivation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from psmacore.model.administration import PetAcquisition, RadiopharmaceuticalAdministration
from psmacore.suv.body import BodyMeasures
from psmacore.suv.journal import Journal
from psmacore.suv.overrides import ReaderEntries
from psmacore.suv.rules import DerivationRules


@dataclass(frozen=True)
class Case:
    """One series with all that its derivation reads.

    ``administration`` holds only absent values where the header has no such sequence.
    ``decay_correction`` is the header's or the reader's; empty where absent.
    """

    acquisition: PetAcquisition
    administration: RadiopharmaceuticalAdministration
    decay_correction: str
    entries: ReaderEntries
    rules: DerivationRules
    journal: Journal

    def as_stored(self) -> Case:
        """Return the case without the reader's entries, with a journal of its own."""
        return Case(
            self.acquisition,
            self.administration,
            self.acquisition.decay_correction,
            ReaderEntries(),
            self.rules,
            Journal(self.journal.series_uid),
        )


@dataclass(frozen=True)
class Quantified:
    """Result of one way to SUVbw.

    Parameters
    ----------
    suvbw_per_value : numpy.ndarray
        ``(k,)``, float64; from the rescaled value of each slice to SUVbw in g/ml.
    factor_g_per_bq : float or None
        From Bq/ml to SUVbw, where one factor holds for all slices and Bq/ml is known.
    body : BodyMeasures
        As used.
    injected_at, reference_at, scan_at : datetime or None
        Injection, decay reference of the images, start of the acquisition.
    activity_bq : float or None
        Net activity at injection.
    half_life_s : float or None
        As used.
    """

    suvbw_per_value: NDArray[np.float64]
    factor_g_per_bq: float | None
    body: BodyMeasures
    injected_at: datetime | None
    reference_at: datetime | None
    scan_at: datetime | None
    activity_bq: float | None
    half_life_s: float | None
