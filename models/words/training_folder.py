"""The folder of a words training run: its settled configuration, and how it ended."""

import json
from concurrent.futures import Executor
from dataclasses import asdict
from pathlib import Path

from models.settings.config import Config, recipe_of
from models.training.settled import MARK, RECORD, Place, settle, with_normalisation_of
from models.words.training import WORK, Outcome, train_words, with_normalisation


def train_words_in(
    folder: Path,
    config: Config,
    roots: tuple[Path, ...],
    executor: Executor,
    resume: bool,
    start: Path | None = None,
) -> Outcome:
    """Train in `folder` and leave there all that a converter and a reader want."""
    if start:
        config = with_normalisation_of(config, start)
    work = folder / WORK
    place = Place(folder, work / MARK, tuple(work.glob("checkpoint*.npz")))
    config = settle(
        config, place, resume, lambda it: with_normalisation(it, roots, executor), start
    )
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
