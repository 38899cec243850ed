"""What a report says of trained models: provenance, the gate, and weights that know simulation only (W60, W90)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from psmacore.model.timepoint import ModelUse, StudyClassification, Timepoint
from psmacore.report.document import build_document
from psmacore.report.html import to_html
from psmacore.report.mip import render_mip
from psmacore.report.pdf import to_pdf
from psmacore.report.text import to_text
from Testing.timepoints import make_body, make_timepoint

SIMULATED_ONLY = ModelUse("lesion_segmentation", "lesion-unet-sim", "1.2.0", "ab" * 32, "CPU, 2 threads", True)
CLINICAL = replace(SIMULATED_ONLY, name="lesion-unet-own", is_trained_on_simulation=False)


@pytest.fixture
def a_watermarked_result() -> Timepoint:
    """Real images, drawn on by weights that know simulated patients only."""
    return replace(make_timepoint(2), models=(SIMULATED_ONLY,))


def test_every_model_is_named_with_version_weights_and_device(a_watermarked_result: Timepoint) -> None:
    (section,) = [one for one in build_document(a_watermarked_result).sections if one.title == "Software and model"]
    (fact,) = [fact for fact in section.facts if fact.label == "Lesion segmentation"]
    assert fact.value == (
        "lesion-unet-sim 1.2.0, weights abababababab…, on CPU, 2 threads, trained on simulated patients only"
    )


def test_weights_that_know_simulation_only_mark_every_form_of_the_report(a_watermarked_result: Timepoint) -> None:
    document = build_document(a_watermarked_result)
    assert document.watermark == "AI TRAINED ON SIMULATION"
    assert "AI TRAINED ON SIMULATION" in to_html(document, None)
    assert "AI TRAINED ON SIMULATION" in to_text(document)
    plain = replace(document, is_simulation_trained=False)
    assert to_pdf(document, None) != to_pdf(plain, None)
    (limits,) = [one for one in document.sections if one.title == "Limits"]
    assert [note for note in limits.notes if "not for clinical use" in note] != []


def test_the_picture_is_marked_too(a_watermarked_result: Timepoint) -> None:
    suv, segmentation = make_body(2)
    clean = replace(a_watermarked_result, models=(CLINICAL,))
    marked, plain = (render_mip(suv, segmentation, one) for one in (a_watermarked_result, clean))
    assert marked.shape == plain.shape
    assert np.count_nonzero(np.any(marked != plain, axis=-1)) > 1000


def test_simulated_images_are_called_simulated_whatever_drew_on_them(a_watermarked_result: Timepoint) -> None:
    simulated = replace(a_watermarked_result, is_simulated=True)
    assert not simulated.is_watermarked
    assert build_document(simulated, is_simulated=True).watermark == "SIMULATED DATA"


def test_clinical_weights_leave_no_mark() -> None:
    assert build_document(replace(make_timepoint(2), models=(CLINICAL,))).watermark == ""


def test_a_study_that_the_gate_stopped_says_so_and_gives_no_totals() -> None:
    """W60."""
    answer = StudyClassification("normal", 0.93, "study-cnn 1.0.0", has_stopped_segmentation=True)
    document = build_document(replace(make_timepoint(0, has_totals=False), classification=answer))
    text = to_text(document)
    assert text.count("Classified as normal by AI, so lesions were not looked for.") == 2
    assert "Physiological uptake not excluded" not in text
    (impression,) = [one for one in document.sections if one.title == "Impression"]
    assert "normal" in {fact.label: fact.value for fact in impression.facts}["Study classification"]
    assert [caution for caution in impression.cautions if "A reader must look" in caution] != []
