"""Model folders on this machine to the models that can be named or chosen."""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from psmacore.errors import ModelError, ModelMissingError, ModelUnfitError
from psmacore.registry.digest_list import LIST_FILE
from psmacore.registry.manifest import Manifest
from psmacore.registry.read import MANIFEST_FILE, read_manifest

WEIGHTS_FILE = "weights.safetensors"
_OTHER_WEIGHTS = ("weights.pt", "weights.pth", LIST_FILE)
_UNFINISHED = ".partial-"  # psmacore.jobs.folder: what a training has yet to complete
_HERE = Path(__file__).resolve()

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelFolder:
    """A model and where it lies; its weights need not be there."""

    manifest: Manifest
    folder: Path

    @property
    def weights_path(self) -> Path:
        """``weights.safetensors``, ``weights.pt``/``.pth`` or the list of an imported model's, whichever is there."""
        for name in (WEIGHTS_FILE, *_OTHER_WEIGHTS):
            if (self.folder / name).is_file():
                return self.folder / name
        return self.folder / WEIGHTS_FILE

    @property
    def has_weights(self) -> bool:
        """Whether the manifest names weights and a file of that kind is there; its checksum is not looked at."""
        return self.manifest.weights_sha256 is not None and self.weights_path.is_file()

    @property
    def is_simulation_trained(self) -> bool:
        """Whether the weights know simulated patients only."""
        return self.manifest.training is not None and self.manifest.training.is_simulated


@dataclass(frozen=True)
class BrokenModel:
    """A folder that holds a manifest which cannot be used, and why."""

    name: str
    folder: Path
    reason: str


def shipped_models_folder() -> Path:
    """Return ``Resources/Models`` of the checkout, or of the installed extension (CMakeLists.txt)."""
    checkout, installed = (_HERE.parents[up] / "Resources" / "Models" for up in (3, 2))
    return installed if installed.is_dir() and not checkout.is_dir() else checkout


def user_models_folder() -> Path:
    """Return the hospital's own models folder: ``PSMA_MODELS``, or where the system keeps a user's data."""
    named = os.environ.get("PSMA_MODELS", "")
    if named:
        return Path(named).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "psma" / "models"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "psma" / "models"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "psma" / "models"


def open_model(folder: Path) -> ModelFolder:
    """Return the model of one folder, wherever it lies and whatever the folder is called.

    Raises
    ------
    ModelMissingError
        If the folder holds no manifest.
    ModelUnfitError
        If the manifest cannot be used.
    """
    return ModelFolder(read_manifest(folder), folder)


def list_models() -> tuple[ModelFolder, ...]:
    """Return every usable model by name: those that ship, then the hospital's, which win on equal names.

    A folder whose manifest cannot be used is left out and logged; :func:`broken_models` tells why. It also
    hides a shipped model of its name, for the hospital meant to replace that one.
    """
    found = _scan()
    for one in found.values():
        if isinstance(one, BrokenModel):
            _log.warning("model %s is left out: %s", one.name, one.reason)
    return tuple(one for one in found.values() if isinstance(one, ModelFolder))


def broken_models() -> tuple[BrokenModel, ...]:
    """Return the folders that hold a manifest which cannot be used, by name."""
    return tuple(one for one in _scan().values() if isinstance(one, BrokenModel))


def find_model(name: str) -> ModelFolder:
    """Return the model of a name.

    Raises
    ------
    ModelMissingError
        If none has that name; the message lists those there are.
    ModelUnfitError
        If its manifest cannot be used.
    """
    found = _scan()
    one = found.get(name)
    if isinstance(one, ModelFolder):
        return one
    if one is not None:
        raise ModelUnfitError(f"model {name!r}: {one.reason}")
    known = ", ".join(found) or "none"
    raise ModelMissingError(
        f"no model is named {name!r}; there are: {known}. Models of your own belong into {user_models_folder()}"
    )


