from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from psmacore.ai.training.losses import build_loss  # noqa: E402
from psmacore.ai.training.recipe import CrossEntropy, LossKind, LossSettings  # noqa: E402
from psmacore.registry.manifest import Activation  # noqa: E402

SHAPE = (2, 4, 4, 4)


def a_loss(settings: LossSettings, activation: Activation = Activation.SOFTMAX) -> torch.nn.Module:
    return build_loss(settings, activation, supervision_decay=0.5)


def a_truth(n_maps: int = 1) -> torch.Tensor:
    truth = torch.zeros((2, n_maps, 4, 4, 4), dtype=torch.uint8)
    truth[:, :, 1:3, 1:3, 1:3] = 1
    return truth


def logits_of(truth: torch.Tensor, level: float = 30.0) -> torch.Tensor:
    """Logits of a softmax of two classes that answer the truth as surely as ``level`` says."""
    sign = 2.0 * truth.float() - 1.0
    return torch.cat([-sign, sign], dim=1) * level / 2


@pytest.mark.parametrize("kind", [LossKind.DICE, LossKind.DICE_CE, LossKind.CE])
def test_a_right_answer_costs_nothing_and_a_wrong_one_much(kind: LossKind) -> None:
    loss, truth = a_loss(LossSettings(kind)), a_truth()

    assert loss(logits_of(truth), truth) == pytest.approx(0, abs=1e-5)
    assert loss(logits_of(1 - truth), truth) > 0.99


def test_dice_loss_is_one_minus_the_overlap() -> None:
    """W67, W83: of 8 true voxels, 4 are found and 4 others too: 1 - 2 * 4 / (8 + 8) for the lesion."""
    truth, found = a_truth(), a_truth()
    found[:, :, 1] = 0
    found[:, :, 0, 1:3, 1:3] = 1

    settings = LossSettings(LossKind.DICE, include_background=False)

    assert a_loss(settings)(logits_of(found), truth) == pytest.approx(0.5, abs=1e-5)


def test_squares_in_the_denominator_change_the_loss_of_an_unsure_answer() -> None:
    """D06: with p everywhere 1/2, sum of p is 32 of 64 voxels and sum of its squares 16."""
    truth = a_truth(2)
    half = torch.zeros((2, 2, 4, 4, 4))
    plain = LossSettings(LossKind.DICE, smooth_numerator=0.0)
    squared = LossSettings(LossKind.DICE, smooth_numerator=0.0, is_squared=True)

    assert a_loss(plain, Activation.SIGMOID)(half, truth) == pytest.approx(1 - 2 * 4 / (32 + 8), abs=1e-5)
    assert a_loss(squared, Activation.SIGMOID)(half, truth) == pytest.approx(1 - 2 * 4 / (16 + 8), abs=1e-5)


def test_each_overlapping_output_has_its_own_cross_entropy() -> None:
    """D06: two sigmoids at 1/2 cost ln 2 each, whatever the other one says."""
    truth, half = a_truth(2), torch.zeros((2, 2, 4, 4, 4))
    dice = a_loss(LossSettings(LossKind.DICE), Activation.SIGMOID)(half, truth)
    both = a_loss(LossSettings(LossKind.DICE_CE), Activation.SIGMOID)(half, truth)

    assert both - dice == pytest.approx(math.log(2), abs=1e-5)


def test_released_code_sets_overlapping_outputs_against_each_other() -> None:
    """D14: the variant ``code`` is MONAI's DiceCELoss, whose cross-entropy is the softmax's over the two outputs."""
    from monai.losses.dice import DiceCELoss

    truth, logits = a_truth(2), torch.randn((2, 2, 4, 4, 4), generator=torch.Generator().manual_seed(3))
    settings = LossSettings(
        LossKind.DICE_CE, is_squared=True, smooth_numerator=0.0, cross_entropy=CrossEntropy.CATEGORICAL
    )
    released = DiceCELoss(smooth_nr=0, smooth_dr=1e-5, squared_pred=True, to_onehot_y=False, sigmoid=True)

    ours = a_loss(settings, Activation.SIGMOID)(logits, truth)

    assert ours == pytest.approx(float(released(logits, truth.float())), abs=1e-6)


