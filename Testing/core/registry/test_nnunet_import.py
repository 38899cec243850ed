"""nnU-Net v2 result folders become models: the three publishers' layouts, what is asked for, what is refused."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("dynamic_network_architectures")

import torch

from psmacore.errors import ModelError, ModelMissingError, ModelUnfitError, UsageError
from psmacore.model.organs import ORGANS
from psmacore.registry.catalog import ModelFolder, find_model, list_models
from psmacore.registry.manifest import ChannelName, Task
from psmacore.registry.nnunet_import import import_nnunet
from psmacore.registry.nnunet_manifest import ImportWishes
from psmacore.registry.nnunet_publishers import TOTALSEGMENTATOR_PARTS
from psmacore.registry.nnunet_spec import NNUNET_KIND, Publisher, spec_of
from psmacore.registry.verify import verify
from Testing import nnunet_trees

NAMES = {
    291: "Dataset291_TotalSegmentator_part1_organs_1559subj",
    292: "Dataset292_TotalSegmentator_part2_vertebrae_1532subj",
    293: "Dataset293_TotalSegmentator_part3_cardiac_1559subj",
    294: "Dataset294_TotalSegmentator_part4_muscles_1559subj",
    295: "Dataset295_TotalSegmentator_part5_ribs_1559subj",
}


@pytest.fixture(autouse=True)
def _one_thread(torch_or_skip: ModuleType, models_folder: Path) -> None:
    """Trees here hold real networks; imports go to a folder of the test's own."""


@pytest.fixture
def a_result(tmp_path: Path) -> Path:
    """A hospital's own training on CT and PET, two folds."""
    return nnunet_trees.write_lesion_result(tmp_path / "results", folds=("0", "1"))


@pytest.fixture
def lesions_wanted(a_result: Path) -> ImportWishes:
    """Everything that the folder does not say."""
    return ImportWishes(a_result, task=Task.LESIONS, tracers=("psma",), licence="CC BY 4.0")


def totalsegmentator_part(root: Path, number: int, *, has_names: bool = True) -> Path:
    """Write one part as TotalSegmentator publishes it."""
    offset, count = TOTALSEGMENTATOR_PARTS[number]
    names = {ORGANS[offset + n].name if has_names else f"class_{n}": n for n in range(1, count + 1)}
    weights = nnunet_trees.network(1, count + 1).state_dict()
    record = nnunet_trees.checkpoint(
        weights, trainer_name="nnUNetTrainerNoMirroring", inference_allowed_mirroring_axes=None
    )
    return nnunet_trees.write_result(
        root / NAMES[number] / "nnUNetTrainerNoMirroring__nnUNetPlans__3d_fullres",
        nnunet_trees.plans(NAMES[number], 1, image_reader_writer="NibabelIOWithReorient"),
        nnunet_trees.dataset(("CT",), {"background": 0, **names}),
        {"0": record},
    )


def gtrc(root: Path, name: str = "Dataset881_PSMA_PET") -> Path:
    """Write one model as GTRC-Net publishes it: PET over the SUV threshold, CT; tumour and normal uptake."""
    plan = nnunet_trees.plans(name, 2)
    plan["configurations"]["3d_fullres"]["normalization_schemes"] = ["NoNormalization", "CTNormalization"]
    labels = {"background": 0, "ttb": 1, "norm": 2}
    record = nnunet_trees.checkpoint(nnunet_trees.network(2, 3).state_dict())
    place = root / "data" / "nnUNet_data" / "results" / name / "nnUNetTrainer__nnUNetPlans__3d_fullres"
    description = nnunet_trees.dataset(("noNorm", "CT"), labels)
    return nnunet_trees.write_result(place, plan, description, {str(fold): record for fold in range(3)})


def lesiontracer(root: Path) -> Path:
    """Write LesionTracer's: both channels called CT, a second head for organs, plans that inherit."""
    weights = dict(nnunet_trees.network(2, 2, nnunet_trees.RESIDUAL).state_dict())
    weights["decoder.organ_seg_layers.0.weight"] = torch.zeros(11, 2, 1, 1, 1)
    record = nnunet_trees.checkpoint(
        weights, trainer_name="autoPET3_Trainer", init_args={"configuration": "3d_fullres_bs8", "fold": 0}
    )
    plan = nnunet_trees.plans("Dataset222_AutoPETIII_2024", 2, nnunet_trees.RESIDUAL)
    plan["configurations"]["3d_fullres_bs8"] = {"inherits_from": "3d_fullres", "batch_size": 8}
    description = nnunet_trees.dataset(("CT", "CT"), {"background": 0, "lesion": 1})
    place = root / "autoPET3_Trainer__nnUNetResEncUNetLPlansMultiTalent__3d_fullres_bs8"
    return nnunet_trees.write_result(place, plan, description, {"0": record, "1": record})


