"""What several commands ask for."""

import argparse
from pathlib import Path
from typing import get_args

from models.settings.config import Config, read_config
from models.settings.words import WordsRecipe
from models.words.corpus import Corpus, load_corpus
from models.words.division import Part


def add_data(parser: argparse.ArgumentParser, part: Part) -> None:
    """Add the options that name a data set and one part of it."""
    parser.add_argument(
        "--data",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="holds the folders of the configuration; may repeat",
    )
    parser.add_argument(
        "--part", choices=get_args(Part), default=part, help=f"whose recordings (default: {part})"
    )


def add_stream(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name a model, a long recording and what is said in it."""
    parser.add_argument("model", type=Path, metavar="M", help="artefact")
    parser.add_argument("audio", type=Path, metavar="WAV")
    parser.add_argument(
        "truth",
        type=Path,
        nargs="?",
        metavar="TXT",
        help="lines of `word, milliseconds` (default: beside WAV)",
    )


def add_runtime(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--runtime", metavar="R", help="interpreter (default: the preferred one installed)"
    )


def config_of(path: Path) -> tuple[Config, WordsRecipe]:
    """Return a configuration of command words; raises SettingsError for another."""
    config = read_config(path)
    return config, config.words_recipe


def corpus_of(arguments: argparse.Namespace, words: WordsRecipe, sample_rate_hz: int) -> Corpus:
    """Return the part of the data set that the options name."""
    roots = tuple(root.resolve() for root in arguments.data)
    return load_corpus(words, roots, arguments.part, sample_rate_hz)
