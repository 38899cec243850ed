"""A study's CT to organ labels on the PET grid, by an imported nnU-Net in one part or several."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from psmacore.ai.nnunet.predictor import Logits
from psmacore.ai.preprocess.body import body_box
from psmacore.ai.preprocess.grid import AIR_HU, argmax_on
from psmacore.ai.segmenters.choosing import choose
from psmacore.ai.segmenters.nnunet_running import RunningNnunet
from psmacore.ai.segmenters.on_pet import coverage_warnings, covered_by
from psmacore.ai.segmenters.running import Machine
from psmacore.errors import InputRefusedError
from psmacore.model.geometry import Geometry
from psmacore.model.volumes import OrganMap
from psmacore.pipeline.images import StudyImages
from psmacore.pipeline.models import Answer
from psmacore.registry.manifest import ChannelName, Task

_FRACTIONS = (0.28, 0.38)
_MOST_HU = 32767.0


@dataclass(frozen=True)
class NnunetOrgans:
    """Labels organs by an imported model, in the numbers of :mod:`psmacore.model.organs`.

    It runs on the box that the patient fills. Its logits, not its labels, are brought to the PET grid, and never to
    the CT's: a whole-body CT has no memory for those of a hundred organs. Where parts of one model disagree, the
    later one counts, as TotalSegmentator has it.
    """

    machine: Machine
    name: str

    def segment_organs(self, images: StudyImages) -> Answer[OrganMap]:
        """Return the organ map on the grid of the SUV; see :class:`psmacore.ai.segmenters.organ_unet.OrganUnet`."""
        options = self.machine.options
        model = choose(self.name, Task.ORGANS, images, allow_simulation=options.allow_simulation_weights)
        ct, pet_grid = images.ct, images.suv.geometry
        covered = covered_by(ct, pet_grid)
        running = RunningNnunet(model, self.machine)
        labels = label_organs(
            running,
            ct.values.astype(np.float32),
            ct.geometry,
            onto=pet_grid,
            source=f"the CT series {ct.header.series_uid}",
            stage="organs",
            fractions=_FRACTIONS,
        )
        labels[~covered] = 0
        organs = OrganMap(labels, pet_grid, source=f"model {running.title}")
        return Answer(organs, running.use, (*running.warnings, *coverage_warnings(covered, images.suv)))


def label_organs(
    running: RunningNnunet,
    hu: NDArray[np.float32],
    geometry: Geometry,
    *,
    onto: Geometry,
    source: str,
    stage: str,
    fractions: tuple[float, float],
) -> NDArray[np.uint16]:
    """Return the organs that a CT shows, ``(k, j, i)`` on ``onto``, uint16; 0 beyond the CT's box of the patient.

    Parameters
    ----------
    hu : numpy.ndarray
        ``(k, j, i)``, float32, on ``geometry``.
    source : str
        What the CT is called in messages.
    stage, fractions
        For the progress, as :meth:`RunningNnunet.each` has them.

    Raises
    ------
    InputRefusedError
        If the CT holds values that are no HU.
    """
    if not bool((np.isfinite(hu) & (np.abs(hu) <= _MOST_HU)).all()):
        raise InputRefusedError(f"{source} holds values that are no HU")
    crop = body_box({ChannelName.CT: hu})
    body, body_grid = crop.cut(hu, AIR_HU), crop.geometry(geometry)
    labels = np.zeros(onto.shape, np.uint16)
    for part, logits in running.each(
        lambda predictor, follow: predictor.logits(body[None], body_grid, on_window=follow),
        stage=stage,
        fractions=fractions,
    ):
        found = _organs_on(onto, logits, part.organ_numbers)
        labels[found > 0] = found[found > 0]
    return labels


def _organs_on(target: Geometry, logits: Logits, organ_numbers: tuple[int, ...]) -> NDArray[np.uint16]:
    """Return the organ of each voxel of another grid; 0 beyond the part of the CT that the network saw."""
    winners = argmax_on(logits.values, logits.geometry, target)
    winners[~_inside(logits.geometry, target)] = 0
    numbers = np.zeros(256, np.uint16)
    numbers[1 : len(organ_numbers) + 1] = organ_numbers
    return np.asarray(numbers[winners])


def _inside(field: Geometry, target: Geometry) -> NDArray[np.bool_]:
    """Return which voxels of a grid lie within another one's outer faces, ``(k, j, i)``."""
    inside = np.zeros(target.shape, np.bool_)
    field_from_target = field.ijk_from_lps @ target.lps_from_ijk
    last = np.array(field.shape[::-1], np.float64) - 0.5
    j, i = np.indices(target.shape[1:], dtype=np.float64)
    for k in range(target.shape[0]):
        ijk = np.stack((i, j, np.full_like(i, k)), axis=-1) @ field_from_target[:3, :3].T + field_from_target[:3, 3]
        inside[k] = np.all((ijk >= -0.5) & (ijk <= last), axis=-1)
    return inside