def test_a_hospitals_own_result_becomes_a_model(lesions_wanted: ImportWishes) -> None:
    """W88: models are plug-ins."""
    model = import_nnunet(lesions_wanted)
    manifest = find_model("dataset900-ownlesions").manifest
    assert manifest == model.manifest
    assert manifest.architecture.kind == NNUNET_KIND
    assert [channel.name for channel in manifest.inputs] == [ChannelName.CT, ChannelName.PET]
    assert [output.name for output in manifest.outputs] == ["background", "lesion"]
    assert manifest.validity.tracers == ("psma",)
    assert manifest.grid.patch == (8, 16, 16)
    assert manifest.grid.spacing_kji_mm == (4.0, 4.0, 4.0)
    assert manifest.licence == "CC BY 4.0"
    assert model.has_weights
    assert not model.is_simulation_trained
    (part,) = spec_of(manifest.architecture).parts
    assert part.folds == ("0", "1")
    assert "not clinical" not in (model.folder / "MODEL_CARD.md").read_text()
    verify(model)


def test_the_copy_does_not_need_the_source(lesions_wanted: ImportWishes) -> None:
    model = import_nnunet(lesions_wanted)
    shutil.rmtree(lesions_wanted.folder)
    verify(model)
    assert sorted(path.name for path in model.folder.iterdir()) == [
        "MODEL_CARD.md", "manifest.json", "nnunet", "weights.sha256",
    ]  # fmt: skip


def test_one_altered_byte_in_any_file_is_found(lesions_wanted: ImportWishes) -> None:
    model = import_nnunet(lesions_wanted)
    for name in ("nnunet/plans.json", "nnunet/fold_1/checkpoint_final.pth", "weights.sha256"):
        path = model.folder / name
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(ModelUnfitError, match=f"{path.name} was altered"):
            verify(model)
        path.write_bytes(content)
    (model.folder / "nnunet" / "fold_0" / "checkpoint_final.pth").unlink()
    with pytest.raises(ModelMissingError, match="fold_0"):
        verify(model)


def test_totalsegmentators_five_parts_become_one_model(tmp_path: Path) -> None:
    for number in NAMES:
        totalsegmentator_part(tmp_path / "results", number, has_names=number != 295)
    model = import_nnunet(ImportWishes(tmp_path / "results", licence="Apache-2.0"))
    manifest, spec = model.manifest, spec_of(model.manifest.architecture)
    assert (manifest.name, manifest.task) == ("totalsegmentator", Task.ORGANS)
    assert spec.publisher is Publisher.TOTALSEGMENTATOR
    assert {output.label: output.name for output in manifest.outputs[1:]} == {
        number: ORGANS[number].name for number in range(1, 118)
    }
    assert [part.organ_numbers[0] for part in spec.parts] == [1, 25, 51, 69, 92]
    assert [part.organ_numbers[-1] for part in spec.parts] == [24, 50, 68, 91, 117]
    assert manifest.validity.tracers == ()


def test_the_five_parts_are_taken_from_a_folder_that_holds_more(tmp_path: Path) -> None:
    for number in NAMES:
        totalsegmentator_part(tmp_path / "results", number)
    nnunet_trees.write_lesion_result(tmp_path / "results")
    model = import_nnunet(ImportWishes(tmp_path / "results", licence="Apache-2.0"))
    assert len(spec_of(model.manifest.architecture).parts) == 5


def test_one_part_alone_is_a_model_of_its_organs(tmp_path: Path) -> None:
    totalsegmentator_part(tmp_path, 293)
    model = import_nnunet(ImportWishes(tmp_path / NAMES[293], licence="Apache-2.0", name="heart-and-vessels"))
    assert [output.label for output in model.manifest.outputs] == [0, *range(51, 69)]


def test_some_of_the_five_parts_are_refused(tmp_path: Path) -> None:
    for number in (291, 293):
        totalsegmentator_part(tmp_path, number)
    with pytest.raises(UsageError, match="parts 292, 294, 295 are missing"):
        import_nnunet(ImportWishes(tmp_path, licence="Apache-2.0"))


def test_lesiontracer_is_known_by_its_trainer(tmp_path: Path) -> None:
    model = import_nnunet(ImportWishes(lesiontracer(tmp_path), licence="as its publisher states"))
    spec = spec_of(model.manifest.architecture)
    assert model.manifest.name == "lesiontracer"
    assert model.manifest.validity.tracers == ("psma", "fdg")
    assert [channel.name for channel in model.manifest.inputs] == [ChannelName.CT, ChannelName.PET]
    assert spec.parts[0].configuration == "3d_fullres_bs8"
    assert spec.lesion_labels == (1,)


