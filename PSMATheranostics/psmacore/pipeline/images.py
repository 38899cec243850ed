"""A loaded study to what segmenters and classifiers may look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from psmacore.errors import StudyContentError
from psmacore.model.codes import Code
from psmacore.model.geometry import FloatArray
from psmacore.model.volumes import CtVolume, OrganMap, SuvVolume


@dataclass(frozen=True, eq=False)
class StudyImages:
    """What a method may look at: SUVbw, organ map on the same grid, tracer, CT, the other tracer's study.

    Parameters
    ----------
    suv : SuvVolume
        SUVbw in g/ml on the native PET grid.
    organs : OrganMap or None
        On the grid of ``suv``.
    tracer : Code
        Radiopharmaceutical.
    is_simulated : bool
        Whether the images say that they are simulated: weights trained on simulation may then run.
    read_ct : callable or None
        Reads the CT that lies in the PET's frame of reference; ``None`` where the study has none.
    companion : Companion or None
        The same patient's study with the other tracer.
    """

    suv: SuvVolume
    organs: OrganMap | None
    tracer: Code
    is_simulated: bool = False
    read_ct: Callable[[], CtVolume] | None = None
    companion: Companion | None = None

    @cached_property
    def ct(self) -> CtVolume:
        """The CT in HU on its own grid, read when it is first asked for.

        Raises
        ------
        StudyContentError
            If the study has none in the PET's frame of reference.
        """
        if self.read_ct is None:
            raise StudyContentError("the model reads the CT, and the study has none in the PET's frame of reference")
        return self.read_ct()


@dataclass(frozen=True, eq=False)
class Companion:
    """The same patient with the other tracer.

    Parameters
    ----------
    images : StudyImages
        On its own grid.
    companion_lps_from_lps : numpy.ndarray
        4 x 4, rigid; takes a point of the study (LPS, mm) to the same place of the body in the companion.
    registration : str
        How the two were brought together and how well, in words.
    """

    images: StudyImages
    companion_lps_from_lps: FloatArray
    registration: str
