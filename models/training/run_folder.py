"""The folder of a training run: its files, and the settled configuration that it began with."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import tomli_w

from firmware_py.errors import SettingsError
from firmware_py.schema import to_mapping
from models.settings.config import Config, read_config

CONFIG = "config.toml"
WORK = "work"
"""What a run needs to go on, in its folder; not for others."""
MARK = "config.sha256"
BEST_MODEL = "model.keras"
VERIFIER = "verifier.keras"
"""The second stage, where there is one."""
RECORD = "training.json"
"""What came of the run, written at its end."""


def refuse_other_runs(folder: Path, resume: bool = False) -> None:
    """Raise SettingsError where a run would replace a network that it cannot go on from."""
    if not (folder / BEST_MODEL).exists():
        return
    begun = any(folder.rglob(MARK))
    if resume and begun:
        return
    raise SettingsError(
        f"{folder}: holds a trained network, which would be lost; choose another --out"
        + (", or go on with its run by --resume" if begun else "")
    )


def settle(
    folder: Path,
    config: Config,
    resume: bool,
    normalised: Callable[[Config], Config],
    start: Path | None = None,
) -> Config:
    """Return the configuration that the run uses, normalised, and keep it in the folder.

    A resumed run keeps the one it began with; SettingsError if it is now given another, and for
    a new run whose `start` is missing or is what it would remove. A new run removes the
    checkpoints of an earlier one, so that it can never go on from them.
    """
    path, mark = folder / CONFIG, folder / WORK / MARK
    digest = hashlib.sha256(json.dumps(to_mapping(config)).encode()).hexdigest()
    if resume and path.exists():
        if mark.exists() and mark.read_text().strip() != digest:
            raise SettingsError(
                f"{folder}: was begun with another configuration; train without --resume,"
                " or choose another --out"
            )
        return read_config(path)
    earlier = tuple(mark.parent.glob("checkpoint*.npz"))
    _refuse_lost_start(start, earlier)
    config = normalised(config)
    mark.parent.mkdir(parents=True, exist_ok=True)
    for checkpoint in earlier:
        checkpoint.unlink()
    path.write_text(tomli_w.dumps(to_mapping(config)), encoding="utf-8")
    mark.write_text(digest + "\n", encoding="utf-8")
    return config


def _refuse_lost_start(start: Path | None, earlier: Sequence[Path]) -> None:
    if start and not start.is_file():
        raise SettingsError(f"{start}: there is no such network; check the path after --start")
    if start and start.resolve() in [path.resolve() for path in earlier]:
        raise SettingsError(f"{start}: the new run would remove it; choose another --out")


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
