"""nnU-Net plans to what one configuration of them says, held to what may be built from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psmacore.errors import ModelUnfitError, UsageError

# Names in the plans are imported, so only those of classes of networks and of nnU-Net's own steps may stand there.
_NETWORK = re.compile(r"dynamic_network_architectures\.architectures\.[a-z_0-9]+\.[A-Z]\w*")
_PART = re.compile(
    r"(?:torch\.nn(?:\.modules\.[a-z_0-9]+)?|dynamic_network_architectures\.building_blocks\.[a-z_0-9]+)\.[A-Z]\w*"
)
_STEPS = (
    ("preprocessor_name", re.compile(r"[A-Z]\w*Preprocessor")),
    ("resampling_fn_data", re.compile(r"(?:no_)?resampl\w+")),
    ("resampling_fn_probabilities", re.compile(r"(?:no_)?resampl\w+")),
    ("resampling_fn_seg", re.compile(r"(?:no_)?resampl\w+")),
)
_NORMALISATION = re.compile(r"[A-Z]\w*Normalization")
_LABEL_MANAGER = "LabelManager"
_READERS = frozenset({"SimpleITKIO", "SimpleITKIOWithReorient", "NibabelIO", "NibabelIOWithReorient"})
_LONGEST_CHAIN = 8


@dataclass(frozen=True)
class Configuration:
    """What is planned under one name.

    Parameters
    ----------
    name : str
        For example ``3d_fullres``.
    patch : tuple of int
        Two or three sizes, in the plans' own order of axes.
    spacing_mm : tuple of float
        Two or three, in the same order.
    transpose_backward : tuple of int
        Takes the plans' order of axes to the images'.
    n_normalised : int
        Number of channels that are normalised, which is the number of channels.
    reader : str
        Class that reads images, which settles the order and direction of axes.
    """

    name: str
    patch: tuple[int, ...]
    spacing_mm: tuple[float, ...]
    transpose_backward: tuple[int, ...]
    n_normalised: int
    reader: str

    @property
    def patch_kji(self) -> tuple[int, int, int]:
        """``(k, j, i)``; of a 2D network ``k`` is 1."""
        k, j, i = _in_image_order((1, *self.patch)[-3:], self.transpose_backward)
        return int(k), int(j), int(i)

    @property
    def spacing_kji_mm(self) -> tuple[float, float, float] | None:
        """``(k, j, i)``; ``None`` of a 2D network, which leaves the slices as they are."""
        if len(self.spacing_mm) != 3:
            return None
        k, j, i = _in_image_order(self.spacing_mm, self.transpose_backward)
        return float(k), float(j), float(i)


def read_configuration(plans: Mapping[str, Any], name: str | None, path: Path) -> Configuration:
    """Return one configuration of the plans, inheritance resolved.

    Parameters
    ----------
    name : str or None
        ``None`` where nothing says which was trained: the only one is taken.
    path : pathlib.Path
        Of the plans, for messages.

    Raises
    ------
    UsageError
        If several were planned, and nothing says which was trained.
    ModelUnfitError
        If it is not in the plans, or asks for a network, reader or previous stage that is not opened.
    """
    planned = plans.get("configurations")
    if not isinstance(planned, dict) or not planned:
        raise ModelUnfitError(f"{path} holds no configurations: it is no nnU-Net v2 plan")
    if name is None:
        if len(planned) > 1:
            raise UsageError(f"{path} plans {', '.join(planned)}: name the one that was trained with --configuration")
        name = next(iter(planned))
    settings = _resolved(planned, name, path)
    try:
        configuration = Configuration(
            name=name,
            patch=tuple(int(n) for n in settings["patch_size"]),
            spacing_mm=tuple(float(mm) for mm in settings["spacing"]),
            transpose_backward=tuple(int(axis) for axis in plans["transpose_backward"]),
            n_normalised=len(settings["normalization_schemes"]),
            reader=str(plans["image_reader_writer"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelUnfitError(f"{path}: {name} lacks {error}, or it is none") from error
    _check(configuration, settings, path)
    if plans.get("label_manager", _LABEL_MANAGER) != _LABEL_MANAGER:
        raise ModelUnfitError(f"{path}: label manager {plans['label_manager']!r} is not opened")
    return configuration


def _resolved(planned: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    chain: list[Mapping[str, Any]] = []
    while len(chain) < _LONGEST_CHAIN:
        settings = planned.get(name)
        if not isinstance(settings, dict):
            raise ModelUnfitError(f"{path} plans no {name!r}, only {', '.join(planned)}")
        chain.append(settings)
        if "inherits_from" not in settings:
            return {key: value for one in reversed(chain) for key, value in one.items()}
        name = str(settings["inherits_from"])
    raise ModelUnfitError(f"{path}: configurations inherit from each other in a circle")


def _check(configuration: Configuration, settings: Mapping[str, Any], path: Path) -> None:
    where = f"{path}: {configuration.name}"
    if configuration.reader not in _READERS:
        raise ModelUnfitError(f"{where}: images are read by {', '.join(sorted(_READERS))}, not {configuration.reader}")
    if sorted(configuration.transpose_backward) != [0, 1, 2] or len(configuration.patch) not in (2, 3):
        raise ModelUnfitError(f"{where}: patch or order of axes is none of a 2D or 3D network")
    if len(configuration.spacing_mm) != len(configuration.patch):
        raise ModelUnfitError(f"{where}: spacing and patch are of different dimensions")
    if settings.get("previous_stage") is not None:
        raise ModelUnfitError(f"{where} is the second stage of a cascade, which is not supported; import another one")
    for key, pattern in _STEPS:
        _require_name(settings.get(key), pattern, f"{where}: {key}")
    for scheme in settings["normalization_schemes"]:
        _require_name(scheme, _NORMALISATION, f"{where}: normalisation")
    architecture = settings.get("architecture")
    if architecture is None:  # plans before nnU-Net 2.4, for two networks that nnU-Net itself knows
        if settings.get("UNet_class_name") not in ("PlainConvUNet", "ResidualEncoderUNet"):
            raise ModelUnfitError(f"{where}: network {settings.get('UNet_class_name')!r} is not opened")
        return
    _check_architecture(architecture, where)


def _check_architecture(architecture: object, where: str) -> None:
    """Raise where names would be imported that are no parts of a network."""
    if not isinstance(architecture, dict):
        raise ModelUnfitError(f"{where}: architecture is no object")
    arguments = architecture.get("arch_kwargs")
    if not isinstance(arguments, dict):
        raise ModelUnfitError(f"{where}: arch_kwargs is no object")
    _require_name(architecture.get("network_class_name"), _NETWORK, f"{where}: network")
    for key in architecture.get("_kw_requires_import") or ():
        if arguments.get(key) is not None:
            _require_name(arguments[key], _PART, f"{where}: {key}")


def _require_name(name: object, pattern: re.Pattern[str], where: str) -> None:
    if not isinstance(name, str) or not pattern.fullmatch(name):
        raise ModelUnfitError(f"{where} {name!r} is not imported: it is none that nnU-Net v2 uses")


def _in_image_order(values: tuple[float, ...], transpose_backward: tuple[int, ...]) -> tuple[float, ...]:
    return tuple(values[axis] for axis in transpose_backward)
