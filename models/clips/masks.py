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
    """Return frames [clips, frames, bins], in a share of the clips with some set to their mean.

    Neighbouring bins, less than one in `bins_part` of all, and where `moments_part` is given also
    a moment, less than one in `moments_part` of the frames.
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
