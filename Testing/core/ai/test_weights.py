"""Weights come back as they were written, and nothing but weights is ever opened."""

from __future__ import annotations

import io
import os
import pickle
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import safetensors.torch  # noqa: E402

from psmacore.ai.networks.build import build_network  # noqa: E402
from psmacore.ai.weights import load_weights, save_weights  # noqa: E402
from psmacore.errors import ModelMissingError, ModelUnfitError  # noqa: E402
from psmacore.registry.catalog import ModelFolder, open_model, shipped_models_folder  # noqa: E402
from psmacore.registry.manifest import Architecture, Manifest, Training  # noqa: E402
from psmacore.registry.read import write_manifest  # noqa: E402

DYNUNET = Architecture("dynunet", {"filters": (4, 6, 8, 8), "strides": (1, 2, 2, 2), "n_heads": 2})
CNN = Architecture("cnn3d", {"channels": (4, 8), "n_hidden": 4})


def network(architecture: Architecture = DYNUNET, seed: int = 0, n_inputs: int = 2) -> torch.nn.Module:
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    return build_network(architecture, n_inputs=n_inputs, n_outputs=2).eval()


def a_recipe() -> Manifest:
    return open_model(shipped_models_folder() / "lesion-unet-psma").manifest


def model_of(folder: Path, digest: str) -> ModelFolder:
    manifest = replace(
        a_recipe(),
        name=folder.name,
        weights_sha256=digest,
        training=Training("simulated patients", "Apache-2.0", True),
    )
    write_manifest(manifest, folder)
    return open_model(folder)


def model_with(folder: Path, content: bytes, name: str = "weights.safetensors") -> ModelFolder:
    folder.mkdir()
    (folder / name).write_bytes(content)
    return model_of(folder, sha256(content).hexdigest())


def torch_bytes(value: object) -> bytes:
    stream = io.BytesIO()
    torch.save(value, stream)
    return stream.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "own"


def test_weights_come_back_bit_by_bit(folder: Path) -> None:
    written = network()
    model = model_of(folder, save_weights(written, folder / "weights.safetensors", half=False))
    read = network(seed=1)
    load_weights(read, model)
    for name, tensor in written.state_dict().items():
        assert torch.equal(read.state_dict()[name], tensor), name
    image = torch.randn(1, 2, 16, 16, 16)
    with torch.no_grad():
        assert torch.equal(read(image), written(image))


def test_half_precision_halves_the_file_and_loads_as_single(folder: Path) -> None:
    written = network()
    save_weights(written, folder / "single.safetensors", half=False)
    model = model_of(folder, save_weights(written, folder / "weights.safetensors", half=True))
    sizes = [(folder / name).stat().st_size for name in ("weights.safetensors", "single.safetensors")]
    assert sizes[0] < 0.62 * sizes[1]
    read = network(seed=1)
    load_weights(read, model)
    for name, tensor in written.state_dict().items():
        loaded = read.state_dict()[name]
        assert loaded.dtype == torch.float32
        assert torch.allclose(loaded, tensor, rtol=2**-10, atol=2**-24), name


def test_small_variances_survive_half_precision(folder: Path) -> None:
    """A variance below 6e-8 would become zero in half precision, and its channel a thousand times too loud."""
    written = network(CNN)
    with torch.no_grad():
        written.blocks[0][1].running_var.fill_(3e-9)
        written.blocks[0][0].weight[0, 0, 0, 0, 0] = 1e6
    model = model_of(folder, save_weights(written, folder / "weights.safetensors", half=True))
    read = network(CNN, seed=1)
    load_weights(read, model)
    assert torch.equal(read.blocks[0][1].running_var, written.blocks[0][1].running_var)
    assert read.blocks[0][0].weight[0, 0, 0, 0, 0] == 1e6


def test_a_tensor_with_several_names_is_written_once(folder: Path) -> None:
    written = network()
    save_weights(written, folder / "weights.safetensors", half=False)
    stored = safetensors.torch.load_file(folder / "weights.safetensors")
    assert len(written.state_dict()) > len(stored)
    assert sum(one.numel() for one in stored.values()) == sum(one.numel() for one in written.parameters())


def test_the_digest_is_the_files_and_nothing_stays_beside_it(folder: Path) -> None:
    digest = save_weights(network(), folder / "weights.safetensors", half=True)
    assert digest == sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    assert [path.name for path in folder.iterdir()] == ["weights.safetensors"]
    assert save_weights(network(), folder / "weights.safetensors", half=True) == digest


@pytest.mark.parametrize("suffix", [".pt", ".pth"])
@pytest.mark.parametrize("is_wrapped", [True, False])
def test_a_plain_state_of_torch_is_read_too(suffix: str, is_wrapped: bool, folder: Path) -> None:
    written = network()
    state = written.state_dict()
    content = torch_bytes({"state_dict": state} if is_wrapped else state)
    read = network(seed=1)
    load_weights(read, model_with(folder, content, f"weights{suffix}"))
    assert all(torch.equal(read.state_dict()[name], tensor) for name, tensor in state.items())


