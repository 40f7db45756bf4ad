"""The folder of a training run: its settled configuration, and the record of how it ended."""

import json
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import asdict
from pathlib import Path

from models.settings.config import Config
from models.training.log import LOG
from models.training.loop import CHECKPOINT, Outcome, train, with_normalisation
from models.training.settled import MARK, RECORD, Place, settle, with_normalisation_of


def train_in(
    folder: Path,
    config: Config,
    roots: tuple[Path, ...],
    executor: Executor,
    resume: bool,
    *,
    start: Path | None = None,
    remark: Callable[[float], str] = lambda _: "",
) -> Outcome:
    """Train in `folder` and leave there all that a converter and a reader want.

    resume: go on with what is there. start, remark: see `models.training.loop.train`.
    """
    if start:
        config = with_normalisation_of(config, start)
    place = Place(folder, folder / MARK, (folder / LOG, folder / CHECKPOINT))
    config = settle(
        config, place, resume, lambda it: with_normalisation(it, roots, executor), start
    )
    outcome = train(config, roots, folder, executor, resume, start=start, remark=remark)
    record = {
        "steps": outcome.steps,
        "development": {
            "mean_miss_rate": round(outcome.metric, 4),
            "words": outcome.words,
            "hours": round(outcome.hours, 3),
        },
        "seed": config.schedule.seed,
        "start": start.name if start else None,
        "sources": [asdict(source) for source in config.recipe.sources],
    }
    (folder / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return outcome
