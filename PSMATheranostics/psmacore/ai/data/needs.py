"""A manifest to what a loader must read for it."""

from __future__ import annotations

from dataclasses import dataclass

from psmacore.registry.manifest import ChannelName, Manifest, Task


@dataclass(frozen=True)
class Needs:
    """What a model's training and evaluation read of a case.

    Parameters
    ----------
    has_ct, has_pet : bool
        Whether the model reads one; where it reads a PET, the case lies on the PET's grid, else on the CT's.
    has_target : bool
        Whether a label map is compared, which a classifier needs not.
    lesion_label : int
        Number that lesions are written as: of the first output that is not 0.
    labels : frozenset of int
        Numbers of all outputs.
    tracers : tuple of str
        As the manifest's validity names them.
    """

    has_ct: bool
    has_pet: bool
    has_target: bool
    lesion_label: int
    labels: frozenset[int]
    tracers: tuple[str, ...]

    @classmethod
    def of(cls, manifest: Manifest) -> Needs:
        """Return the needs of a manifest."""
        names = {channel.name for channel in manifest.inputs}
        numbers = [output.label for output in manifest.outputs]
        return cls(
            has_ct=ChannelName.CT in names,
            has_pet=ChannelName.PET in names,
            has_target=manifest.task is not Task.CLASSIFICATION,
            lesion_label=next((number for number in numbers if number != 0), 1),
            labels=frozenset(numbers),
            tracers=manifest.validity.tracers,
        )

    def accepts_tracer(self, tracer: str) -> bool:
        """Return whether the model is valid for ``psma`` or ``fdg``; a manifest that names no tracer takes both.

        Names of single tracers count for their family: all that hold ``fdg`` for FDG, all others for PSMA.
        """
        if not self.tracers or not tracer:
            return True
        families = {"fdg" if "fdg" in name.lower() else "psma" for name in self.tracers}
        return tracer in families
