"""A training run from configuration to record, all in one folder."""

import json
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

from models.progress import Remark, no_remark
from models.settings.config import Config
from models.training.loop import TrainingOutcome, train, with_normalisation
from models.training.run_folder import RECORD, settle, with_normalisation_of
from models.training.task import Task


def train_in(
    folder: Path,
    config: Config,
    task_of: Callable[[Config], Task],
    executor: Executor,
    resume: bool,
    *,
    start: Path | None = None,
    remark: Remark = no_remark,
) -> TrainingOutcome:
    """Train in `folder` and leave there all that a converter and a reader want.

    task_of: makes the task of a configuration. resume: go on with what is there. start, remark:
    see `models.training.loop.train`.
    """
    if start:
        config = with_normalisation_of(config, start)
    config = settle(
        folder, config, resume, lambda it: with_normalisation(task_of(it), executor), start
    )
    outcome = train(task_of(config), folder, executor, resume, start=start, remark=remark)
    record = {
        "steps": outcome.steps,
        **outcome.record,
        "seed": config.schedule.seed,
        "start": start.name if start else None,
    }
    (folder / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return outcome
