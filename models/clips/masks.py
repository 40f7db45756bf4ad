"""Masks over the frames of training clips (SpecAugment: Park et al., 2019)."""

import numpy as np
from numpy.typing import NDArray


def masked(
    rng: np.random.RandomState,
    frames: NDArray[np.float32],
    share: float,
    *,
    bins_part: int,
    moments_part: int | None = None,
) -> NDArray[np.float32]:
    """Return normalised frames, [clips, frames, bins], with parts of a share of the clips zeroed.

    In each of those clips: a random band of fewer than bins / `bins_part` bins and, where
    `moments_part` is given, a random span of fewer than frames / `moments_part` frames.
    """
    if not share:
        return frames
    frames = frames.copy()
    for clip in np.flatnonzero(rng.uniform(size=len(frames)) < share):
        frames[clip, :, _stretch(rng, frames.shape[2], bins_part)] = 0.0
        if moments_part is not None:
            frames[clip, _stretch(rng, frames.shape[1], moments_part)] = 0.0
    return frames


def _stretch(rng: np.random.RandomState, length: int, part: int) -> slice:
    """Return a random stretch, of at least one and less than `length` / `part`."""
    width = rng.randint(1, max(2, length // part))
    start = rng.randint(length - width)
    return slice(start, start + width)