class Malice:
    """What runs a command when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("name", ["weights.pt", "weights.pth", "weights.safetensors"])
@pytest.mark.parametrize("is_zip", [True, False])
def test_a_malicious_pickle_is_refused_and_never_executed(
    name: str, is_zip: bool, folder: Path, tmp_path: Path
) -> None:
    trace = tmp_path / "executed"
    malice = {"weight": Malice(trace)}
    content = torch_bytes(malice) if is_zip else pickle.dumps(malice)
    model = model_with(folder, content, name)
    with pytest.raises(ModelUnfitError, match=r"pickle.*not executed|is no safetensors file"):
        load_weights(network(), model)
    assert not trace.exists()
    pickle.loads(pickle.dumps(malice))
    assert trace.exists(), "the pickle was harmless, so the test proves nothing"


def test_a_pickle_by_another_name_is_not_even_opened(folder: Path, tmp_path: Path) -> None:
    model = model_with(folder, pickle.dumps(Malice(tmp_path / "executed")), "weights.pkl")
    with pytest.raises(ModelUnfitError, match=r"weights\.pkl is not opened"):
        load_weights(network(), model)
    assert not (tmp_path / "executed").exists()


def test_altered_weights_are_refused_before_they_are_read(folder: Path) -> None:
    model = model_of(folder, save_weights(network(), folder / "weights.safetensors", half=False))
    content = bytearray(model.weights_path.read_bytes())
    content[-1] ^= 1
    model.weights_path.write_bytes(content)
    before = network(seed=1)
    with pytest.raises(ModelUnfitError, match="was altered"):
        load_weights(before, model)
    assert torch.equal(before.state_dict()["input_block.conv1.conv.weight"], _first(network(seed=1)))


def _first(one: torch.nn.Module) -> torch.Tensor:
    weight: torch.Tensor = one.state_dict()["input_block.conv1.conv.weight"]
    return weight


def test_a_recipe_has_no_weights_to_load(folder: Path) -> None:
    write_manifest(replace(a_recipe(), name=folder.name), folder)
    with pytest.raises(ModelMissingError, match="recipe without weights"):
        load_weights(network(), open_model(folder))


@pytest.mark.parametrize("content", [b"", b"\x00" * 64, b"PK\x03\x04 no zip"])
@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pt"])
def test_a_file_that_is_none_is_refused(content: bytes, name: str, folder: Path) -> None:
    with pytest.raises(ModelUnfitError, match=r"is no (safetensors file|file of tensors)"):
        load_weights(network(), model_with(folder, content, name))


def test_something_other_than_tensors_is_refused(folder: Path) -> None:
    with pytest.raises(ModelUnfitError, match="something other than tensors"):
        load_weights(network(), model_with(folder, torch_bytes([1, 2, 3]), "weights.pt"))


def test_weights_for_another_channel_count_are_refused_by_name(folder: Path) -> None:
    digest = save_weights(network(n_inputs=3), folder / "weights.safetensors", half=False)
    with pytest.raises(ModelUnfitError, match=r"input_block\.conv1\.conv\.weight is \(4, 3, .* needs \(4, 2, "):
        load_weights(network(), model_of(folder, digest))


def test_missing_and_unknown_tensors_are_named(folder: Path) -> None:
    digest = save_weights(network(CNN), folder / "weights.safetensors", half=False)
    with pytest.raises(
        ModelUnfitError, match=r"missing tensors: input_block\S+.* and \d+ more; unknown tensors: blocks"
    ):
        load_weights(network(), model_of(folder, digest))


def test_a_network_is_untouched_by_weights_that_do_not_fit(folder: Path) -> None:
    state = dict(network(CNN, seed=3).state_dict())
    state["head.3.bias"] = torch.zeros(5)
    target = network(CNN)
    before = {name: tensor.clone() for name, tensor in target.state_dict().items()}
    with pytest.raises(ModelUnfitError, match=r"head\.3\.bias"):
        load_weights(target, model_with(folder, safetensors.torch.save(state)))
    assert all(torch.equal(tensor, before[name]) for name, tensor in target.state_dict().items())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_neither_read_nor_written(value: float, folder: Path) -> None:
    broken = network(CNN)
    with torch.no_grad():
        broken.head[3].bias[0] = value
    with pytest.raises(ModelUnfitError, match=r"head\.3\.bias is not finite"):
        save_weights(broken, folder / "weights.safetensors", half=False)
    with pytest.raises(ModelUnfitError, match=r"head\.3\.bias is not finite"):
        load_weights(network(CNN), model_with(folder, safetensors.torch.save(dict(broken.state_dict()))))


def test_whole_numbers_in_place_of_weights_are_refused(folder: Path) -> None:
    state = dict(network(CNN).state_dict())
    state["head.3.bias"] = torch.zeros(2, dtype=torch.int64)
    with pytest.raises(ModelUnfitError, match=r"head\.3\.bias is torch\.int64"):
        load_weights(network(CNN), model_with(folder, safetensors.torch.save(state)))


def test_weights_are_written_as_safetensors_only(folder: Path) -> None:
    with pytest.raises(ModelUnfitError, match=r"weights\.pt: weights are written as \.safetensors only"):
        save_weights(network(), folder / "weights.pt", half=False)
