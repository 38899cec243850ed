"""What ships holds together: manifests, cards, weights and what the sources ask for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from psmacore.errors import ModelUnfitError
from psmacore.model.organs import ORGANS
from psmacore.registry.card import model_card, refresh_card, write_card
from psmacore.registry.catalog import ModelFolder, open_model, shipped_models_folder
from psmacore.registry.manifest import ChannelName, Cost, Manifest, Metric, Task, Training
from psmacore.registry.reduce import SIMULATION_STATEMENT, SUFFIX, reduced_manifest
from psmacore.registry.verify import verify

PUBLISHED = (
    "deep-psma",
    "lesion-unet-fdg",
    "lesion-unet-psma",
    "organ-unet",
    "prostate-attention-unet",
    "prostate-unet2d",
    "prostate-unet3d",
    "study-cnn",
    "study-resnet50",
)
FOLDERS = sorted(path.parent for path in shipped_models_folder().glob("*/manifest.json"))
MOST_BYTES = 15_000_000


@pytest.fixture(params=FOLDERS, ids=[folder.name for folder in FOLDERS])
def a_shipped_model(request: pytest.FixtureRequest) -> ModelFolder:
    return open_model(request.param)


def published(name: str) -> Manifest:
    return open_model(shipped_models_folder() / name).manifest


def test_every_published_model_ships() -> None:
    """W88."""
    assert set(PUBLISHED) <= {folder.name for folder in FOLDERS}


def test_all_weights_together_stay_small() -> None:
    files = [path for folder in FOLDERS for path in folder.iterdir() if path.name.startswith("weights")]
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES


def test_a_shipped_model_verifies(a_shipped_model: ModelFolder) -> None:
    verify(a_shipped_model)


def test_a_shipped_card_tells_what_the_manifest_says(a_shipped_model: ModelFolder) -> None:
    """W90: every model says that a reader must confirm its results."""
    manifest = a_shipped_model.manifest
    card = (a_shipped_model.folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    facts = model_card(manifest, about="", notes=()).split("## What it is")[1].split("## Notes")[0]
    assert facts.strip() in card
    assert manifest.statement in card
    assert "reader must confirm" in manifest.statement


def test_shipped_weights_know_simulation_only_and_say_so(a_shipped_model: ModelFolder) -> None:
    manifest = a_shipped_model.manifest
    if manifest.weights_sha256 is None:
        assert not (a_shipped_model.folder / "weights.safetensors").exists()
        return
    assert manifest.name.endswith(SUFFIX)
    assert manifest.training is not None
    assert manifest.training.is_simulated
    assert len(manifest.training.phantom_sha256) == 64
    assert "not for clinical use" in manifest.statement


def test_the_prostate_models_read_ct_as_published() -> None:
    """W61, W63, W64, W65."""
    for name in ("prostate-unet2d", "prostate-unet3d", "prostate-attention-unet"):
        manifest = published(name)
        assert [channel.name for channel in manifest.inputs] == [ChannelName.CT]
        assert manifest.grid.spacing_kji_mm == (2.0, 1.5, 1.5)
        assert manifest.grid.patch == ((1, 96, 96) if name.endswith("2d") else (96, 96, 96))
        labels = {output.label: output.name for output in manifest.outputs}
        assert list(labels) == [0, 1, 2, 3, 4, 5]
        assert [labels[n] for n in (1, 2, 3)] == ["prostate", "bladder", "rectum"]


def test_the_classifiers_read_pet_of_one_size() -> None:
    """W71, W72: the z-score's constants wait for the training data."""
    for name in ("study-cnn", "study-resnet50"):
        manifest = published(name)
        assert [(one.name, dict(one.parameters)) for one in manifest.inputs] == [(ChannelName.PET, {})]
        assert manifest.grid.resize_to == (128, 128, 128)


def test_the_lesion_models_read_pet_and_ct_as_published() -> None:
    """W80, W81, W87: one weight set for each tracer."""
    for tracer in ("psma", "fdg"):
        manifest = published(f"lesion-unet-{tracer}")
        windows = [(one.name, one.parameters["low"], one.parameters["high"]) for one in manifest.inputs]
        assert windows == [(ChannelName.PET, 0, 15), (ChannelName.CT, -100, 250)]
        assert manifest.grid.patch == (32, 128, 128)
        assert manifest.validity.tracers == (tracer,)


