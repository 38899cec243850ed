"""A prepared case to the voxels that its patches are centred on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from psmacore.ai.preprocess.assemble import normalise
from psmacore.ai.preprocess.body import BODY_HU, BODY_SUV
from psmacore.ai.sampling.settings import PatchRule, SamplingSettings
from psmacore.registry.manifest import Activation, ChannelName, Manifest, Normalisation

Centre = tuple[int, int, int]

PETS = (ChannelName.PET, ChannelName.FDG_PET, ChannelName.PSMA_PET)
_TRIES = 200


@dataclass(frozen=True)
class CentreChooser:
    """Draws patch centres by a rule.

    Parameters
    ----------
    rule : PatchRule
        Not ``WHOLE``.
    tumour_probability : float
        Of ``TUMOUR_PHYSIOLOGICAL``.
    background : int or None
        Index of the output that is no organ (softmax); ``None`` where outputs overlap.
    pet_channels : tuple of int
        Places of the PET images among the inputs.
    tissue_channel : int
        Input that tells tissue from air.
    tissue_level : float
        Normalised value above which it is tissue.
    """

    rule: PatchRule
    tumour_probability: float
    background: int | None
    pet_channels: tuple[int, ...]
    tissue_channel: int
    tissue_level: float

    @classmethod
    def of(cls, manifest: Manifest, settings: SamplingSettings) -> CentreChooser:
        """Return the chooser of a model and its recipe."""
        names = [channel.name for channel in manifest.inputs]
        labels = [output.label for output in manifest.outputs]
        is_exclusive = manifest.activation is Activation.SOFTMAX
        tissue = names.index(ChannelName.CT) if ChannelName.CT in names else _first_pet(names)
        return cls(
            rule=settings.rule,
            tumour_probability=settings.tumour_probability,
            background=(labels.index(0) if 0 in labels else None) if is_exclusive else None,
            pet_channels=tuple(place for place, name in enumerate(names) if name in PETS),
            tissue_channel=tissue,
            tissue_level=_tissue_level(manifest, tissue),
        )

    def draw(self, item: Mapping[str, Any], n_centres: int, rng: np.random.RandomState) -> list[Centre]:
        """Return centres ``(k, j, i)`` in a prepared case.

        Parameters
        ----------
        item : mapping
            ``image`` ``(c, k, j, i)`` and ``label`` ``(1 or n, k, j, i)``, arrays; for
            ``TUMOUR_PHYSIOLOGICAL`` also ``gate_levels``, each PET channel's normalised threshold (0 if absent).
        """
        image: NDArray[np.float32] = item["image"]
        label: NDArray[np.uint8] = item["label"]
        if self.rule is PatchRule.BY_CLASS:
            return self._by_class(image, label, n_centres, rng)
        foreground = self._foreground(label)
        tumour = np.flatnonzero(foreground)
        if self.rule is PatchRule.TUMOUR_PHYSIOLOGICAL:
            other = np.flatnonzero(self._above(image, item.get("gate_levels")) & ~foreground)
            pools = [tumour if rng.rand() < self.tumour_probability else other for _ in range(n_centres)]
            return [self._from(pool if pool.size else _larger(tumour, other), image, rng) for pool in pools]
        n_positive = n_centres // 2 + (rng.randint(2) if n_centres == 1 else n_centres % 2)
        positive = [self._from(tumour, image, rng) for _ in range(n_positive)]
        return positive + [self._unlabelled(image, foreground, rng) for _ in range(n_centres - n_positive)]

    def _by_class(
        self, image: NDArray[np.float32], label: NDArray[np.uint8], n_centres: int, rng: np.random.RandomState
    ) -> list[Centre]:
        """Draw the class first; the background's voxels are unlabelled tissue."""
        if self.background is None:
            pools = [np.flatnonzero(one) for one in label]
            present = [n for n, pool in enumerate(pools) if pool.size]
        else:
            present = [int(n) for n in np.flatnonzero(np.bincount(label.ravel())) if n != self.background]
        foreground = self._foreground(label)
        centres = []
        for _ in range(n_centres):
            chosen = rng.randint(len(present) + 1)
            if chosen == len(present):
                centres.append(self._unlabelled(image, foreground, rng))
            else:
                number = present[chosen]
                own = label[number] if self.background is None else label[0] == number
                centres.append(self._from(np.flatnonzero(own), image, rng))
        return centres

    def _foreground(self, label: NDArray[np.uint8]) -> NDArray[np.bool_]:
        if self.background is not None:
            return np.asarray(label[0] != self.background)
        return np.asarray(label.any(axis=0))

    def _above(self, image: NDArray[np.float32], levels: Sequence[float] | None) -> NDArray[np.bool_]:
        by_channel = levels if levels is not None else [0.0] * len(self.pet_channels)
        masks = [image[place] >= level for place, level in zip(self.pet_channels, by_channel, strict=True)]
        return np.asarray(np.logical_or.reduce(masks))

    def _from(self, pool: NDArray[np.intp], image: NDArray[np.float32], rng: np.random.RandomState) -> Centre:
        """Return a voxel of the pool, or any tissue where it is empty."""
        shape = _shape(image)
        if pool.size:
            return _unravelled(int(pool[rng.randint(pool.size)]), shape)
        return self._unlabelled(image, np.zeros((0, 0, 0), np.bool_), rng)

    def _unlabelled(
        self, image: NDArray[np.float32], labelled: NDArray[np.bool_], rng: np.random.RandomState
    ) -> Centre:
        """Return a voxel of tissue that is not labelled, found by trial; any voxel after many trials."""
        shape = _shape(image)
        tissue = image[self.tissue_channel]
        centre = (0, 0, 0)
        for _ in range(_TRIES):
            centre = _unravelled(int(rng.randint(tissue.size)), shape)
            if tissue[centre] > self.tissue_level and not (labelled.size and labelled[centre]):
                break
        return centre


def _first_pet(names: Sequence[ChannelName]) -> int:
    return next((place for place, name in enumerate(names) if name in PETS), 0)


def _tissue_level(manifest: Manifest, place: int) -> float:
    channel = manifest.inputs[place]
    if channel.normalisation is Normalisation.THRESHOLD:
        return -0.95  # 5 % of the threshold: 0.15 g/ml of PSMA
    value = BODY_HU if channel.name is ChannelName.CT else BODY_SUV
    return float(normalise(channel, np.array([value], np.float32), None)[0])


def _larger(one: NDArray[np.intp], other: NDArray[np.intp]) -> NDArray[np.intp]:
    return one if one.size >= other.size else other


def _shape(image: NDArray[np.float32]) -> Centre:
    return image.shape[1], image.shape[2], image.shape[3]


def _unravelled(flat: int, shape: Centre) -> Centre:
    k, j, i = np.unravel_index(flat, shape)
    return int(k), int(j), int(i)
