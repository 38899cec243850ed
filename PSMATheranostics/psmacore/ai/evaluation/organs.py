"""A case to the organ labels on its PET grid: what thresholds are taken from to make a rule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from psmacore.ai.data.case import Case, Layout, ReferenceTracer
from psmacore.ai.data.open_data import load_case
from psmacore.ai.evaluation.case_model import CaseModel
from psmacore.ai.evaluation.rules import OrganSource
from psmacore.ai.preprocess.grid import Interpolation, resample
from psmacore.errors import InputRefusedError
from psmacore.model.geometry import Geometry
from psmacore.model.volumes import OrganMap
from psmacore.registry.manifest import ChannelName


def organs_of(case: Case, organ_model: CaseModel) -> dict[OrganSource, OrganMap]:
    """Predict the organs of a case from its CT; where the data set holds organs, return these too.

    Parameters
    ----------
    case : Case
        With a CT on the PET grid, or of the DEEP-PSMA layout, whose CT is read beside it.
    organ_model : CaseModel
        Reads the CT.

    Returns
    -------
    dict of OrganSource to OrganMap
        On the PET grid of the case.

    Raises
    ------
    InputRefusedError
        If the case has no CT.
    """
    manifest = organ_model.manifest
    if case.ref.layout is Layout.DEEP_PSMA:
        tracer = case.ref.tracer or str(case.ref.reference or ReferenceTracer.PSMA)
        organ_case = load_case(replace(case.ref, tracer=tracer, reference=None), manifest)
        given = _on(organ_case.target, organ_case.geometry, case.geometry)
        predicted = organ_model.organ_labels(organ_case.geometry, organ_case.channels, onto=case.geometry)
        return {
            OrganSource.PREDICTED: OrganMap(predicted, case.geometry, manifest.name),
            OrganSource.GIVEN: OrganMap(given, case.geometry, "data set"),
        }
    if ChannelName.CT not in case.channels:
        raise InputRefusedError(f"case {case.ref.case_id} has no CT to predict organs from")
    labels = organ_model.organ_labels(case.geometry, {ChannelName.CT: case.channels[ChannelName.CT]})
    return {OrganSource.PREDICTED: OrganMap(labels, case.geometry, manifest.name)}


def _on(
    labels: NDArray[np.uint8] | NDArray[np.uint16] | None, source: Geometry, target: Geometry
) -> NDArray[np.uint16]:
    if labels is None:
        raise InputRefusedError("an organ case came without its labels")
    return resample(labels.astype(np.uint16), source, target, interpolation=Interpolation.NEAREST)
