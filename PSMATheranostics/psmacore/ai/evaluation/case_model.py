"""A model of any kind to what it says of a case: lesion masks, organ labels or one probability."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from psmacore.ai.evaluation.predict import NetworkOnCases
from psmacore.ai.segmenters.running import Images, Machine, RunningModel, Thresholds
from psmacore.model.geometry import Geometry
from psmacore.model.timepoint import ModelUse
from psmacore.registry.catalog import ModelFolder
from psmacore.registry.manifest import Manifest
from psmacore.registry.nnunet_spec import NNUNET_KIND


class CaseModel(Protocol):
    """A running model that is asked for case after case; what runs it, the caller need not know.

    Images are ``(k, j, i)``, float32, on ``geometry``, in g/ml, HU and label numbers; thresholds are in g/ml.
    """

    manifest: Manifest

    @property
    def use(self) -> ModelUse:
        """What the results record of it."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was done otherwise than asked for."""

    @property
    def uses_own_labels(self) -> bool:
        """Whether the model's own labels say what is lesion, in place of an operating point."""

    def lesion_mask(self, geometry: Geometry, images: Images, thresholds_suv: Thresholds) -> NDArray[np.bool_]:
        """Return one tracer's lesions, ``(k, j, i)``: of a thresholded model as far as the PET reaches its threshold.

        Raises
        ------
        InputRefusedError, GeometryError
            If an image or a threshold is missing, an image is not finite or lies on another grid.
        """

    def organ_labels(self, geometry: Geometry, images: Images, *, onto: Geometry | None = None) -> NDArray[np.uint16]:
        """Return organs by their numbers, ``(k, j, i)``, on ``onto`` or else on the grid of the images."""

    def study_probability(self, geometry: Geometry, images: Images) -> float:
        """Return a classifier's probability for the whole study.

        Raises
        ------
        ModelUnfitError
            If the model is none.
        """


def case_model(model: ModelFolder, machine: Machine, *, operating_point: float | None = None) -> CaseModel:
    """Open a model.

    nnU-Net is imported only for models that it runs: that takes seconds, and an installation may do without it.

    Parameters
    ----------
    operating_point : float, optional
        Probability from which on an output is lesion; the model's own way if absent.

    Raises
    ------
    ModelMissingError, ModelUnfitError
        If weights are missing, altered or unfit.
    """
    if model.manifest.architecture.kind == NNUNET_KIND:
        from psmacore.ai.evaluation.nnunet_predict import NnunetOnCases

        return NnunetOnCases(model, machine, operating_point)
    point = model.manifest.operating_point if operating_point is None else operating_point
    return NetworkOnCases(RunningModel(model, machine), point)
