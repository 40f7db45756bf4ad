"""What a model is made of: the TOML file beside it."""

from dataclasses import dataclass, field
from pathlib import Path

from firmware_py.artefact import Policy
from firmware_py.errors import SettingsError
from firmware_py.front_end import FrontEnd
from firmware_py.policies.candidates import LookPolicy
from firmware_py.policies.trigger import TriggerPolicy
from firmware_py.reading.toml import read_toml
from firmware_py.schema import from_mapping
from models.settings.network import Network, WindowNetwork
from models.settings.recipe import Recipe
from models.settings.schedule import Schedule
from models.settings.words import WordsRecipe

CONFIGS = Path(__file__).parents[1] / "configs"
TRAINED = Path(__file__).parents[1] / "trained"
"""The models that come with the project, a folder each."""
REFERENCE_CONFIG = CONFIGS / "activate-reference.toml"


@dataclass(frozen=True)
class Config:
    """A model: what it hears, how it looks, what it learns from."""

    name: str
    labels: tuple[str, ...]
    front_end: FrontEnd
    network: Network | WindowNetwork = field(default_factory=Network)
    """Streams step by step, or looks at whole windows: the names in the table tell which."""
    trigger: Policy = field(default_factory=TriggerPolicy)
    """The policy until an evaluation chooses one."""
    verifier: LookPolicy = field(default_factory=LookPolicy)
    """When a second stage looks again, where one is converted with the network."""
    recipe: Recipe | WordsRecipe = field(default_factory=Recipe)
    """How training clips are made, of trigger words or of command words: the names in the table
    tell which."""
    schedule: Schedule = field(default_factory=Schedule)
    """How the network is trained on them."""

    @property
    def streaming_network(self) -> Network:
        """The network that streams; raises SettingsError where it looks at windows."""
        if isinstance(self.network, Network):
            return self.network
        raise SettingsError(
            f"{self.name}: its network looks at whole windows; name one that streams"
        )

    @property
    def trigger_recipe(self) -> Recipe:
        """The recipe of trigger words; raises SettingsError where it is one of command words."""
        if isinstance(self.recipe, Recipe):
            return self.recipe
        raise SettingsError(f"{self.name}: its recipe is one of command words")

    @property
    def words_recipe(self) -> WordsRecipe:
        """The recipe of command words; raises SettingsError where it is one of trigger words."""
        if isinstance(self.recipe, WordsRecipe):
            return self.recipe
        raise SettingsError(
            f"{self.name}: its recipe is not one of command words; see configs/commands.toml"
        )


def read_config(path: Path) -> Config:
    """Return the configuration at `path`; raises SettingsError naming what is wrong."""
    mapping = read_toml(path, "configuration", SettingsError)
    return from_mapping(Config, mapping, str(path))