@pytest.mark.parametrize("activation", list(Activation))
@pytest.mark.parametrize("kind", [LossKind.DICE, LossKind.DICE_CE])
def test_what_lies_outside_the_gate_costs_nothing(kind: LossKind, activation: Activation) -> None:
    truth = a_truth(1 if activation is Activation.SOFTMAX else 2)
    right = logits_of(truth) if activation is Activation.SOFTMAX else 30.0 * (2.0 * truth.float() - 1)
    gate = torch.zeros((2, 1, 4, 4, 4), dtype=torch.bool)
    gate[:, :, :, :2] = True
    wrong_outside = torch.where(gate, right, -right)
    settings = LossSettings(kind, is_gated=True, include_background=False)

    assert a_loss(settings, activation)(wrong_outside, truth, gate) == pytest.approx(0, abs=1e-4)
    assert a_loss(settings, activation)(-right, truth, gate) > 0.9


def test_an_empty_gate_gives_a_finite_loss() -> None:
    truth = a_truth()
    gate = torch.zeros((2, 1, 4, 4, 4), dtype=torch.bool)

    for kind in (LossKind.DICE, LossKind.DICE_CE):
        assert torch.isfinite(a_loss(LossSettings(kind))(logits_of(truth), truth, gate))


def test_organs_that_a_patch_lacks_have_no_dice_term() -> None:
    """Logits of three classes, the third absent: its term (nearly 1 where it is doubted) must not count."""
    truth = a_truth()
    logits = torch.cat([logits_of(truth), torch.full((2, 1, 4, 4, 4), 10.0)], dim=1)
    present = LossSettings(LossKind.DICE, include_background=False, is_present_only=True)
    every = LossSettings(LossKind.DICE, include_background=False)

    assert a_loss(present)(logits, truth) == pytest.approx(0, abs=0.01)
    assert a_loss(every)(logits, truth) == pytest.approx(0.5, abs=0.01)


def test_a_step_over_voxels_averages_to_the_whole() -> None:
    """Each of the eight lattices of every second voxel is as likely as the others, and together they are all voxels."""
    torch.manual_seed(0)
    logits, truth = torch.randn((2, 3, 4, 4, 4)), torch.randint(0, 3, (2, 1, 4, 4, 4))
    whole, stepped = a_loss(LossSettings(LossKind.CE)), a_loss(LossSettings(LossKind.CE, voxel_step=2))

    drawn = {round(float(stepped(logits, truth)), 5) for _ in range(200)}

    assert len(drawn) == 8
    assert sum(drawn) / 8 == pytest.approx(float(whole(logits, truth)), abs=1e-4)


def test_heads_weigh_half_of_the_one_above_and_are_averaged() -> None:
    """D04: weights 0.5 ** i, divided by their sum."""
    truth = a_truth()
    right, wrong = logits_of(truth), logits_of(1 - truth)
    loss = a_loss(LossSettings(LossKind.DICE))
    costs = [float(loss(one, truth)) for one in (right, wrong)]

    together = loss([right, wrong, right], truth)

    assert together == pytest.approx((costs[0] + 0.5 * costs[1] + 0.25 * costs[0]) / 1.75, abs=1e-6)


def test_a_coarser_head_is_compared_at_its_own_size() -> None:
    truth = torch.zeros((1, 1, 4, 4, 4), dtype=torch.uint8)
    truth[:, :, :2] = 1
    coarse = logits_of(truth[:, :, ::2, ::2, ::2])

    assert a_loss(LossSettings(LossKind.DICE))([logits_of(truth), coarse], truth) == pytest.approx(0, abs=1e-4)


def test_a_study_costs_its_binary_cross_entropy() -> None:
    """W74: logit 0 costs ln 2 for either truth; a weight multiplies the positive studies' part."""
    logits, truth = torch.zeros((2, 1)), torch.tensor([[0.0], [1.0]])
    plain = a_loss(LossSettings(LossKind.BCE), Activation.SIGMOID)
    weighted = a_loss(LossSettings(LossKind.BCE, class_weights=(3.0,)), Activation.SIGMOID)

    assert plain(logits, truth) == pytest.approx(math.log(2))
    assert weighted(logits, truth) == pytest.approx(2 * math.log(2))


def test_slices_have_losses_too() -> None:
    """W66: the 2D U-Net's maps have no k."""
    truth = a_truth()[:, :, 1]

    assert a_loss(LossSettings(LossKind.DICE))(logits_of(truth), truth) == pytest.approx(0, abs=1e-4)
