"""A trigger word in a clip, as a network is taught it."""

import math
from dataclasses import dataclass

from models.settings.config import Config


@dataclass(frozen=True)
class Positive:
    """A trigger word in a clip."""

    label: int
    end_ms: float
    cut: bool = False
    """The clip begins in the middle of it: neither a positive nor a negative."""


def first_step(config: Config, word: Positive) -> int:
    """Return the first step that has heard the whole word."""
    network, front_end = config.network, config.front_end
    span = front_end.frame_end_sample(network.kernel_size - 1)
    step_length = network.stride * front_end.hop_length
    return max(0, math.ceil((word.end_ms * front_end.sample_rate_hz / 1000 - span) / step_length))
