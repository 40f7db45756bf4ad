"""How good a network of trigger words is while it learns: detections in clips nobody trains on."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.clips.maker import TrainingClip
from models.training.task import Network

WINDOW_MS = 800.0
"""A word counts as found when the posterior rises within this time after its end."""
FALSE_ACCEPTS = (1, 2, 4, 8)
"""The miss rate is averaged over thresholds that let this many clips fire falsely."""


def mean_miss_rate(network: Network, clips: Sequence[TrainingClip], clip_ms: float) -> float:
    """Return the mean miss rate of `network` at few false accepts on `clips`; lower is better."""
    posteriors = network(np.stack([clip.frames for clip in clips]))
    word_peaks, other_peaks = [], []
    for clip, steps in zip(clips, posteriors, strict=True):
        found, others = _peaks(clip, steps, clip_ms)
        word_peaks += found
        other_peaks.append(others)
    falling = np.sort(other_peaks)[::-1]
    misses = [np.mean(np.array(word_peaks) <= falling[count]) for count in FALSE_ACCEPTS]
    return float(np.mean(misses))


def _peaks(
    clip: TrainingClip, posteriors: NDArray[np.float32], clip_ms: float
) -> tuple[list[float], float]:
    """Return the highest posterior after each word, and the highest anywhere else.

    posteriors: float32 [steps, labels].
    """
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
