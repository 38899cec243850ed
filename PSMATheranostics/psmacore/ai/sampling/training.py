"""A model and its recipe's sampling to the transform that makes training patches."""

from __future__ import annotations

from monai.transforms.compose import Compose
from monai.transforms.transform import Transform

from psmacore.ai.sampling.augment import TrivialAugment
from psmacore.ai.sampling.patches import RandPatches
from psmacore.ai.sampling.settings import Augmentation, SamplingSettings
from psmacore.registry.manifest import Manifest


def training_transform(manifest: Manifest, settings: SamplingSettings) -> Compose:
    """Return the transform from one prepared case to its patches.

    It takes a mapping with ``image`` ``(c, k, j, i)`` float32 as :func:`psmacore.ai.preprocess.prepare.prepare`
    makes it, ``label`` as :func:`psmacore.ai.preprocess.prepare.prepare_target` makes it (``(1,)`` float32 for a
    classifier, with ``PatchRule.WHOLE``) and, where the tumour's rule needs it, ``gate_levels``. It gives a list
    of ``patches_per_case`` dicts with ``image`` ``(c, *patch)`` float32 and ``label`` ``(1 or n, *patch)`` uint8,
    plain tensors; a 2D network's patches have one slice, ``k`` = 1. Other keys are handed on.

    ``set_random_state(seed=…)`` makes what follows repeatable.
    """
    steps: list[Transform] = [RandPatches(manifest, settings)]
    if settings.augmentation is Augmentation.TRIVIAL:
        steps.append(TrivialAugment(manifest, settings))
    return Compose(steps)
