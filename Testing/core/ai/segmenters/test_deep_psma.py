"""The paired model as a step of the analysis: whose lesions come back, what is told of the other, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch")

from psmacore.ai.deep_psma.operating_points import OperatingPoint, write_points
from psmacore.ai.segmenters.catalog import steps_of
from psmacore.ai.segmenters.deep_psma import PairedLesions
from psmacore.ai.segmenters.running import Machine
from psmacore.errors import InputRefusedError, ModelMissingError, ModelUnfitError, StudyContentError, UsageError
from psmacore.model.geometry import Geometry
from psmacore.model.lesions import LesionState
from psmacore.model.volumes import OrganMap, SuvVolume
from psmacore.pipeline.images import Companion, StudyImages
from psmacore.pipeline.request import AnalyseRequest, ModelOptions, Postprocessing, Purpose
from psmacore.pipeline.segmenters import Drawing
from Testing.core.ai.segmenters.conftest import BLADDER_VOXELS, HOT, LESION_VOXELS, LIVER, SHAPE, WARM
from Testing.timepoints import FDG, PSMA_11, make_derivation
from Testing.tiny_models import (
    FAR,
    SIMULATED,
    tiny_lesion_manifest,
    tiny_paired_manifest,
    write_constant_model,
)

MakeImages = Callable[..., StudyImages]
FDG_SHAPE = (14, 26, 24)


@pytest.fixture
def companion_from_study() -> NDArray[np.float64]:
    """A turn about S and a table elsewhere."""
    c, s = np.cos(0.05), np.sin(0.05)
    matrix = np.eye(4)
    matrix[:2, :2] = [[c, -s], [s, c]]
    matrix[:3, 3] = 40.0, -25.0, 300.0
    return matrix


@pytest.fixture
def make_pair(
    make_images: MakeImages, pet_grid: Geometry, companion_from_study: NDArray[np.float64]
) -> Callable[..., StudyImages]:
    """The PSMA study with an FDG companion: liver 1.5 to 2.5, one lesion of SUV 7 where PSMA has its hot one."""

    def make(**changes: object) -> StudyImages:
        middle = companion_from_study @ pet_grid.lps_from_ijk @ np.array([9.5, 11.5, 5.5, 1.0])
        axes = companion_from_study[:3, :3] @ pet_grid.directions_lps
        spacing = np.array((4.2, 4.2, 4.8))
        origin = middle[:3] - axes @ (spacing * (np.array(FDG_SHAPE[::-1]) - 1) / 2)
        grid = Geometry.from_axes(
            shape=FDG_SHAPE, origin_lps_mm=origin, spacing_ijk_mm=spacing, directions_lps=axes,
            frame_of_reference_uid="2.25.99",
        )  # fmt: skip
        study_kji = pet_grid.kji_of_lps(
            grid.lps_of_kji(np.indices(FDG_SHAPE).reshape(3, -1).T) @ np.linalg.inv(companion_from_study)[:3, :3].T
            + np.linalg.inv(companion_from_study)[:3, 3]
        ).reshape(*FDG_SHAPE, 3)
        values, labels = np.full(FDG_SHAPE, 0.6, np.float32), np.zeros(FDG_SHAPE, np.uint16)
        in_liver, in_lesion = (within(study_kji, part) for part in (LIVER, HOT))
        values[in_liver] = 1.5 + np.arange(in_liver.sum()) % 2
        values[in_lesion] = 7.0
        labels[in_liver] = 5
        other = StudyImages(
            suv=SuvVolume(values, grid, make_derivation()), organs=OrganMap(labels, grid, "test"), tracer=FDG
        )
        other = replace(other, **changes)  # type: ignore[arg-type]
        return make_images(companion=Companion(other, companion_from_study, "rigid registration of the CTs"))

    return make


def within(kji: NDArray[np.float64], part: tuple[slice, ...]) -> NDArray[np.bool_]:
    edges = [(one.start - 0.5, one.stop - 0.5) for one in part]
    inside = [(kji[..., axis] > low) & (kji[..., axis] < high) for axis, (low, high) in enumerate(edges)]
    return np.asarray(np.all(inside, axis=0))


def draw(images: StudyImages, name: str = "deep-psma", **options: object) -> Drawing:
    return PairedLesions(Machine(ModelOptions(device="cpu", **options)), name).segment(images)  # type: ignore[arg-type]


def sizes(drawing: Drawing, state: LesionState = LesionState.UNCONFIRMED) -> list[int]:
    labels = drawing.candidates.segmentation.labels
    numbers = [part.segment_number for part in drawing.candidates.parts if part.state is state]
    return sorted(int(np.count_nonzero(labels == number)) for number in numbers)


def turned(images: StudyImages) -> StudyImages:
    """Return the companion as the study, and the study as its companion."""
    assert images.companion is not None
    back = np.linalg.inv(images.companion.companion_lps_from_lps)
    return replace(images.companion.images, companion=Companion(replace(images, companion=None), back, "turned"))


def test_the_studys_own_lesions_come_back_and_the_companions_as_a_volume(
    make_pair: MakeImages, models_folder: Path
) -> None:
    """D01, D02: PSMA at SUV 3, FDG at the liver's mean + 2 SD = 2.0 + 2 x 0.5."""
    model = write_constant_model(models_folder, tiny_paired_manifest(), FAR, FAR)
    images = make_pair()
    assert images.companion is not None
    drawing = draw(images)
    assert sizes(drawing) == [LESION_VOXELS, LESION_VOXELS, BLADDER_VOXELS]
    fdg = images.companion.images.suv
    hot_ml = np.count_nonzero(fdg.values >= 3.0) * fdg.geometry.voxel_volume_ml
    parameters = drawing.info.parameters
    assert parameters["companion_threshold_suv"] == pytest.approx(3.0, abs=0.05)
    assert parameters["companion_volume_ml"] == pytest.approx(hot_ml, abs=1e-3)
    assert (parameters["companion_tracer"], parameters["postprocessing"]) == ("fdg", "bothways")
    assert [words for words in drawing.warnings if f"{hot_ml:.1f} ml of FDG disease" in words] != []
    assert [words for words in drawing.warnings if "registration of the CTs" in words] != []
    assert drawing.info.threshold_suv == 3.0
    assert (drawing.info.name, drawing.info.weights_sha256) == ("deep-psma-own", model.manifest.weights_sha256)
    assert [use.task for use in drawing.models] == ["paired_lesion_segmentation"]


