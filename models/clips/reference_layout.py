"""The reference layout: words dropped at random over a background, and the labels after them.

This is the recipe of the deep-learning course, to the millisecond. All draws come from NumPy's
legacy generator, so that a seed gives the same clips as it gives there.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Segment = tuple[int, int]
"""First and last millisecond, both included."""

CLIP_MS = 10_000
NO_PLACE: Segment = (CLIP_MS, CLIP_MS)
RETRIES = 6
"""The course counts down from 5 to 0, both included."""


def random_segment(rng: np.random.RandomState, segment_ms: int, clip_ms: int = CLIP_MS) -> Segment:
    """Return a random place for `segment_ms`, its start uniform over [0, clip_ms - segment_ms)."""
    start = int(rng.randint(0, clip_ms - segment_ms))
    return start, start + segment_ms - 1


def overlaps(segment: Segment, taken: Sequence[Segment]) -> bool:
    """Tell whether `segment` shares a millisecond with any taken one."""
    return any(segment[0] <= last and first <= segment[1] for first, last in taken)


def place(
    rng: np.random.RandomState,
    segment_ms: int,
    taken: Sequence[Segment],
    clip_ms: int = CLIP_MS,
) -> Segment | None:
    """Return a free random place, or None when the first try and six more found none."""
    for _ in range(1 + RETRIES):
        segment = random_segment(rng, segment_ms, clip_ms)
        if not overlaps(segment, taken):
            return segment
    return None


def insert(
    rng: np.random.RandomState,
    background: NDArray[np.float64],
    word: NDArray[np.float64],
    taken: list[Segment],
    sample_rate_hz: int,
) -> Segment:
    """Add `word` to `background` in place, at a free random place that joins `taken`.

    Both are float64 [samples] of one scale. Where nothing fits the background stays as it was
    and the result is (clip_ms, clip_ms).
    """
    clip_ms = round(len(background) * 1000 / sample_rate_hz)
    segment = place(rng, round(len(word) * 1000 / sample_rate_hz), taken, clip_ms)
    if segment is None:
        return clip_ms, clip_ms
    taken.append(segment)
    start = segment[0] * sample_rate_hz // 1000
    stretch = background[start : start + len(word)]
    stretch += word[: len(stretch)]
    return segment


def insert_ones(
    labels: NDArray[np.float32], end_ms: float, label_steps: int = 50, clip_ms: int = CLIP_MS
) -> None:
    """Set in place the `label_steps` steps strictly after the word's end; labels: [steps]."""
    end_step = int(end_ms * len(labels) / clip_ms)
    labels[end_step + 1 : end_step + 1 + label_steps] = 1.0
