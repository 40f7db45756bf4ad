"""`python -m models train`: a configuration and folders of recordings to a trained network."""

import argparse
import hashlib
import json
import logging
from concurrent.futures import Executor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tomli_w

from firmware_py.errors import SettingsError
from firmware_py.schema import to_mapping
from models import executors
from models.config import Config, read_config

TRAINED = Path(__file__).parent / "trained"
CONFIG = "config.toml"
RECORD = "training.json"

log = logging.getLogger(__name__)


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "train",
        help="train a network",
        description="Train the network that a configuration describes; --resume goes on after a"
        " stop at any moment, with the same data in the same order.",
    )
    parser.add_argument("config", type=Path, metavar="CONFIG.toml")
    parser.add_argument("--data", type=Path, action="append", default=[], metavar="DIR",
                        help="folder that holds the sources' folders; may repeat")  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="DIR",
                        help="result (default: models/trained/<name>)")  # fmt: skip
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    executors.add_arguments(parser, "make clips")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train as the command line says; return the exit code."""
    from models.training import train  # loads TensorFlow

    config = read_config(arguments.config)
    folder = arguments.out or TRAINED / config.name
    roots = tuple(root.resolve() for root in arguments.data)
    with executors.open_pool(arguments.workers, arguments.dask) as executor:
        config = _settle(config, roots, folder, executor, arguments.resume)
        outcome = train(config, roots, folder, executor, arguments.resume)
    record = {
        "steps": outcome.steps,
        "development": {
            "mean_miss_rate": round(outcome.metric, 4),
            "words": outcome.words,
            "hours": round(outcome.hours, 3),
        },
        "seed": config.schedule.seed,
        "sources": [asdict(source) for source in config.recipe.sources],
    }
    (folder / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    log.info("trained: %s, mean miss rate %.3f", folder, outcome.metric)
    return 0


def _settle(
    config: Config, roots: tuple[Path, ...], folder: Path, executor: Executor, resume: bool
) -> Config:
    """Return the configuration that the run uses, and keep it in the folder.

    A resumed run keeps the one it began with and refuses another.
    """
    from models.training import CHECKPOINT, with_normalisation
    from models.training_log import LOG

    path = folder / CONFIG
    digest = hashlib.sha256(json.dumps(to_mapping(config)).encode()).hexdigest()
    mark = folder / "config.sha256"
    if resume and path.exists():
        if mark.exists() and mark.read_text().strip() != digest:
            raise SettingsError(
                f"{folder}: was begun with another configuration; train without --resume,"
                " or choose another --out"
            )
        return read_config(path)
    folder.mkdir(parents=True, exist_ok=True)
    for old in (LOG, CHECKPOINT):
        (folder / old).unlink(missing_ok=True)
    config = with_normalisation(config, roots, executor)
    path.write_text(tomli_w.dumps(to_mapping(config)), encoding="utf-8")
    mark.write_text(digest + "\n", encoding="utf-8")
    return config
