from __future__ import annotations

from pathlib import Path

import pytest

from Testing.core.ai.evaluation.small_data import write_deep_psma


@pytest.fixture(scope="session")
def deep_psma_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two made-up patients, both tracers each."""
    return write_deep_psma(tmp_path_factory.mktemp("deep-psma"))


@pytest.fixture
def one_thread():
    """Torch on one thread: the arrays are tiny and the cores are shared."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def a_lesion_manifest(tmp_path: Path):
    """The manifest of a small lesion model with weights."""
    pytest.importorskip("torch")
    from psmacore.registry.read import read_manifest
    from Testing.core.ai.evaluation.small_models import write_lesion_model

    return read_manifest(write_lesion_model(tmp_path / "models"))