def test_deep_psma_reads_four_channels_in_the_published_order() -> None:
    """D05, D06, D08, D10, D11."""
    manifest = published("deep-psma")
    assert [(one.name, str(one.normalisation), dict(one.parameters)) for one in manifest.inputs] == [
        (ChannelName.FDG_PET, "threshold", {}),
        (ChannelName.FDG_ORGANS, "divide", {"divisor": 117}),
        (ChannelName.PSMA_PET, "threshold", {}),
        (ChannelName.PSMA_ORGANS, "divide", {"divisor": 117}),
    ]
    assert [output.name for output in manifest.outputs] == ["fdg_lesion", "psma_lesion"]
    assert manifest.activation == "sigmoid"
    assert manifest.operating_point == 0.5
    assert manifest.grid.patch == (256, 128, 128)
    assert manifest.grid.spacing_kji_mm is None


def test_the_organ_model_names_every_organ() -> None:
    manifest = published("organ-unet")
    assert {output.label: output.name for output in manifest.outputs} == {
        0: "background",
        **{number: organ.name for number, organ in ORGANS.items()},
    }


def test_a_reduced_model_keeps_what_it_is_for_and_loses_the_figures() -> None:
    training = Training("40 simulated patients", "Apache-2.0", True, "1.0", "ab" * 32)
    large = replace(
        published("deep-psma"),
        metrics=(Metric("DSC", 0.9, "1", "patients"),),
        costs=(Cost("GPU", 1.0, 1.0, "psma analyse"),),
    )
    small = reduced_manifest(large, training=training, parameters={"filters": (8, 16, 32, 48, 48, 48)})
    assert (small.name, small.family, small.task) == ("deep-psma-sim", "deep-psma", Task.PAIRED_LESIONS)
    assert small.architecture.parameters["filters"] == (8, 16, 32, 48, 48, 48)
    assert small.architecture.parameters["strides"] == large.architecture.parameters["strides"]
    assert small.validity == large.validity
    assert (small.metrics, small.costs, small.weights_sha256) == ((), (), None)
    assert small.statement == SIMULATION_STATEMENT
    with pytest.raises(ValueError, match="simulated"):
        reduced_manifest(large, training=replace(training, is_simulated=False))


def test_a_card_tells_every_figure_and_what_it_was_measured_on() -> None:
    manifest = replace(
        published("lesion-unet-psma"),
        training=Training("40 simulated patients", "Apache-2.0", True, "1.0", "cd" * 32),
        weights_sha256="ab" * 32,
        metrics=(Metric("DSC, mean", 0.7512, "1", "20 simulated patients, seeds 900 to 919"),),
        costs=(Cost("CPU, 2 threads", 83.2, 1234.0, "psma analyse --segmenter lesion-unet"),),
    )
    card = model_card(manifest, about="Lesions.", notes=("The goal of 0.75 was reached.",))
    for told in (
        "ab" * 32,
        "cd" * 32,
        "0.7512",
        "seeds 900 to 919",
        "83.2 s",
        "1234 MiB",
        "simulated",
        "clipped to [0, 15]",
    ):
        assert told in card


def test_a_refreshed_card_keeps_the_words_and_renews_the_figures(tmp_path: Path) -> None:
    before = published("lesion-unet-psma")
    notes = ("The goal of 0.75 was\nnot reached.", "Second note.")
    write_card(before, tmp_path, about="Lesions.\n\nIn two paragraphs.", notes=notes)
    after = replace(
        before,
        version="1.1.0",
        weights_sha256="ab" * 32,
        training=Training("40 simulated patients", "Apache-2.0", True, "1.0", "cd" * 32),
        metrics=(Metric("DSC, mean", 0.7412, "1", "20 simulated patients"),),
    )
    path = refresh_card(after, tmp_path)
    assert path.read_text(encoding="utf-8") == model_card(after, about="Lesions.\n\nIn two paragraphs.", notes=notes)
    assert "0.7412" in path.read_text(encoding="utf-8")


def test_a_card_of_another_kind_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "MODEL_CARD.md").write_text("# Mine\n")
    with pytest.raises(ModelUnfitError, match="lacks the paragraph"):
        refresh_card(published("deep-psma"), tmp_path)
    assert (tmp_path / "MODEL_CARD.md").read_text() == "# Mine\n"
    with pytest.raises(ModelUnfitError, match="to refresh"):
        refresh_card(published("deep-psma"), tmp_path / "none")
