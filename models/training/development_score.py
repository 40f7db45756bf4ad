"""How good a network is while it learns: detections on clips that nobody trains on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.clips.maker import Clip

WINDOW_MS = 800.0
"""A word counts as found when the posterior rises within this time after its end."""
FALSE_ACCEPTS = (1, 2, 4, 8)
"""The miss rate is averaged over thresholds that let this many clips fire falsely."""
CLIPS_PER_CALL = 64


@dataclass(frozen=True)
class Scores:
    """Result on the development clips."""

    mean_miss_rate: float
    """The detection metric: lower is better."""
    words: int
    hours: float


Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Frames [clips, frames, num_bins] to posteriors [clips, steps, labels]."""


def network_of(model: keras.Model) -> Network:
    """Return `model` as a compiled function; it follows the model's weights as they change."""

    @tf.function(reduce_retracing=True)
    def posteriors(frames: tf.Tensor) -> tf.Tensor:
        return model(frames, training=False)

    return lambda frames: posteriors(tf.constant(frames)).numpy()


def score(network: Network, clips: Sequence[Clip], clip_ms: float) -> Scores:
    """Return the mean miss rate of `network` at few false accepts on `clips`."""
    frames = np.stack([clip.frames for clip in clips])
    posteriors = np.concatenate(
        [
            network(frames[first : first + CLIPS_PER_CALL])
            for first in range(0, len(frames), CLIPS_PER_CALL)
        ]
    )
    word_peaks, other_peaks = [], []
    for clip, steps in zip(clips, posteriors, strict=True):
        found, others = _peaks(clip, steps, clip_ms)
        word_peaks += found
        other_peaks.append(others)
    falling = np.sort(other_peaks)[::-1]
    misses = [np.mean(np.array(word_peaks) <= falling[count]) for count in FALSE_ACCEPTS]
    hours = len(clips) * clip_ms / 3_600_000
    return Scores(float(np.mean(misses)), len(word_peaks), hours)


def _peaks(clip: Clip, posteriors: np.ndarray, clip_ms: float) -> tuple[list[float], float]:
    """Return the highest posterior after each word, and the highest anywhere else."""
    step_ms = clip_ms / len(posteriors)
    elsewhere = posteriors.copy()
    word_peaks = []
    for word in clip.words:
        first = max(0, int(word.end_ms / step_ms) - round(200 / step_ms))
        last = int((word.end_ms + WINDOW_MS) / step_ms) + 1
        if not word.cut:
            word_peaks.append(float(posteriors[first:last, word.label].max(initial=0.0)))
        elsewhere[first:last, word.label] = 0.0
    return word_peaks, float(elsewhere.max())
