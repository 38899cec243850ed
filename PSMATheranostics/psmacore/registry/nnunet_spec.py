"""What runs an imported nnU-Net, to the parameters of its manifest and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from psmacore.errors import ModelUnfitError
from psmacore.registry.manifest import Architecture, Setting

NNUNET_KIND = "nnunet"


class Publisher(StrEnum):
    """Whose layout a result has; ``NNUNET`` is anybody's."""

    NNUNET = "nnunet"
    TOTALSEGMENTATOR = "totalsegmentator"
    LESIONTRACER = "lesiontracer"
    GTRC_NET = "gtrc-net"


@dataclass(frozen=True)
class NnunetPart:
    """One result of an imported model, in a folder of its own.

    Parameters
    ----------
    folder : str
        Within the model's folder: ``plans.json``, ``dataset.json`` and ``fold_*/`` lie there.
    configuration : str
        For example ``3d_fullres``.
    checkpoint : str
        File's name in each fold.
    folds : tuple of str
        ``0`` to ``4`` or ``all``.
    organ_numbers : tuple of int
        Of an organ model: the number in :mod:`psmacore.model.organs` of each label from 1 on, 0 for none.
    """

    folder: str
    configuration: str
    checkpoint: str
    folds: tuple[str, ...]
    organ_numbers: tuple[int, ...] = ()


@dataclass(frozen=True)
class NnunetSpec:
    """How an imported model runs.

    Parameters
    ----------
    parts : tuple of NnunetPart
        Several where an organ model is published in parts; a later part's organ covers an earlier one's.
    lesion_labels : tuple of int
        Of a lesion model: the labels that are lesion; others, such as normal uptake, are not.
    is_pet_in_thresholds : bool
        Whether PET is read as multiples of the SUV threshold in place of SUV.
    """

    publisher: Publisher
    parts: tuple[NnunetPart, ...]
    lesion_labels: tuple[int, ...] = ()
    is_pet_in_thresholds: bool = False

    def architecture(self) -> Architecture:
        """Return the record that a manifest holds."""
        parts: tuple[Setting, ...] = tuple(
            (part.folder, part.configuration, part.checkpoint, part.folds, part.organ_numbers) for part in self.parts
        )
        return Architecture(
            NNUNET_KIND,
            {
                "publisher": str(self.publisher),
                "parts": parts,
                "lesion_labels": self.lesion_labels,
                "is_pet_in_thresholds": self.is_pet_in_thresholds,
            },
        )


def spec_of(architecture: Architecture) -> NnunetSpec:
    """Return how an imported model runs.

    Raises
    ------
    ModelUnfitError
        If the manifest is none of an imported nnU-Net, or was changed into none.
    """
    parameters: Mapping[str, Any] = architecture.parameters
    if architecture.kind != NNUNET_KIND:
        raise ModelUnfitError(f"architecture/kind: {NNUNET_KIND!r} is needed, not {architecture.kind!r}")
    try:
        parts = tuple(
            NnunetPart(str(folder), str(name), str(file), tuple(map(str, folds)), tuple(map(int, numbers)))
            for folder, name, file, folds, numbers in parameters["parts"]
        )
        return NnunetSpec(
            publisher=Publisher(parameters["publisher"]),
            parts=parts,
            lesion_labels=tuple(map(int, parameters["lesion_labels"])),
            is_pet_in_thresholds=bool(parameters["is_pet_in_thresholds"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelUnfitError(f"architecture/parameters: of an imported nnU-Net, not so: {error}") from error