@pytest.mark.parametrize(("name", "tracer"), [("Dataset881_PSMA_PET", "psma"), ("Dataset802_FDG_PET", "fdg")])
def test_gtrc_net_is_known_by_data_set_channels_and_labels(tmp_path: Path, name: str, tracer: str) -> None:
    model = import_nnunet(ImportWishes(gtrc(tmp_path, name), licence="as its publisher states"))
    spec = spec_of(model.manifest.architecture)
    assert model.manifest.name == f"gtrc-net-{tracer}"
    assert model.manifest.validity.tracers == (tracer,)
    assert [channel.name for channel in model.manifest.inputs] == [ChannelName.PET, ChannelName.CT]
    assert spec.is_pet_in_thresholds
    assert spec.lesion_labels == (1,), "normal uptake is no lesion"


def test_gtrc_nets_model_for_spect_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnfitError, match="for SPECT"):
        import_nnunet(ImportWishes(gtrc(tmp_path, "Dataset883_LUPSMA_SPECT"), licence="any"))


def test_of_several_models_one_folder_must_be_named(tmp_path: Path) -> None:
    gtrc(tmp_path)
    gtrc(tmp_path, "Dataset882_FDG_PET")
    with pytest.raises(UsageError, match=r"several results .*Dataset881_PSMA_PET.*Dataset882_FDG_PET"):
        import_nnunet(ImportWishes(tmp_path / "data" / "nnUNet_data" / "results", licence="any"))


def test_a_checkpoint_beside_its_plans_is_a_result(a_result: Path, lesions_wanted: ImportWishes) -> None:
    """As models are published on their own: nnUNetPlans.json, dataset.json, one checkpoint."""
    flat = a_result.parent.parent / "flat"
    flat.mkdir()
    shutil.copy(a_result / "plans.json", flat / "nnUNetPlans.json")
    shutil.copy(a_result / "dataset.json", flat)
    shutil.copy(a_result / "fold_0" / "checkpoint_final.pth", flat / "checkpoint_best.pth")
    model = import_nnunet(replace(lesions_wanted, folder=flat))
    assert (model.folder / "nnunet" / "fold_all" / "checkpoint_best.pth").is_file()


def test_chosen_folds_alone_are_copied(lesions_wanted: ImportWishes) -> None:
    model = import_nnunet(replace(lesions_wanted, folds=("1",)))
    assert [path.name for path in sorted((model.folder / "nnunet").glob("fold_*"))] == ["fold_1"]


def test_everything_that_only_the_user_knows_is_asked_for_at_once(a_result: Path) -> None:
    with pytest.raises(UsageError, match="--task"):
        import_nnunet(ImportWishes(a_result))
    with pytest.raises(UsageError, match=r"does not say: --licence .*; --tracer "):
        import_nnunet(ImportWishes(a_result, task=Task.LESIONS))


def test_channels_that_say_nothing_are_asked_for(a_result: Path, lesions_wanted: ImportWishes) -> None:
    description = nnunet_trees.dataset(("zscore", "noNorm"), {"background": 0, "lesion": 1})
    (a_result / "dataset.json").write_text(json.dumps(description))
    with pytest.raises(UsageError, match=r"calls the channels zscore, noNorm: .*--channels"):
        import_nnunet(lesions_wanted)
    model = import_nnunet(replace(lesions_wanted, channels=("pet", "ct")))
    assert [channel.name for channel in model.manifest.inputs] == [ChannelName.PET, ChannelName.CT]


def test_labels_that_say_nothing_are_asked_for(tmp_path: Path) -> None:
    folder = nnunet_trees.write_lesion_result(tmp_path, labels={"background": 0, "a": 1, "b": 2})
    wishes = ImportWishes(folder, task=Task.LESIONS, tracers=("fdg",), licence="any")
    with pytest.raises(UsageError, match="labels a, b: say which is lesion"):
        import_nnunet(wishes)
    with pytest.raises(UsageError, match="no label c; there are: a, b"):
        import_nnunet(replace(wishes, lesion_names=("c",)))
    model = import_nnunet(replace(wishes, lesion_names=("b",)))
    assert spec_of(model.manifest.architecture).lesion_labels == (2,)


def test_simulated_training_is_recorded(lesions_wanted: ImportWishes) -> None:
    assert import_nnunet(replace(lesions_wanted, is_simulated=True)).is_simulation_trained


