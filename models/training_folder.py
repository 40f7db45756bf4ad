"""The folder of a training run: its settled configuration, and the record of how it ended."""

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import asdict, replace
from pathlib import Path

import tomli_w

from firmware_py.errors import SettingsError
from firmware_py.schema import to_mapping
from models.config import Config, read_config
from models.training import CHECKPOINT, Outcome, train, with_normalisation
from models.training_log import LOG

CONFIG = "config.toml"
RECORD = "training.json"


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

    resume: go on with what is there. start, remark: see `models.training.train`.
    """
    if start:
        config = with_normalisation_of(config, start)
    config = settle(config, roots, folder, executor, resume)
    outcome = train(config, roots, folder, executor, resume, start=start, remark=remark)
    record = {
        "steps": outcome.steps,
        "development": {
            "mean_miss_rate": round(outcome.metric, 4),
            "words": outcome.words,
            "hours": round(outcome.hours, 3),
        },
        "seed": config.schedule.seed,
        "start": start.as_posix() if start else None,
        "sources": [asdict(source) for source in config.recipe.sources],
    }
    (folder / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return outcome


def with_normalisation_of(config: Config, start: Path) -> Config:
    """Return the configuration with the mean and deviation per bin that `start` learnt with.

    As it is where it brings its own, or no configuration lies beside `start`.
    """
    beside = start.parent / CONFIG
    if config.front_end.mean or not beside.exists():
        return config
    learnt = read_config(beside).front_end
    front_end = replace(config.front_end, mean=learnt.mean, deviation=learnt.deviation)
    return replace(config, front_end=front_end)


def settle(
    config: Config, roots: tuple[Path, ...], folder: Path, executor: Executor, resume: bool
) -> Config:
    """Return the configuration that the run uses, and keep it in the folder.

    A resumed run keeps the one it began with and refuses another.
    """
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
