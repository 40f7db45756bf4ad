"""What the training loop is given to teach: trigger words or command words."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.clips.batches import Batch
from models.settings.config import Config

Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Frames, float32 [clips, frames, num_bins], to posteriors, float32 [clips, steps, labels]."""
CLIPS_PER_CALL = 64


@dataclass(frozen=True)
class Judgement:
    """How good a network is while it learns."""

    error: float
    """The lower the better; the network with the lowest is kept."""
    figures: Mapping[str, float]
    """For the log."""


class Task(Protocol):
    """Makes the batches of a configuration and judges the network that learns from them."""

    config: Config
    loss: keras.losses.Loss | str
    metrics: tuple[keras.metrics.Metric, ...]
    """Measured on the batches, weighted, beside the loss."""

    @property
    def make_batch(self) -> Callable[[int], Batch]:
        """Returns a batch by its number; a worker gets it pickled."""

    def prepare(self, executor: Executor) -> None:
        """Make what the network is judged on."""

    def step_batch(self, rng: np.random.RandomState, batch: Batch) -> Batch:
        """Return a batch as one step learns from it, with masks and weights."""

    def describe(self, means: Mapping[str, float]) -> str:
        """Return loss and metrics of some steps for a log line."""

    def judge(self, network: Network, step: int) -> Judgement:
        """Return how good the network is after a step, on what nobody trains on."""

    def finish(self, best: Path, error: float) -> dict[str, Any]:
        """Settle the best network, a .keras file, and return what to record of it.

        error: with which it was judged the best.
        """


def network_of(model: keras.Model) -> Network:
    """Return `model` as a compiled function; it follows the model's weights as they change."""

    @tf.function(reduce_retracing=True)
    def posteriors(frames: tf.Tensor) -> tf.Tensor:
        return model(frames, training=False)

    def in_parts(frames: NDArray[np.float32]) -> NDArray[np.float32]:
        firsts = range(0, len(frames), CLIPS_PER_CALL)
        parts = [frames[first : first + CLIPS_PER_CALL] for first in firsts]
        return np.concatenate([posteriors(tf.constant(part)).numpy() for part in parts])

    return in_parts