def choose_model(family: str, tracer: str | None, *, allow_simulation: bool) -> ModelFolder:
    """Return the model of a family to run, weights and all.

    Weights trained on patients go before weights trained on simulation, the hospital's before those that
    ship, a higher version before a lower one.

    Parameters
    ----------
    tracer : str or None
        ``psma`` or ``fdg`` (W87); ``None`` for models that read no PET, or a pair.
    allow_simulation : bool
        Whether weights that know simulated patients only may be taken: for simulated studies, and for real
        ones where the user asked for it.

    Raises
    ------
    ModelMissingError
        If there is none; the message says what to do.
    """
    of_family = [model for model in list_models() if model.manifest.family == family]
    if not of_family:
        families = ", ".join(sorted({model.manifest.family for model in list_models()})) or "none"
        raise ModelMissingError(f"no model belongs to the family {family!r}; there are: {families}")
    fitting = [model for model in of_family if serves_tracer(model.manifest, tracer)]
    if not fitting:
        tracers = ", ".join(sorted({one for model in of_family for one in model.manifest.validity.tracers}))
        raise ModelMissingError(f"no {family} model is valid for the tracer {tracer!r}, only for: {tracers}")
    weighted = [model for model in fitting if model.has_weights]
    allowed = [model for model in weighted if allow_simulation or not model.is_simulation_trained]
    if not allowed:
        raise ModelMissingError(_what_to_do(family, fitting, weighted))
    return max(allowed, key=_preference)


def serves_tracer(manifest: Manifest, tracer: str | None) -> bool:
    """Return whether a model may be used on a tracer's images (W87).

    Parameters
    ----------
    tracer : str or None
        ``psma``, ``fdg`` or the name of a single tracer, such as ``18f-psma-1007``, which a model of its group
        serves too; ``None`` asks for no tracer and fits any model.
    """
    tracers = manifest.validity.tracers
    if tracer is None or not tracers:
        return True
    return any(one == tracer or one in tracer.split("-") for one in tracers)


def _preference(model: ModelFolder) -> tuple[bool, bool, tuple[int, ...], str]:
    is_own = model.folder.parent.resolve() != shipped_models_folder().resolve()
    digits = ["".join(filter(str.isdigit, part)) for part in model.manifest.version.split(".")]
    version = tuple(int(part) if part else 0 for part in digits)
    return not model.is_simulation_trained, is_own, version, model.manifest.name


def _what_to_do(family: str, fitting: list[ModelFolder], weighted: list[ModelFolder]) -> str:
    names = ", ".join(model.manifest.name for model in weighted or fitting)
    if weighted:
        return (
            f"the {family} models with weights ({names}) know simulated patients only and are not for clinical use: "
            "train or import one, or allow these with --allow-simulation-weights"
        )
    return (
        f"no {family} model has weights ({names}): train one with `psma train {fitting[0].manifest.name} --data DIR`, "
        f"or put one with its manifest into {user_models_folder()}"
    )


def _scan() -> dict[str, ModelFolder | BrokenModel]:
    found: dict[str, ModelFolder | BrokenModel] = {}
    for root in (shipped_models_folder(), user_models_folder()):
        for folder in _folders(root):
            try:
                found[folder.name] = _registered(folder)
            except ModelError as error:
                found[folder.name] = BrokenModel(folder.name, folder, str(error))
    return dict(sorted(found.items()))


def _registered(folder: Path) -> ModelFolder:
    """Return the model of a folder in a models folder, where it goes by the folder's name."""
    model = open_model(folder)
    if model.manifest.name != folder.name:
        raise ModelUnfitError(
            f"{folder / MANIFEST_FILE} names the model {model.manifest.name!r}, but its folder is {folder.name!r}"
        )
    return model


def _folders(root: Path) -> list[Path]:
    try:
        return sorted(one for one in root.iterdir() if _UNFINISHED not in one.name and (one / MANIFEST_FILE).exists())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise ModelMissingError(f"the models folder {root} cannot be read: {error}") from error
