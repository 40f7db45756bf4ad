"""How long and how fast a network learns: the settings."""

import math
from dataclasses import dataclass

from firmware_py.errors import SettingsError

FEWEST_DEVELOPMENT_CLIPS = 9
"""Development is judged by the misses at up to eight false accepts."""

BOUNDS: dict[str, tuple[float, float]] = {
    "steps": (1, 10**9),
    "last_steps": (0, 10**9),
    "batch_size": (1, 65_536),
    "repeats": (1, 1000),
    "learning_rate": (1e-12, 10.0),
    "last_learning_rate": (0.0, 10.0),
    "warm_up_steps": (0, 10**9),
    "weight_decay": (0.0, 1.0),
    "gradient_clip_norm": (1e-6, 1e6),
    "average_momentum": (0.0, 0.999999),
    "label_smoothing": (0.0, 0.999999),
    "positive_weight": (1e-6, 1e6),
    "log_steps": (0, 10**9),
    "checkpoint_steps": (1, 10**9),
    "evaluation_steps": (1, 10**9),
    "patience_evaluations": (0, 10**9),
    "development_clips": (FEWEST_DEVELOPMENT_CLIPS, 10**6),
    "seed": (0, 2**32 - 1),
}
"""The least and the greatest value of each number."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a network learns."""

    steps: int = 3000
    batch_size: int = 32
    repeats: int = 1
    """Batches are costly to make: how many steps each serves, with fresh masks."""
    learning_rate: float = 1e-3
    """The rate after the warm-up. It falls along a half cosine to `last_learning_rate`."""
    last_learning_rate: float = 2e-5
    warm_up_steps: int = 100
    last_steps: int = 0
    """More than 0: no warm-up and no cosine; the rate stays until so many steps before the end,
    which are taken at `last_learning_rate`, as the classic trainer of command words does."""
    weight_decay: float = 0.0
    gradient_clip_norm: float = 1.0
    average_momentum: float = 0.0
    """Exponential moving average of the weights, which is judged and kept; 0: none."""
    label_smoothing: float = 0.0
    """Of command words: how much of a target is shared out over all labels."""
    positive_weight: float = 1.0
    """Of trigger words: loss weight of labelled steps, the balance of misses and false accepts."""
    log_steps: int = 0
    """A log line each so many steps; 0: none but at evaluations."""
    checkpoint_steps: int = 250
    keep_checkpoints: bool = False
    """Keep every checkpoint, under its step number, beside the last."""
    evaluation_steps: int = 500
    patience_evaluations: int = 0
    """Stop after this many evaluations without gain; 0: never."""
    development_clips: int = 512
    """Of trigger words: clips made to judge on. Command words are judged on recordings."""
    seed: int = 1

    def __post_init__(self) -> None:
        for name, (least, greatest) in BOUNDS.items():
            value = getattr(self, name)
            if not least <= value <= greatest or not math.isfinite(value):
                raise SettingsError(f"{name} is {value}; it must be from {least} to {greatest}")
        if self.last_steps > self.steps:
            raise SettingsError(
                f"last_steps is {self.last_steps}; it must be at most steps, {self.steps}"
            )
