"""`python -m models train`: a configuration and folders of recordings to a trained network."""

import argparse
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from models.commands import executors
from models.settings.config import TRAINED, read_config
from models.settings.recipe import Recipe
from models.settings.words import WordsRecipe
from models.training.run import train_in
from models.training.run_folder import refuse_other_runs
from models.training.task import Task
from models.training.trigger_words import TriggerWords
from models.words.task import CommandWords

TASKS: dict[type[Recipe | WordsRecipe], Callable[..., Task]] = {
    Recipe: TriggerWords,
    WordsRecipe: CommandWords,
}

log = logging.getLogger(__name__)


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "train",
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
        help="fine-tune this network: its weights learn on, its batch normalisations stay as they"
        " are; or go on from this checkpoint (.npz)",
    )
    executors.add_arguments(parser, "make clips")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train as the command line says; return the exit code."""
    config = read_config(arguments.config)
    folder = arguments.out or TRAINED / config.name
    refuse_other_runs(folder, arguments.resume)
    roots = tuple(root.resolve() for root in arguments.data)
    task_of = partial(TASKS[type(config.recipe)], roots=roots)
    with executors.open_pool(arguments.workers, arguments.dask) as executor:
        try:
            outcome = train_in(
                folder, config, task_of, executor, arguments.resume, start=arguments.start
            )
        except KeyboardInterrupt as stop:
            log.info("%s; --resume goes on", stop or "stopped")
            raise
    log.info("trained: %s, error %.3f", folder, outcome.error)
    return 0
