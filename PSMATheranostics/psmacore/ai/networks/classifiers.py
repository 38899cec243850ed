"""Widths to networks that turn a whole volume into one logit."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from monai.networks.nets.resnet import ResNet
from torch import nn

_RESNET50_BLOCKS = (3, 4, 6, 3)
_RESNET50_WIDTHS = (64, 128, 256, 512)


class Cnn3d(nn.Module):
    """Convolution blocks, average pool and two fully connected layers.

    A block is 3 x 3 x 3 convolution, batch normalisation, ReLU and max pooling by 2.

    References
    ----------
    W73: four blocks, average pooling, two fully connected layers. The paper's sigmoid belongs to the loss here
    (binary cross-entropy with logits) and to inference. Widths are ours, the paper gives none.
    """

    def __init__(self, n_inputs: int, n_outputs: int, channels: Sequence[int], n_hidden: int) -> None:
        super().__init__()
        widths = (n_inputs, *channels)
        self.blocks = nn.Sequential(*(_block(before, after) for before, after in pairwise(widths)))
        self.pool = nn.AdaptiveAvgPool3d(1)
        self.head = nn.Sequential(
            nn.Flatten(), nn.Linear(widths[-1], n_hidden), nn.ReLU(), nn.Linear(n_hidden, n_outputs)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits ``(n, n_outputs)`` of ``(n, n_inputs, k, j, i)``."""
        logits: torch.Tensor = self.head(self.pool(self.blocks(x)))
        return logits


def _block(n_before: int, n_after: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv3d(n_before, n_after, kernel_size=3, padding=1),
        nn.BatchNorm3d(n_after),
        nn.ReLU(),
        nn.MaxPool3d(2),
    )


def cnn3d(*, n_inputs: int, n_outputs: int, channels: Sequence[int], n_hidden: int) -> nn.Module:
    """Return the custom CNN of W73; ``channels`` has one width for each block."""
    if not channels or min(channels) < 1:
        raise ValueError(f"every block needs a width of 1 or more, not {tuple(channels)}")
    return Cnn3d(n_inputs, n_outputs, channels, n_hidden)


def resnet50_3d(*, n_inputs: int, n_outputs: int, width_factor: float = 1.0, first_stride: int = 2) -> nn.Module:
    """Return MONAI's 3D ResNet-50: bottleneck blocks 3, 4, 6, 3.

    Parameters
    ----------
    width_factor : float
        Of all widths; 1 is ResNet-50.
    first_stride : int
        Of the first 7 x 7 x 7 convolution; 2 in the original.

    References
    ----------
    W74. He et al., Deep residual learning, CVPR 2016, table 1.
    """
    if int(width_factor * _RESNET50_WIDTHS[0]) < 1:
        raise ValueError(f"width_factor {width_factor:g} leaves no channel")
    return ResNet(
        block="bottleneck",
        layers=list(_RESNET50_BLOCKS),
        block_inplanes=list(_RESNET50_WIDTHS),
        spatial_dims=3,
        n_input_channels=n_inputs,
        conv1_t_size=7,
        conv1_t_stride=first_stride,
        widen_factor=width_factor,
        num_classes=n_outputs,
    )
