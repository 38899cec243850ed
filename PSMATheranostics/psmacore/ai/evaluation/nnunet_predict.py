"""An imported nnU-Net and the images of a case to masks or labels on the case's own grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psmacore.ai.evaluation.predict import WHOLE, Mask, hot_voxels
from psmacore.ai.segmenters.nnunet_lesions import label_lesions, lesion_mask, lesion_probability
from psmacore.ai.segmenters.nnunet_organs import label_organs
from psmacore.ai.segmenters.nnunet_running import RunningNnunet
from psmacore.ai.segmenters.running import Images, Machine, Thresholds
from psmacore.errors import InputRefusedError, ModelUnfitError
from psmacore.model.geometry import Geometry
from psmacore.model.timepoint import ModelUse
from psmacore.registry.catalog import ModelFolder
from psmacore.registry.manifest import ChannelName, Task


class NnunetOnCases:
    """A :class:`psmacore.ai.evaluation.case_model.CaseModel` that nnU-Net runs, as in the analysis of a study.

    Parameters
    ----------
    operating_point : float or None
        Probability from which on a voxel is lesion; where the model's own labels say so if ``None``.
    """

    def __init__(self, model: ModelFolder, machine: Machine, operating_point: float | None) -> None:
        self.manifest = model.manifest
        self._running = RunningNnunet(model, machine)
        self._operating_point = operating_point

    @property
    def use(self) -> ModelUse:
        """What the results record of this model."""
        return self._running.use

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was done otherwise than asked for."""
        return self._running.warnings

    @property
    def uses_own_labels(self) -> bool:
        """Of a lesion model, whether the user named no operating point."""
        return self.manifest.task is Task.LESIONS and self._operating_point is None

    def lesion_mask(self, geometry: Geometry, images: Images, thresholds_suv: Thresholds) -> Mask:
        """Return what model and threshold agree on.

        Imported lesion models are always thresholded, and some read PET as multiples of the threshold.
        """
        hot = hot_voxels(self.manifest, images, thresholds_suv)
        labelled = label_lesions(
            self._running, geometry, images, thresholds_suv[ChannelName.PET], stage="lesions", fractions=WHOLE
        )
        if self._operating_point is None:
            return hot & lesion_mask(self.manifest, self._running.spec, labelled)
        probability = lesion_probability(self.manifest, self._running.spec, labelled)
        return np.asarray(hot & (probability >= np.float32(self._operating_point)), dtype=np.bool_)

    def organ_labels(self, geometry: Geometry, images: Images, *, onto: Geometry | None = None) -> NDArray[np.uint16]:
        """Return organs by the numbers of :mod:`psmacore.model.organs`; 0 beyond the box that the patient fills."""
        if ChannelName.CT not in images:
            raise InputRefusedError(f"{self.manifest.name} reads a CT, which is not there")
        return label_organs(
            self._running,
            images[ChannelName.CT],
            geometry,
            onto=geometry if onto is None else onto,
            source="the CT",
            stage="organs",
            fractions=WHOLE,
        )

    def study_probability(self, geometry: Geometry, images: Images) -> float:
        """Refuse: nnU-Net labels voxels."""
        raise ModelUnfitError(f"{self.manifest.name} is an imported nnU-Net, which classifies no studies")
