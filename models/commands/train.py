"""`python -m models train`: a configuration and folders of recordings to a trained network."""

import argparse
import logging
from pathlib import Path
from typing import Any

from models.commands import executors
from models.settings.config import Config, read_config
from models.training.settled import refuse_other_runs

TRAINED = Path(__file__).parents[1] / "trained"

log = logging.getLogger(__name__)


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "train",
        help="train a network",
        description="Train the network that a configuration describes; --resume goes on after a"
        " stop at any moment, with the same data in the same order.",
    )
    parser.add_argument("config", type=Path, metavar="CONFIG.toml")
    parser.add_argument(
        "--data",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="folder that holds the sources' folders; may repeat",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="result (default: models/trained/<name>)"
    )
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument(
        "--start",
        type=Path,
        metavar="MODEL.keras",
        help="fine-tune this network: its weights learn on, its batch"
        " normalisations stay as they are; for command words all learns on, and"
        " a checkpoint (.npz) is gone on from",
    )
    executors.add_arguments(parser, "make clips")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train as the command line says; return the exit code."""
    config = read_config(arguments.config)
    folder = arguments.out or TRAINED / config.name
    refuse_other_runs(folder, arguments.resume)
    roots = tuple(root.resolve() for root in arguments.data)
    if config.words:
        return _train_words(config, folder, roots, arguments)
    from models.training.run_folder import train_in  # loads TensorFlow

    with executors.open_pool(arguments.workers, arguments.dask) as executor:
        outcome = train_in(folder, config, roots, executor, arguments.resume, start=arguments.start)
    log.info("trained: %s, mean miss rate %.3f", folder, outcome.metric)
    return 0


def _train_words(
    config: Config, folder: Path, roots: tuple[Path, ...], arguments: argparse.Namespace
) -> int:
    from models.words.training_folder import train_words_in  # loads TensorFlow

    with executors.open_pool(arguments.workers, arguments.dask) as executor:
        train_words_in(folder, config, roots, executor, arguments.resume, arguments.start)
    log.info("trained: %s", folder)
    return 0
