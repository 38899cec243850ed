"""A running model and the images of a case to masks, labels or a probability on the case's own grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from psmacore.ai.inference.accumulate import BACKGROUND_LOGITS
from psmacore.ai.preprocess.prepare import Cropping, restore, restore_labels
from psmacore.ai.segmenters.lesion_unet import lesion_probability
from psmacore.ai.segmenters.running import Images, RunningModel, Thresholds
from psmacore.errors import InputRefusedError
from psmacore.model.geometry import Geometry
from psmacore.registry.manifest import ChannelName, Manifest, Task

Mask = NDArray[np.bool_]

_WHOLE = (0.0, 1.0)


def lesion_mask(
    running: RunningModel, geometry: Geometry, images: Images, thresholds_suv: Thresholds, *, operating_point: float
) -> Mask:
    """Return the mask ``(k, j, i)`` of one tracer's lesions, on ``geometry``.

    A voxel counts from the operating point on. Of a thresholded model it must also reach the PET's threshold.

    Parameters
    ----------
    geometry : Geometry
        Grid of the images.
    images : mapping of ChannelName to numpy.ndarray
        ``(k, j, i)``, float32, in g/ml, HU and label numbers.
    thresholds_suv : mapping of ChannelName to float
        In g/ml.

    Raises
    ------
    InputRefusedError, GeometryError
        If an image or a threshold is missing, an image is not finite or lies on another grid.
    """
    manifest = running.manifest
    gate = _gate(manifest, images, thresholds_suv)
    logits, prepared = running.logits(geometry, images, thresholds_suv, gate=gate, stage="lesions", fractions=_WHOLE)
    first, others = BACKGROUND_LOGITS
    native = restore(logits, prepared, fill=[first, *[others] * (len(manifest.outputs) - 1)])
    mask = np.asarray(lesion_probability(manifest, native) >= np.float32(operating_point), dtype=np.bool_)
    return mask if gate is None else mask & gate


def organ_labels(
    running: RunningModel, geometry: Geometry, images: Images, *, onto: Geometry | None = None
) -> NDArray[np.uint16]:
    """Return the label numbers of exclusive outputs, ``(k, j, i)``, uint16.

    Organ models read the box that the patient fills, as in the analysis of a study.

    Parameters
    ----------
    geometry : Geometry
        Grid of the images.
    images : mapping of ChannelName to numpy.ndarray
        ``(k, j, i)``, float32.
    onto : Geometry, optional
        Grid of the result, of the same field of view; that of the images if absent.
    """
    cropping = Cropping.BODY if running.manifest.task is Task.ORGANS else None
    logits, prepared = running.logits(geometry, images, {}, cropping=cropping, stage="organs", fractions=_WHOLE)
    return restore_labels(running.manifest, logits, prepared if onto is None else replace(prepared, native=onto))


def _gate(manifest: Manifest, images: Images, thresholds_suv: Thresholds) -> Mask | None:
    """Return where the PET reaches its threshold; ``None`` where nothing is thresholded."""
    if not manifest.validity.is_thresholded:
        return None
    if ChannelName.PET not in thresholds_suv:
        raise InputRefusedError(
            f"{manifest.name} is thresholded, but nothing states the threshold of {ChannelName.PET}: "
            "for FDG it is measured in the liver, which needs an organ model"
        )
    return np.asarray(images[ChannelName.PET] >= np.float32(thresholds_suv[ChannelName.PET]), dtype=np.bool_)
