"""A trained model as it is found: its networks, their configuration, and its artefact."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from convert.verifier import VerifierChoice
from firmware_py.artefact import Artefact, read_artefact
from firmware_py.errors import SettingsError
from firmware_py.policies.candidates import LookPolicy
from firmware_py.policies.trigger import TriggerPolicy
from models.settings.config import TRAINED, Config, read_config
from models.training.run_folder import BEST_MODEL, CONFIG, VERIFIER


@dataclass(frozen=True)
class KnownModel:
    """A model of one trigger word in its folder, as `new` and the shipped models leave it."""

    folder: Path
    config: Config
    artefact: Artefact

    @property
    def network(self) -> Path:
        return self.folder / BEST_MODEL

    @property
    def label(self) -> str:
        return self.artefact.metadata.labels[0]

    @property
    def policies(self) -> Mapping[str, TriggerPolicy]:
        """The operating points by name; `default` is the model's own policy."""
        metadata = self.artefact.metadata
        policies = {"default": metadata.trigger, **metadata.operating_points}
        return {name: it for name, it in policies.items() if isinstance(it, TriggerPolicy)}

    @property
    def verifier(self) -> VerifierChoice | None:
        """The second stage as it stands in the artefact; None: there is none."""
        second = self.artefact.metadata.verifier
        if second is None:
            return None
        looks = {field.name: getattr(second, field.name) for field in fields(LookPolicy)}
        return VerifierChoice(self.folder / VERIFIER, second.mode, looks)


def find_known_model(name: str) -> KnownModel:
    """Return the model that `name` means: a shipped one's name, a folder, or an artefact in one.

    Raises SettingsError for what is none, for files that are missing, and for several words.
    """
    folder, artefact = _places(name)
    config = read_config(folder / CONFIG)
    recipe = config.trigger_recipe  # refuses command words
    known = KnownModel(folder, config, read_artefact(artefact or folder / f"{config.name}.tflite"))
    needed = [known.network, *([known.verifier.path] if known.verifier else [])]
    for path in needed:
        if not path.is_file():
            raise SettingsError(f"{path}: there is no such network, but {name} is made of it")
    if len(config.labels) > 1 or known.artefact.metadata.labels != config.labels:
        raise SettingsError(
            f"{name} hears {', '.join(known.artefact.metadata.labels)}; a model of one word is"
            " improved: take one out with python -m models select"
        )
    if not recipe.sources:
        raise SettingsError(f"{folder / CONFIG}: its recipe names no sources to learn from")
    return known


def _places(name: str) -> tuple[Path, Path | None]:
    """Return the model's folder, and its artefact where that is named."""
    path = Path(name)
    if path.is_file():
        return path.parent, path
    for folder in (path, TRAINED / name):
        if (folder / CONFIG).is_file():
            return folder, None
    known = ", ".join(sorted(each.parent.name for each in TRAINED.glob(f"*/{CONFIG}")))
    raise SettingsError(f"{name}: no model; name a folder with {CONFIG}, or one of {known}")
