"""What a network is taught at each step: the words that have just been said."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.clips import reference_layout
from models.settings.config import Config


@dataclass(frozen=True)
class Word:
    """A positive in a clip."""

    label: int
    end_ms: float
    cut: bool = False
    """The clip begins in the middle of it: neither a positive nor a negative."""


def label(
    config: Config, words: Sequence[Word], num_frames: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the targets, float32 [steps, labels], and the weights, float32 [steps], of a clip."""
    recipe = config.recipe
    num_steps = config.network.num_steps(num_frames)
    targets = np.zeros((num_steps, len(config.labels)), np.float32)
    weights = np.ones(num_steps, np.float32)
    if recipe.dialogue is None:
        clip_ms = recipe.clip_seconds * 1000
        for word in words:
            column = targets[:, word.label]
            reference_layout.insert_ones(column, word.end_ms, recipe.label_steps, clip_ms)
        return targets, weights
    before, after = recipe.ignored_steps
    firsts = [first_step(config, word) for word in words]
    for first in firsts:
        weights[max(0, first - before) : first + recipe.label_steps + after] = 0.0
    for word, first in zip(words, firsts, strict=True):
        if not word.cut:
            targets[first : first + recipe.label_steps, word.label] = 1.0
    weights[targets.max(axis=1) > 0] = 1.0
    return targets, weights


def first_step(config: Config, word: Word) -> int:
    """Return the first step that has heard the whole word."""
    network, front_end = config.network, config.front_end
    span = front_end.frame_end_sample(network.kernel_size - 1)
    step_length = network.stride * front_end.hop_length
    return max(0, math.ceil((word.end_ms * front_end.sample_rate_hz / 1000 - span) / step_length))