def test_the_fdg_study_may_be_the_one_that_is_analysed(make_pair: MakeImages, models_folder: Path) -> None:
    """The same pair the other way round gives the volumes the other way round."""
    write_constant_model(models_folder, tiny_paired_manifest(), FAR, FAR)
    psma = draw(make_pair())
    fdg = draw(turned(make_pair()))
    voxel_ml = fdg.candidates.segmentation.geometry.voxel_volume_ml
    assert sum(sizes(fdg)) * voxel_ml == pytest.approx(psma.info.parameters["companion_volume_ml"], abs=1e-3)
    own_ml = sum(sizes(psma)) * psma.candidates.segmentation.geometry.voxel_volume_ml
    assert fdg.info.parameters["companion_volume_ml"] == pytest.approx(own_ml, abs=1e-3)
    assert fdg.info.parameters["companion_tracer"] == "psma"


def test_each_tracer_has_its_own_output(make_pair: MakeImages, models_folder: Path) -> None:
    """D06: lesions of the other tracer are none of the study's."""
    write_constant_model(models_folder, tiny_paired_manifest(), FAR, -FAR)
    drawing = draw(make_pair())
    assert sizes(drawing) == []
    assert drawing.info.parameters["companion_volume_ml"] > 1  # type: ignore[operator]
    excluded = [part for part in drawing.candidates.parts if part.state is LesionState.EXCLUDED_CANDIDATE]
    assert len(excluded) == 3


def test_growth_is_recorded_where_it_is_on(make_pair: MakeImages, models_folder: Path) -> None:
    """D19, D20: off by default, radius and organs as the user has them."""
    write_constant_model(models_folder, tiny_paired_manifest(), FAR, FAR)
    assert "growth_mm" not in draw(make_pair()).info.parameters
    grown = draw(make_pair(), postprocessing=Postprocessing.SINGLE_PLUS, growth_mm=7.0, no_growth_organs=(5, 21))
    assert grown.info.parameters["growth_mm"] == 7.0
    assert grown.info.parameters["no_growth_organs"] == "5, 21"
    assert grown.info.parameters["postprocessing"] == "single+"


def test_folds_named_together_are_an_ensemble(make_pair: MakeImages, models_folder: Path) -> None:
    """D23: mean logits; every fold is recorded."""
    for number, logit in enumerate((3.0, -1.0)):
        write_constant_model(models_folder, tiny_paired_manifest(f"deep-psma-fold{number}"), logit, logit)
    drawing = draw(make_pair(), "deep-psma-fold0,deep-psma-fold1", postprocessing=Postprocessing.BOTHWAYS_PLUS)
    assert len(sizes(drawing)) == 3
    assert [use.name for use in drawing.models] == ["deep-psma-fold0", "deep-psma-fold1"]
    assert drawing.info.name == "deep-psma ensemble of 2"
    assert drawing.info.weights_sha256 is None
    confidence = [part.confidence for part in drawing.candidates.parts]
    assert confidence == pytest.approx([1 / (1 + np.exp(-1.0))] * 3, rel=1e-5)


def test_each_use_runs_with_the_point_that_was_chosen_for_it(make_pair: MakeImages, models_folder: Path) -> None:
    """D25: a probability of 0.62 everywhere."""
    model = write_constant_model(models_folder, tiny_paired_manifest(), 0.5, 0.5)
    points = {
        Purpose.SCREENING: OperatingPoint(0.3, Postprocessing.SINGLE, 0.8, 2.0),
        Purpose.BURDEN: OperatingPoint(0.7, Postprocessing.SINGLE_PLUS, 0.9, 3.0),
    }
    write_points(points, model, data="three validation patients")
    assert sizes(draw(make_pair())) == []
    assert sizes(draw(make_pair(), operating_point="burden")) == []
    screening = draw(make_pair(), operating_point="screening")
    assert len(sizes(screening)) == 3
    used = screening.info.parameters
    assert (used["operating_point"], used["postprocessing"]) == (0.3, "single")


