"""Widths and depths to segmentation networks: U-Net, Attention U-Net and DynUNet of MONAI."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.nets.attentionunet import AttentionUnet
from monai.networks.nets.dynunet import DynUNet
from monai.networks.nets.unet import UNet
from torch import nn

Stride = int | Sequence[int]


def unet(
    *,
    n_inputs: int,
    n_outputs: int,
    spatial_dims: int,
    channels: Sequence[int],
    strides: Sequence[int],
    n_residual_units: int = 2,
    norm: str = "batch",
    dropout: float = 0.0,
) -> nn.Module:
    """Return MONAI's ``UNet``: residual units, strided convolutions down, transposed ones up.

    Parameters
    ----------
    channels : sequence of int
        Of each level, the finest first; five levels in W82.
    strides : sequence of int
        Between the levels, one fewer than ``channels``; the first halves the input at once.

    References
    ----------
    W66 (2D and 3D U-Net on CT), W82 (PET + CT, five levels, stride 2). Kerfoot et al., STACOM 2018.
    """
    _check_levels(channels, strides, one_stride_per_level=False)
    return UNet(
        spatial_dims=spatial_dims,
        in_channels=n_inputs,
        out_channels=n_outputs,
        channels=tuple(channels),
        strides=tuple(strides),
        num_res_units=n_residual_units,
        norm=norm,
        dropout=dropout,
    )


def attention_unet(
    *,
    n_inputs: int,
    n_outputs: int,
    spatial_dims: int,
    channels: Sequence[int],
    strides: Sequence[int],
    dropout: float = 0.0,
) -> nn.Module:
    """Return MONAI's ``AttentionUnet``: a gate in every skip connection; parameters as :func:`unet`.

    The finest level keeps the input's size, unlike :func:`unet`'s.

    References
    ----------
    W66. Oktay et al., Attention U-Net, MIDL 2018.
    """
    _check_levels(channels, strides, one_stride_per_level=False)
    return AttentionUnet(
        spatial_dims=spatial_dims,
        in_channels=n_inputs,
        out_channels=n_outputs,
        channels=tuple(channels),
        strides=tuple(strides),
        dropout=dropout,
    )


class _ForgetfulDynUNet(DynUNet):
    """DynUNet that keeps no output of its heads between calls: those hold the graph and forbid a copy."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(n, c, k, j, i)``, in training ``(n, 1 + heads, c, k, j, i)``."""
        logits: torch.Tensor = super().forward(x)  # type: ignore[no-untyped-call]
        for index in range(len(self.heads)):
            self.heads[index] = torch.empty(0)
        return logits


def dynunet(
    *,
    n_inputs: int,
    n_outputs: int,
    filters: Sequence[int],
    strides: Sequence[Stride],
    kernel_size: int = 3,
    n_heads: int = 0,
    is_residual: bool = True,
    norm: str = "instance",
    negative_slope: float = 0.01,
) -> nn.Module:
    """Return MONAI's 3D ``DynUNet``, close to nnU-Net's.

    Parameters
    ----------
    filters : sequence of int
        Of each level, the finest first.
    strides : sequence of int or of (k, j, i)
        Into each level, as many as ``filters``; the first is 1.
    n_heads : int
        Deep supervision heads beside the output; 0 for none.

    References
    ----------
    D04. Isensee et al., nnU-Net, Nat Methods 2021;18:203.
    """
    _check_levels(filters, strides, one_stride_per_level=True)
    sizes = [[stride] * 3 if isinstance(stride, int) else list(stride) for stride in strides]
    if sizes[0] != [1, 1, 1]:
        raise ValueError(f"the first stride must be 1, not {strides[0]}: the output would be smaller than the input")
    return _ForgetfulDynUNet(
        spatial_dims=3,
        in_channels=n_inputs,
        out_channels=n_outputs,
        kernel_size=[[kernel_size] * 3 for _ in sizes],
        strides=sizes,
        upsample_kernel_size=sizes[1:],
        filters=list(filters),
        norm_name=norm,
        act_name=("leakyrelu", {"inplace": False, "negative_slope": negative_slope}),
        deep_supervision=n_heads > 0,
        deep_supr_num=max(n_heads, 1),
        res_block=is_residual,
    )


def _check_levels(widths: Sequence[int], strides: Sequence[Stride], *, one_stride_per_level: bool) -> None:
    if not all(isinstance(width, int) and width > 0 for width in widths):
        raise ValueError(f"every level needs a width of 1 or more, not {tuple(widths)}")
    expected = len(widths) if one_stride_per_level else len(widths) - 1
    if len(strides) != expected:
        raise ValueError(f"{len(widths)} levels need {expected} strides, not {len(strides)}")
