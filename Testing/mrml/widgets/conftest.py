"""A small PET with a segmentation of two lesions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from Testing.host.start import Host


@pytest.fixture
def a_pet(host: Host) -> Any:
    """A volume of 40 × 40 × 40 voxels of 2 mm with a hot cube in the middle."""
    import slicer

    values = np.zeros((40, 40, 40), dtype=np.float32)
    values[15:25, 15:25, 15:25] = 10
    matrix = np.diag([2.0, 2.0, 2.0, 1.0])
    matrix[:3, 3] = -39
    return slicer.util.addVolumeFromArray(values, matrix, "PET")


@pytest.fixture
def a_segmentation(a_pet: Any) -> Any:
    """Two empty segments, L1 and L2, in the geometry of the PET."""
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Lesions")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(a_pet)
    node.GetSegmentation().AddEmptySegment("L1", "Prostate", [1, 0, 0])
    node.GetSegmentation().AddEmptySegment("L2", "Node", [0, 1, 0])
    return node
