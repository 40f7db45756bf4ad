"""The words recipe of a configuration."""

from firmware_py.errors import SettingsError
from models.config import Config
from models.words.settings import WordsRecipe


def recipe_of(config: Config) -> WordsRecipe:
    """Return the words recipe; raises SettingsError where a configuration has none."""
    if config.words is None:
        raise SettingsError(f"{config.name}: no [words] in the configuration; see commands.toml")
    return config.words
