"""Checkpoints: all that a training run needs to go on, in one file that is never half written."""

import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from firmware_py.errors import SettingsError
from models.replacing import replacing


@dataclass
class Progress:
    """Where a run stands."""

    step: int = 0
    best_metric: float = float("inf")
    evaluations_without_gain: int = 0
    averages: list[NDArray[np.float32]] = field(default_factory=list)
    """Moving averages of the model's weights, in their order."""


def save(path: Path, model: keras.Model, progress: Progress) -> None:
    """Write weights, optimiser state, random states and progress; replaces `path` at once."""
    arrays: dict[str, NDArray[Any]] = {
        "progress": np.array(
            [progress.step, progress.best_metric, progress.evaluations_without_gain], np.float64
        )
    }
    for index, variable in enumerate(_variables(model)):
        arrays[f"variable_{index:03d}"] = np.asarray(variable.numpy())
    for index, average in enumerate(progress.averages):
        arrays[f"average_{index:03d}"] = average
    with replacing(path) as part, part.open("wb") as file:
        np.savez(file, **arrays)
        file.flush()
        os.fsync(file.fileno())


def load(path: Path, model: keras.Model) -> Progress:
    """Put the state at `path` into the compiled `model` and return the progress.

    Raises SettingsError for a file of another network.
    """
    try:
        with np.load(path) as arrays:
            stored = _numbered(arrays, "variable")
            averages = _numbered(arrays, "average")
            step, best, without_gain = arrays["progress"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise SettingsError(f"{path}: no checkpoint ({error}); remove it to start anew") from error
    variables = _variables(model)
    if [value.shape for value in stored] != [tuple(v.shape) for v in variables]:
        raise SettingsError(f"{path}: of another network; remove it or choose another --out")
    for variable, value in zip(variables, stored, strict=True):
        variable.assign(value)
    return Progress(int(step), float(best), int(without_gain), averages)


def save_model(model: keras.Model, path: Path) -> None:
    """Write the network at once: `path` is never half a file."""
    with replacing(path) as part:
        model.save(part)


def _variables(model: keras.Model) -> Sequence[keras.Variable]:
    return [*model.variables, *model.optimizer.variables]


def _numbered(arrays: "np.lib.npyio.NpzFile", prefix: str) -> list[NDArray[np.float32]]:
    return [arrays[name] for name in sorted(arrays.files) if name.startswith(prefix + "_")]
