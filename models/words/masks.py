"""Masks over the frames of training examples."""

import numpy as np
from numpy.typing import NDArray


def masked(
    rng: np.random.RandomState, frames: NDArray[np.float32], share: float
) -> NDArray[np.float32]:
    """Return frames [clips, frames, bins] with neighbouring bins, or a moment, blanked in some.

    SpecAugment's masks (Park et al., 2019).
    """
    if not share:
        return frames
    frames = frames.copy()
    for clip in np.flatnonzero(rng.uniform(size=len(frames)) < share):
        width = rng.randint(1, max(2, frames.shape[2] // 6))
        start = rng.randint(frames.shape[2] - width)
        frames[clip, :, start : start + width] = 0.0
        length = rng.randint(1, max(2, frames.shape[1] // 30))
        start = rng.randint(frames.shape[1] - length)
        frames[clip, start : start + length] = 0.0
    return frames
