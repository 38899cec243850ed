"""A wish becomes a device, and words that say why."""

from __future__ import annotations

import logging

import pytest

torch = pytest.importorskip("torch")

from psmacore.ai.device import choose_device, describe_device, explain_device, free_memory_mib  # noqa: E402
from psmacore.errors import UsageError  # noqa: E402

HAS_CUDA = torch.cuda.is_available()


def test_the_cpu_is_had_for_the_asking() -> None:
    choice = explain_device("cpu")
    assert choice.device == torch.device("cpu")
    assert choice.words.endswith("asked for")


@pytest.mark.skipif(HAS_CUDA, reason="a CUDA device is present")
def test_without_a_gpu_auto_takes_the_cpu_and_says_why(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert choose_device("auto").type == "cpu"
    assert "without CUDA" in caplog.text or "no CUDA device" in caplog.text


@pytest.mark.skipif(HAS_CUDA, reason="a CUDA device is present")
def test_a_gpu_that_is_not_there_is_no_silent_cpu() -> None:
    with pytest.raises(UsageError, match=r"device cuda was asked for, but .*; take auto or cpu"):
        explain_device("cuda")


@pytest.mark.skipif(not HAS_CUDA, reason="no CUDA device is present")
def test_with_a_gpu_auto_takes_it() -> None:
    choice = explain_device("auto")
    assert choice.device.type == "cuda"
    assert "MiB free" in choice.words
    assert (free_memory_mib(choice.device) or 0) > 0


def test_a_gpu_that_does_not_answer_is_told_and_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver too old or a card too new for the build: PyTorch lists the device, but nothing runs on it."""

    def fail(*_: object, **__: object) -> object:
        raise RuntimeError("CUDA error: no kernel image is available\nmore")

    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "mem_get_info", fail)
    choice = explain_device("auto")
    assert choice.device.type == "cpu"
    assert "does not answer: CUDA error: no kernel image is available" in choice.words
    assert "more" not in choice.words


def test_the_gpu_with_the_most_free_memory_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    free = {0: 2 << 30, 1: 8 << 30, 2: 4 << 30}
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(free))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free[device.index], 16 << 30))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a card")
    monkeypatch.setattr(torch, "ones", lambda *_, **__: torch.zeros(1))
    choice = explain_device("auto")
    assert choice.device == torch.device("cuda", 1)
    assert choice.words == "a card (cuda:1), 8192 MiB free: the GPU with the most free memory"


@pytest.mark.parametrize("name", ["", "gpu", "cuda:0", "CPU"])
def test_an_unknown_wish_tells_the_known_ones(name: str) -> None:
    with pytest.raises(UsageError, match="device must be one of auto, cpu, cuda"):
        explain_device(name)


def test_the_cpu_is_described_and_has_no_memory_of_its_own() -> None:
    assert describe_device(torch.device("cpu")).startswith("CPU, ")
    assert free_memory_mib(torch.device("cpu")) is None
