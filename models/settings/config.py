"""What a model is made of: the TOML file beside it."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from firmware_py.artefact import Policy
from firmware_py.candidates import LookPolicy
from firmware_py.errors import SettingsError
from firmware_py.front_end import FrontEnd
from firmware_py.schema import from_mapping
from firmware_py.trigger import TriggerPolicy
from models.settings.network import Network, WindowNetwork
from models.settings.recipe import Recipe, Schedule
from models.settings.words import WordsRecipe

CONFIGS = Path(__file__).parents[1] / "configs"
REFERENCE_CONFIG = CONFIGS / "activate-reference.toml"


@dataclass(frozen=True)
class Config:
    """A model: what it hears, how it looks, what it learns from."""

    name: str
    labels: tuple[str, ...]
    front_end: FrontEnd
    network: Network = field(default_factory=Network)
    window: WindowNetwork | None = None
    """Instead of `network`: a network that looks at whole windows."""
    trigger: Policy = field(default_factory=TriggerPolicy)
    """The policy until an evaluation chooses one."""
    verifier: LookPolicy = field(default_factory=LookPolicy)
    """When a second stage looks again, where one is converted with the network."""
    recipe: Recipe = field(default_factory=Recipe)
    """How training clips are made."""
    schedule: Schedule = field(default_factory=Schedule)
    """How the network is trained on them."""
    words: WordsRecipe | None = None
    """Instead of `recipe` and `schedule`, for command words."""


def read_config(path: Path) -> Config:
    """Return the configuration at `path`; raises SettingsError naming what is wrong."""
    try:
        with path.open("rb") as file:
            mapping = tomllib.load(file)
    except OSError as error:
        raise SettingsError(f"{path}: cannot read the configuration: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path}: not valid TOML: {error}") from error
    return from_mapping(Config, mapping, str(path))


def recipe_of(config: Config) -> WordsRecipe:
    """Return the words recipe; raises SettingsError where a configuration has none."""
    if config.words is None:
        raise SettingsError(f"{config.name}: no [words] in the configuration; see commands.toml")
    return config.words
