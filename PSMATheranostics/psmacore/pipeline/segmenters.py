"""A segmenter's name to the method that draws lesions on a study's PET."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from psmacore import __version__
from psmacore.dicom.read_rtstruct import is_rtstruct, list_rois, read_roi_mask
from psmacore.dicom.read_seg import read_segments
from psmacore.errors import InputRefusedError, ModelMissingError, ModelUnfitError, UsageError
from psmacore.lesions.candidates import Candidates
from psmacore.lesions.segment import segment_by_mask, segment_by_threshold
from psmacore.lesions.thresholds import RuleKind, ThresholdRule, default_rule
from psmacore.model.codes import Code
from psmacore.model.timepoint import ModelUse, SegmenterInfo
from psmacore.model.volumes import Segmentation
from psmacore.pipeline.images import StudyImages
from psmacore.pipeline.nifti import is_nifti, read_labels
from psmacore.pipeline.request import DEFAULT_SEGMENTER, MaskSource
from psmacore.suv.tracer import is_fdg, is_psma


@dataclass(frozen=True)
class Drawing:
    """Lesions as a method drew them, the method as results record it, and the trained models behind it.

    ``warnings`` tell what the reader should know of how the models ran.
    """

    candidates: Candidates
    info: SegmenterInfo
    models: tuple[ModelUse, ...] = ()
    warnings: tuple[str, ...] = ()


class Segmenter(Protocol):
    """Draws lesions on the PET grid and says how."""

    @property
    def reads_companion(self) -> bool:
        """Whether it looks at the other tracer's study."""

    def segment(self, images: StudyImages) -> Drawing:
        """Return what it drew."""


@dataclass(frozen=True)
class ThresholdSegmenter:
    """Fixed, liver-based or percentage threshold; physiological uptake is told apart by the organ map.

    ``rule`` ``None`` takes the tracer's own: PSMA SUV 3.0, FDG liver mean + 2 SD.
    """

    rule: ThresholdRule | None = None
    reads_companion = False

    def segment(self, images: StudyImages) -> Drawing:
        """Segment by the rule; raise :class:`ModelUnfitError` where the tracer has no rule of its own."""
        rule = self.rule or rule_of(images.tracer)
        candidates = segment_by_threshold(images.suv, rule, images.organs)
        info = SegmenterInfo(
            name=DEFAULT_SEGMENTER,
            version=__version__,
            threshold_suv=candidates.threshold_suv,
            parameters={"rule": rule.kind.value, "fixed_suv": rule.fixed_suv},
        )
        return Drawing(candidates, info)


def rule_of(tracer: Code) -> ThresholdRule:
    """Return the tracer's own rule: PSMA SUV 3.0, FDG liver mean + 2 SD (D02).

    Raises
    ------
    ModelUnfitError
        If the tracer is neither.
    """
    if is_fdg(tracer) or is_psma(tracer):
        return default_rule(is_fdg(tracer))
    raise ModelUnfitError(
        f"no threshold rule is known for the tracer {tracer.meaning!r}: name one, "
        f"for example --segmenter {DEFAULT_SEGMENTER}:{RuleKind.PSMA_FIXED.value}"
    )


@dataclass(frozen=True)
class MaskSegmenter:
    """A reader's own delineation; each ROI, segment or label is one lesion."""

    source: MaskSource
    reads_companion = False

    def segment(self, images: StudyImages) -> Drawing:
        """Bring the delineation onto the PET grid."""
        drawn, names = self._read(images)
        info = SegmenterInfo(name="mask", version=__version__, parameters={"rois": ", ".join(names)})
        return Drawing(segment_by_mask(images.suv, drawn, images.organs), info)

    def _read(self, images: StudyImages) -> tuple[Segmentation, list[str]]:
        path, roi_name, geometry = self.source.path, self.source.roi_name, images.suv.geometry
        if is_nifti(path):
            if roi_name is not None:
                raise UsageError("--mask: a NIfTI label map has no ROI names")
            return Segmentation(read_labels(path, geometry), geometry), ["labels"]
        if is_rtstruct(path):
            names = [roi_name] if roi_name is not None else list(list_rois(path))
            return _merge({name: read_roi_mask(path, name, geometry) for name in names}, images), names
        file = read_segments(path, geometry)
        chosen = {
            segment.label: file.segment_mask(segment.number)
            for segment in file.segments
            if roi_name in (None, segment.label)
        }
        if not chosen:
            known = ", ".join(segment.label for segment in file.segments)
            raise InputRefusedError(f"{path.name} has no segment {roi_name!r}; it has: {known}")
        return _merge(chosen, images), list(chosen)


def _merge(masks: dict[str, np.ndarray], images: StudyImages) -> Segmentation:
    """Merge masks into labels from 1; where they overlap, the one named first keeps the voxel."""
    labels = np.zeros(images.suv.geometry.shape, dtype=np.uint16)
    for number, mask in enumerate(masks.values(), 1):
        labels[mask & (labels == 0)] = number
    return Segmentation(labels, images.suv.geometry, dict(enumerate(masks, 1)))


def segmenter_named(name: str, mask: MaskSource | None = None) -> Segmenter:
    """Return the segmenter of a name, ``threshold`` or ``threshold:RULE[=SUV]``, or the reader's mask.

    Raises
    ------
    UsageError
        If the rule is unknown or its number is none.
    ModelMissingError
        If the name is no rule's.
    """
    if mask is not None:
        return MaskSegmenter(mask)
    head, _, rule_text = name.partition(":")
    if head != DEFAULT_SEGMENTER:
        raise ModelMissingError(f"no rule is named {name!r}; there is {DEFAULT_SEGMENTER!r}")
    if not rule_text:
        return ThresholdSegmenter()
    kind, _, number = rule_text.partition("=")
    if kind not in set(RuleKind):
        raise UsageError(f"--segmenter: unknown rule {kind!r}; known: {', '.join(RuleKind)}")
    if not number:
        return ThresholdSegmenter(ThresholdRule(RuleKind(kind)))
    try:
        return ThresholdSegmenter(ThresholdRule(RuleKind(kind), float(number)))
    except ValueError as error:
        raise UsageError(f"--segmenter: {number!r} is no SUV") from error
