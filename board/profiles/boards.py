"""Raspberry Pi boards and what a model may cost on each."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from board.profiles.tables import FOLDER, read_tables


@dataclass(frozen=True)
class ModelBudget:
    """The most that a model may cost, as `trigger-word bench --budget` reads it."""

    core_percent: float
    """Of one core."""
    rss_mb: float
    """Memory of the whole process, in 10^6 bytes."""


@dataclass(frozen=True)
class Board:
    """A board, its processor, and its budget."""

    name: str
    title: str
    soc: str
    cpu: str
    """The core, as GCC and QEMU name it."""
    cores: int
    clock_mhz: int
    """Of the slowest board that the profile is for."""
    instructions_per_clock: float
    """Relative to the Cortex-A53: what the budgets are scaled by."""
    memory_mb: int
    """Of the smallest board that the profile is for."""
    budget: Mapping[str, ModelBudget]
    """By model."""


def read_boards(folder: Path = FOLDER) -> dict[str, Board]:
    """Return the boards by name, from the TOML files of `folder`."""
    return read_tables(folder, Board)