def test_a_name_is_never_taken_twice(lesions_wanted: ImportWishes) -> None:
    import_nnunet(replace(lesions_wanted, name="mine"))
    with pytest.raises(UsageError, match="'mine' already"):
        import_nnunet(replace(lesions_wanted, name="mine"))
    for taken in ("lesion-unet", "organ-unet", "nnunet-lesions"):
        with pytest.raises(UsageError, match="already"):
            import_nnunet(replace(lesions_wanted, name=taken))
    with pytest.raises(UsageError, match="--name: 1 to 64"):
        import_nnunet(replace(lesions_wanted, name="../mine"))


def edit_json(path: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    record = json.loads(path.read_text())
    edit(record)
    path.write_text(json.dumps(record))


def drop_fold_1(place: Path) -> None:
    (place / "fold_1" / "checkpoint_final.pth").unlink()


def drop_all_folds(place: Path) -> None:
    for fold in place.glob("fold_*"):
        shutil.rmtree(fold)


def truncate(place: Path) -> None:
    path = place / "fold_1" / "checkpoint_final.pth"
    path.write_bytes(path.read_bytes()[:-100])


def another_network(place: Path) -> None:
    record = nnunet_trees.checkpoint(nnunet_trees.network(1, 2).state_dict())
    torch.save(record, place / "fold_1" / "checkpoint_final.pth")


def third_channel(place: Path) -> None:
    edit_json(place / "dataset.json", lambda one: one["channel_names"].update({"2": "MR"}))


def third_label(place: Path) -> None:
    edit_json(place / "dataset.json", lambda one: one["labels"].update({"other": 2}))


def no_labels(place: Path) -> None:
    edit_json(place / "dataset.json", lambda one: one.pop("labels"))


def no_json(place: Path) -> None:
    (place / "plans.json").write_text("{")


def evil(place: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(place / "trap"),)

    torch.save(nnunet_trees.checkpoint({}, _best_ema=Evil()), place / "fold_1" / "checkpoint_final.pth")


FAULTS: Mapping[Callable[[Path], None], tuple[type[Exception], str]] = {
    drop_fold_1: (ModelMissingError, "fold_1 of .*: no checkpoint_final.pth or checkpoint_best.pth"),
    drop_all_folds: (ModelMissingError, "no fold"),
    truncate: (ModelUnfitError, "fold_1.* is truncated"),
    another_network: (ModelUnfitError, "fold 1 is another network than fold 0"),
    third_channel: (ModelUnfitError, "channels: 3 in .*dataset.json, 2 in .*plans.json, 2 in .*checkpoint_final"),
    third_label: (ModelUnfitError, "has 2 outputs, but .*dataset.json needs 3"),
    no_labels: (ModelUnfitError, "labels is missing"),
    no_json: (ModelUnfitError, "plans.json is no JSON"),
    evil: (ModelUnfitError, r"could run code \(posix.mkdir\)"),
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_is_named_and_leaves_nothing(
    fault: Callable[[Path], None], a_result: Path, lesions_wanted: ImportWishes, models_folder: Path
) -> None:
    fault(a_result)
    kind, words = FAULTS[fault]
    with pytest.raises(kind, match=words):
        import_nnunet(lesions_wanted)
    assert not (a_result / "trap").exists()
    assert not models_folder.exists() or list(models_folder.iterdir()) == []


def wished(wishes: ImportWishes) -> ModelFolder | ModelError | UsageError:
    try:
        return import_nnunet(wishes)
    except (ModelError, UsageError) as error:
        return error


def test_what_the_user_says_must_agree_with_the_folder(tmp_path: Path, lesions_wanted: ImportWishes) -> None:
    psma = ImportWishes(gtrc(tmp_path), licence="any")
    assert "trained for psma PET, not for fdg" in str(wished(replace(psma, tracers=("fdg",))))
    assert "made for lesion_segmentation" in str(wished(replace(psma, task=Task.ORGANS)))
    assert "has no fold 4; it has: 0, 1" in str(wished(replace(lesions_wanted, folds=("0", "4"))))
    assert "organs are read from the CT alone" in str(wished(replace(lesions_wanted, task=Task.ORGANS)))
    assert "not for study_classification" in str(wished(replace(lesions_wanted, task=Task.CLASSIFICATION)))
    assert "is no folder: unpack it first" in str(wished(replace(psma, folder=psma.folder / "plans.json")))
    assert "holds no nnU-Net v2 result" in str(wished(replace(psma, folder=psma.folder / "fold_0")))
    assert not [model for model in list_models() if model.manifest.architecture.kind == NNUNET_KIND]
