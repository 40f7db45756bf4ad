"""The folder of a words training run: its settled configuration, and how it ended."""

import hashlib
import json
from concurrent.futures import Executor
from dataclasses import asdict
from pathlib import Path

import tomli_w

from firmware_py.errors import SettingsError
from firmware_py.schema import to_mapping
from models.config import Config, read_config
from models.words.recipe import recipe_of
from models.words.training import WORK, Outcome, train_words, with_normalisation

CONFIG = "config.toml"
MARK = "config.sha256"
RECORD = "training.json"


def train_words_in(
    folder: Path,
    config: Config,
    roots: tuple[Path, ...],
    executor: Executor,
    resume: bool,
    start: Path | None = None,
) -> Outcome:
    """Train in `folder` and leave there all that a converter and a reader want."""
    config = _settle(config, roots, folder, executor, resume)
    outcome = train_words(config, roots, folder, executor, resume, start)
    words = recipe_of(config)
    record = {
        "steps": outcome.steps,
        "validation_accuracy": round(outcome.validation.accuracy, 4),
        "validation_clips": outcome.validation.total,
        "test": outcome.testing.mapping(),
        "seed": words.schedule.seed,
        "sources": [words.folder, *(extra.path for extra in words.extras)],
        "division": asdict(words.division),
    }
    (folder / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return outcome


def _settle(
    config: Config, roots: tuple[Path, ...], folder: Path, executor: Executor, resume: bool
) -> Config:
    """Return the configuration of the run, kept in the folder; a resumed run keeps its own."""
    work = folder / WORK
    digest = hashlib.sha256(json.dumps(to_mapping(config)).encode()).hexdigest()
    path, mark = folder / CONFIG, work / MARK
    if resume and path.exists():
        if mark.exists() and mark.read_text().strip() != digest:
            raise SettingsError(
                f"{folder}: was begun with another configuration; train without --resume,"
                " or choose another --out"
            )
        return read_config(path)
    work.mkdir(parents=True, exist_ok=True)
    for old in work.glob("checkpoint*.npz"):
        old.unlink()
    config = with_normalisation(config, roots, executor)
    path.write_text(tomli_w.dumps(to_mapping(config)), encoding="utf-8")
    mark.write_text(digest + "\n", encoding="utf-8")
    return config