def test_lesions_below_the_threshold_are_kept_after_therapy(make_pair: MakeImages, models_folder: Path) -> None:
    """D28: never dropped silently, in either mode."""
    write_constant_model(models_folder, tiny_paired_manifest(), FAR, FAR)
    images = make_pair()
    values = np.full(SHAPE, 0.8, np.float32)
    values[WARM] = 2.9
    faint = replace(images, suv=SuvVolume(values, images.suv.geometry, images.suv.derivation))
    kept = draw(faint, keep_below_threshold=True)
    assert len(sizes(kept, LesionState.BELOW_THRESHOLD)) == 1
    assert sizes(kept) == []
    assert [words for words in kept.candidates.warnings if "below the SUV threshold" in words] != []
    assert [words for words in draw(faint).warnings if "not looked for" in words] != []


def test_without_a_companion_the_model_is_refused_by_name(make_images: MakeImages, models_folder: Path) -> None:
    """Build 6: and told what a PSMA-only study uses."""
    write_constant_model(models_folder, tiny_paired_manifest(), FAR, FAR)
    with pytest.raises(ModelUnfitError, match=r"deep-psma reads PSMA and FDG .*--companion.*--segmenter lesion-unet"):
        draw(make_images())


def test_two_studies_of_one_tracer_are_no_pair(make_pair: MakeImages, models_folder: Path) -> None:
    write_constant_model(models_folder, tiny_paired_manifest(), FAR, FAR)
    with pytest.raises(ModelUnfitError, match="both are PSMA"):
        draw(make_pair(tracer=PSMA_11))


def test_a_tracer_that_is_neither_is_refused(make_pair: MakeImages, models_folder: Path) -> None:
    write_constant_model(models_folder, tiny_paired_manifest(), FAR, FAR)
    with pytest.raises(ModelUnfitError, match="choline"):
        draw(make_pair(tracer=replace(FDG, value="1", meaning="choline")))


def test_both_studies_need_organs(make_pair: MakeImages, models_folder: Path) -> None:
    """D05."""
    write_constant_model(models_folder, tiny_paired_manifest(), FAR, FAR)
    with pytest.raises(StudyContentError, match="the FDG study has no organ map"):
        draw(make_pair(organs=None))
    with pytest.raises(StudyContentError, match="the PSMA study has no organ map"):
        draw(replace(make_pair(), organs=None))


def test_a_voxel_that_is_no_number_is_refused_in_either_study(make_pair: MakeImages, models_folder: Path) -> None:
    write_constant_model(models_folder, tiny_paired_manifest(), FAR, FAR)
    images = make_pair()
    assert images.companion is not None
    suv = images.companion.images.suv
    values = suv.values.copy()
    values[0, 0, 0] = np.nan
    with pytest.raises(InputRefusedError, match="1 of"):
        draw(make_pair(suv=SuvVolume(values, suv.geometry, suv.derivation)))


def test_simulation_weights_need_both_studies_to_be_simulated(make_pair: MakeImages, models_folder: Path) -> None:
    """DESIGN, "No clinical data can be shipped"."""
    write_constant_model(models_folder, replace(tiny_paired_manifest(), training=SIMULATED), FAR, FAR)
    with pytest.raises(ModelMissingError, match="--allow-simulation-weights"):
        draw(replace(make_pair(), is_simulated=True))
    assert draw(replace(make_pair(is_simulated=True), is_simulated=True)).models[0].is_trained_on_simulation
    assert draw(make_pair(), allow_simulation_weights=True).models[0].is_trained_on_simulation


def steps(name: str, **options: object) -> object:
    models = ModelOptions(device="cpu", **options)  # type: ignore[arg-type]
    other = Path("other") if name.startswith("deep-psma") else None
    request = AnalyseRequest(dicom=Path("study"), companion=other, segmenter=name, models=models)
    return steps_of(request, Machine(request.models)).segmenter


def test_the_name_of_a_paired_model_makes_a_segmenter_that_reads_the_companion(models_folder: Path) -> None:
    write_constant_model(models_folder, tiny_paired_manifest(), FAR, FAR)
    for name in ("deep-psma", "deep-psma-own", "deep-psma,deep-psma-own"):
        segmenter = steps(name)
        assert isinstance(segmenter, PairedLesions)
        assert segmenter.reads_companion


def test_only_paired_models_make_ensembles_and_grow(models_folder: Path) -> None:
    write_constant_model(models_folder, tiny_lesion_manifest(), 0.0, 0.0)
    with pytest.raises(ModelUnfitError, match="an ensemble is made of"):
        steps("deep-psma,lesion-unet-own")
    with pytest.raises(UsageError, match="both tracers"):
        steps("lesion-unet-own", postprocessing=Postprocessing.SINGLE)
