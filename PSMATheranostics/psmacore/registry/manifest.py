"""What a model is: architecture, inputs, outputs, validity, origin and figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Scalar = str | int | float | bool
Setting = Scalar | tuple["Setting", ...]


class Task(StrEnum):
    """What a model does."""

    ORGANS = "organ_segmentation"
    LESIONS = "lesion_segmentation"
    PAIRED_LESIONS = "paired_lesion_segmentation"  # both tracers of one patient at once, as DEEP-PSMA
    CLASSIFICATION = "study_classification"
    PROSTATE = "prostate_segmentation"


class ChannelName(StrEnum):
    """Image that an input channel is made of; all on one grid."""

    PET = "pet"
    CT = "ct"
    FDG_PET = "fdg_pet"
    FDG_ORGANS = "fdg_organs"
    PSMA_PET = "psma_pet"
    PSMA_ORGANS = "psma_organs"
    POSITION_K = "position_k"
    POSITION_J = "position_j"
    POSITION_I = "position_i"


class Normalisation(StrEnum):
    """How a channel's values become the network's input.

    ``NONE`` leaves them; ``CLIP_MIN_MAX`` is ``clip(x - low, 0, high - low) / (high - low)``; ``Z_SCORE`` is
    ``(x - mean) / sd``; ``THRESHOLD`` is ``x / threshold - 1`` with the tracer's SUV threshold of the case;
    ``DIVIDE`` is ``x / divisor``.
    """

    NONE = "none"
    CLIP_MIN_MAX = "clip_min_max"
    Z_SCORE = "z_score"
    THRESHOLD = "threshold"
    DIVIDE = "divide"


class Activation(StrEnum):
    """What turns logits into probabilities."""

    SOFTMAX = "softmax"
    SIGMOID = "sigmoid"


@dataclass(frozen=True)
class InputChannel:
    """One input channel.

    Parameters
    ----------
    unit : str
        ``g/ml``, ``HU``, ``label`` or ``1``.
    parameters : mapping of str to float
        ``low``/``high``, ``mean``/``sd`` or ``divisor``, as the normalisation needs.
    """

    name: ChannelName
    unit: str
    normalisation: Normalisation
    parameters: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Architecture:
    """A network by the name of its builder, with everything that its shape depends on."""

    kind: str
    parameters: Mapping[str, Setting] = field(default_factory=dict)


@dataclass(frozen=True)
class OutputClass:
    """One output channel: the label it is written as, and its name."""

    label: int
    name: str


@dataclass(frozen=True)
class Grid:
    """The grid that a model works on.

    Parameters
    ----------
    spacing_kji_mm : tuple of float or None
        Voxel size; ``None`` is the native grid of the PET (or of the CT where there is no PET channel).
    resize_to : tuple of int or None
        ``(k, j, i)`` that the whole volume is resized to; excludes ``spacing_kji_mm``.
    patch : tuple of int
        ``(k, j, i)`` of the sliding window and of training; a 2D network has ``k`` = 1.
    overlap : float
        Of neighbouring windows, as a fraction of the patch.
    """

    patch: tuple[int, int, int]
    spacing_kji_mm: tuple[float, float, float] | None = None
    resize_to: tuple[int, int, int] | None = None
    overlap: float = 0.5


@dataclass(frozen=True)
class Validity:
    """What a model may be used on.

    Parameters
    ----------
    tracers : tuple of str
        ``psma`` and ``fdg``, or names of single tracers; empty where no PET is read.
    scan_ranges : tuple of str
        ``pelvis``, ``skull_to_thigh``, ``whole_body``; empty where any will do.
    is_thresholded : bool
        Whether the output is ANDed with the segmenter's SUV threshold.
    """

    tracers: tuple[str, ...] = ()
    scan_ranges: tuple[str, ...] = ()
    is_thresholded: bool = False


@dataclass(frozen=True)
class Metric:
    """One measured figure and what it was measured on."""

    name: str
    value: float
    unit: str
    data: str


@dataclass(frozen=True)
class Cost:
    """Time and memory of one whole case, as measured by ``command`` on ``device``."""

    device: str
    seconds: float
    memory_mib: float
    command: str


@dataclass(frozen=True)
class Training:
    """What a model was trained on.

    ``phantom_version`` and ``phantom_sha256`` are empty where no simulated data was used.
    """

    data: str
    licence: str
    is_simulated: bool
    phantom_version: str = ""
    phantom_sha256: str = ""


@dataclass(frozen=True)
class Manifest:
    """Everything that is known of a model but its weights.

    Parameters
    ----------
    name : str
        Unique; also the folder's name.
    family : str
        What a user asks for: ``lesion-unet``, ``deep-psma``, ``organ-unet``, ``study-cnn``, ``study-resnet50``,
        ``prostate-unet2d``, ``prostate-unet3d``, ``prostate-attention-unet``.
    weights_sha256 : str or None
        Of ``weights.safetensors``; ``None`` where the model is a recipe that has yet to be trained.
    operating_point : float
        Probability at or above which an output counts.
    """

    name: str
    version: str
    family: str
    task: Task
    architecture: Architecture
    inputs: tuple[InputChannel, ...]
    grid: Grid
    outputs: tuple[OutputClass, ...]
    activation: Activation
    validity: Validity
    training: Training | None
    licence: str
    weights_sha256: str | None = None
    operating_point: float = 0.5
    metrics: tuple[Metric, ...] = ()
    costs: tuple[Cost, ...] = ()
    statement: str = "Research use only; a reader must confirm every result."
