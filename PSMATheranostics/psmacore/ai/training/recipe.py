"""training.json to the recipe that a network is trained by."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from psmacore.ai.sampling.settings import SamplingSettings
from psmacore.ai.training.records import from_record, to_record
from psmacore.errors import ModelMissingError, ModelUnfitError, UsageError

TRAINING_FILE = "training.json"
SCHEMA = "psma-training/1"


class Variant(StrEnum):
    """Whose settings a recipe follows where a source contradicts itself, or that they are ours."""

    PAPER = "paper"
    CODE = "code"  # as released beside the paper
    OWN = "own"  # where no source trains such a model, and for small networks and short trainings


class LossKind(StrEnum):
    """What is minimised."""

    DICE = "dice"
    DICE_CE = "dice_ce"
    CE = "ce"  # cross-entropy of exclusive classes alone: far cheaper where there are a hundred
    BCE = "bce"  # binary cross-entropy with logits, of a whole study


class CrossEntropy(StrEnum):
    """Cross-entropy beside the Dice loss, where outputs overlap (sigmoid).

    ``BINARY`` is each output's own. ``CATEGORICAL`` is what MONAI's ``DiceCELoss`` computes as soon as there
    are two channels, sigmoid or not: the softmax over them, which sets overlapping outputs against each
    other. The released DEEP-PSMA code trains with it.
    """

    BINARY = "binary"
    CATEGORICAL = "categorical"


@dataclass(frozen=True)
class LossSettings:
    """The loss.

    Parameters
    ----------
    include_background : bool
        Whether the Dice loss has a term for a softmax's first class.
    is_squared : bool
        Squares in the Dice loss's denominator (D06).
    smooth_numerator, smooth_denominator : float
        Added in the Dice loss (D06: 0 and 1e-5; MONAI's defaults are 1e-5 each).
    is_batch_dice : bool
        Sums of the Dice loss over the whole batch in place of each patch.
    is_present_only : bool
        Dice terms of those outputs alone that the patch (with ``is_batch_dice``: the batch) holds, for models of many
        organs; the cross-entropy tells them what is absent.
    class_weights : tuple of float
        One for each output, in both terms; empty for none.
    cross_entropy : CrossEntropy
        Form of the second term where outputs overlap.
    voxel_step : int
        Of ``CE``: only every so many voxels along each axis count, from a start drawn anew each time; beside a hundred
        classes the loss costs more than the network otherwise.
    is_gated : bool
        Only voxels at or above the SUV threshold count, for models whose output is ANDed with it.
    """

    kind: LossKind
    include_background: bool = True
    is_squared: bool = False
    smooth_numerator: float = 1e-5
    smooth_denominator: float = 1e-5
    is_batch_dice: bool = False
    is_present_only: bool = False
    class_weights: tuple[float, ...] = ()
    cross_entropy: CrossEntropy = CrossEntropy.BINARY
    voxel_step: int = 1
    is_gated: bool = False

    def __post_init__(self) -> None:
        if self.voxel_step < 1 or (self.voxel_step > 1 and self.kind is not LossKind.CE):
            raise ValueError(f"voxel_step must be 1 or, of a loss {LossKind.CE}, more; not {self.voxel_step}")


class ScheduleKind(StrEnum):
    """How the learning rate runs over a training."""

    CONSTANT = "constant"
    COSINE = "cosine"
    POLYNOMIAL = "polynomial"
    ONE_CYCLE = "one_cycle"
    PLATEAU = "plateau"  # falls where the validation loss stops improving


@dataclass(frozen=True)
class ScheduleSettings:
    """The learning rate's course.

    Parameters
    ----------
    power : float
        Of a polynomial schedule.
    warm_up : float
        Part of a one-cycle schedule that rises.
    plateau_factor, plateau_patience : float, int
        What the rate is multiplied with, after how many validations without improvement.
    """

    kind: ScheduleKind = ScheduleKind.CONSTANT
    power: float = 0.9
    warm_up: float = 0.2
    plateau_factor: float = 0.1
    plateau_patience: int = 10


class OptimiserKind(StrEnum):
    """What steps."""

    ADAM = "adam"
    ADAMW = "adamw"


@dataclass(frozen=True)
class OptimiserSettings:
    """The optimiser; ``weight_decay`` is Adam's L2 term or AdamW's decoupled one."""

    learning_rate: float
    kind: OptimiserKind = OptimiserKind.ADAM
    weight_decay: float = 0.0
    gradient_clip: float | None = None


class Precision(StrEnum):
    """Arithmetic of the forward pass; ``AUTO`` is bf16 or fp16 on a GPU, whichever it has, and float32 elsewhere."""

    AUTO = "auto"
    FLOAT32 = "float32"
    BF16 = "bf16"
    FP16 = "fp16"


class Selection(StrEnum):
    """Which epoch's weights are kept."""

    VALIDATION_DSC = "validation_dsc"
    VALIDATION_LOSS = "validation_loss"


@dataclass(frozen=True)
class ValidationSettings:
    """How a training is watched.

    Parameters
    ----------
    every : int
        Epochs from one validation to the next; the last epoch is always validated.
    max_cases : int or None
        At most so many cases, the same ones every time; those with something to find come first.
    overlap : float or None
        Of the windows; ``None`` is the model's own.
    selection : Selection
        Which epoch's weights are kept.
    """

    selection: Selection
    every: int = 1
    max_cases: int | None = None
    overlap: float | None = None


@dataclass(frozen=True)
class Recipe:
    """Everything that a training's result depends on but the manifest, the data and the seed's arithmetic.

    Parameters
    ----------
    source : str
        Where the settings come from, with the requirement rows; says what the source leaves open.
    batch_size : int
        Patches (or whole studies for a classifier) a step.
    steps_per_epoch : int or None
        ``None`` visits every training case once an epoch.
    supervision_decay : float
        Weight of each deeper head relative to the one above, 0.5 as D04; the weights are divided by their sum.
    seed : int
        Of initial weights, order, sampling and augmentation.
    is_stored_half : bool
        Whether kernels are written in half precision, for weights that ship.
    """

    variant: Variant
    source: str
    epochs: int
    batch_size: int
    loss: LossSettings
    optimiser: OptimiserSettings
    validation: ValidationSettings
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    precision: Precision = Precision.AUTO
    steps_per_epoch: int | None = None
    supervision_decay: float = 0.5
    seed: int = 0
    is_stored_half: bool = False

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.steps_per_epoch is not None and self.steps_per_epoch < 1:
            raise ValueError(f"steps_per_epoch must be at least 1, not {self.steps_per_epoch}")
        if self.validation.every < 1:
            raise ValueError(f"validation every {self.validation.every} epochs is never")


@dataclass(frozen=True)
class RecipeBook:
    """The recipes of one model; the first is the default."""

    recipes: tuple[Recipe, ...]
    schema: str = SCHEMA

    def recipe(self, variant: Variant | None = None) -> Recipe:
        """Return the recipe of that variant, or the default.

        Raises
        ------
        UsageError
            If there is none of that variant.
        """
        if variant is None:
            return self.recipes[0]
        for recipe in self.recipes:
            if recipe.variant is variant:
                return recipe
        there = ", ".join(recipe.variant for recipe in self.recipes)
        raise UsageError(f"--variant {variant}: this model's {TRAINING_FILE} has {there}")


def read_recipes(path: Path) -> RecipeBook:
    """Read a training.json.

    Raises
    ------
    ModelMissingError
        If there is no such file.
    ModelUnfitError
        If it is not a training.json, or a key or value is wrong.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelMissingError(f"{path.parent.name} has no {TRAINING_FILE}: it cannot be trained here") from None
    except (OSError, ValueError) as error:
        raise ModelUnfitError(f"{path.name} of {path.parent.name} cannot be read: {error}") from error
    book = from_record(RecipeBook, record, where=f"{path.parent.name}/{path.name}")
    if book.schema != SCHEMA:
        raise ModelUnfitError(f"{path.parent.name}/{path.name}: schema must be {SCHEMA}, not {book.schema!r}")
    if not book.recipes:
        raise ModelUnfitError(f"{path.parent.name}/{path.name}: no recipe")
    return book


def write_recipes(book: RecipeBook, path: Path) -> Path:
    """Write a training.json and return its path."""
    path.write_text(json.dumps(to_record(book), indent=1) + "\n", encoding="utf-8")
    return path
