"""An architecture's name and parameters to a PyTorch network."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType

from torch import nn

from psmacore.ai.networks.classifiers import cnn3d, resnet50_3d
from psmacore.ai.networks.unets import attention_unet, dynunet, unet
from psmacore.errors import ModelUnfitError
from psmacore.registry.manifest import Architecture, Manifest

BUILDERS: Mapping[str, Callable[..., nn.Module]] = MappingProxyType(
    {
        "unet": unet,
        "attention_unet": attention_unet,
        "dynunet": dynunet,
        "cnn3d": cnn3d,
        "resnet50_3d": resnet50_3d,
    }
)


def build_network(architecture: Architecture, *, n_inputs: int, n_outputs: int) -> nn.Module:
    """Return a network with random weights, on torch's default device, in training mode.

    It takes ``(n, n_inputs, k, j, i)``, or ``(n, n_inputs, j, i)`` with ``spatial_dims`` 2, and returns logits:
    ``(n, n_outputs, k, j, i)`` of a segmenter, ``(n, n_outputs)`` of a classifier. With deep supervision, and in
    training mode only, it returns ``(n, 1 + heads, n_outputs, k, j, i)``: the output first, then the heads, the
    finest first, each brought to the output's size. In evaluation mode every network returns the output alone.

    Build under ``torch.device("meta")`` to learn shapes and parameters without memory.

    Raises
    ------
    ModelUnfitError
        If no builder has that name, a parameter is unknown or missing, or its value builds no network.
    """
    builder = BUILDERS.get(architecture.kind)
    if builder is None:
        raise ModelUnfitError(f"architecture/kind: {architecture.kind!r} is unknown; known: {', '.join(BUILDERS)}")
    sizes = {"n_inputs": n_inputs, "n_outputs": n_outputs}
    try:
        inspect.signature(builder).bind(**sizes, **architecture.parameters)
    except TypeError as error:
        raise ModelUnfitError(f"architecture/parameters: {architecture.kind}: {error}") from error
    try:
        return builder(**sizes, **architecture.parameters)
    except (TypeError, ValueError, AttributeError, LookupError, RuntimeError, AssertionError) as error:
        raise ModelUnfitError(f"architecture/parameters build no {architecture.kind}: {error}") from error


def network_of(manifest: Manifest) -> nn.Module:
    """Return the network of a manifest with random weights; see :func:`build_network`."""
    return build_network(manifest.architecture, n_inputs=len(manifest.inputs), n_outputs=len(manifest.outputs))


def is_2d(manifest: Manifest) -> bool:
    """Return whether the network takes slices ``(n, c, j, i)`` in place of volumes."""
    return manifest.architecture.parameters.get("spatial_dims") == 2
