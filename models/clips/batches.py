"""Batches of clips, made ahead by any `concurrent.futures` executor, always in one order."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from models.clips.banks import Banks
from models.clips.dialogue_layout import DialogueLayout
from models.clips.maker import ClipMaker, TrainingClip
from models.clips.reference_layout import ReferenceLayout
from models.settings.config import Config

Made = TypeVar("Made")


@dataclass(frozen=True)
class Batch:
    """Clips side by side."""

    frames: NDArray[np.float32]
    """[clips, frames, num_bins]"""
    targets: NDArray[np.float32]
    """[clips, steps, labels]"""
    weights: NDArray[np.float32]
    """[clips, steps]"""


def batch_of(clips: Sequence[TrainingClip]) -> Batch:
    """Return clips of one length side by side."""
    return Batch(
        np.stack([clip.frames for clip in clips]),
        np.stack([clip.targets for clip in clips]),
        np.stack([clip.weights for clip in clips]),
    )


@dataclass(frozen=True)
class TriggerWordClips:
    """Clips of trigger words for a worker to make; the same index gives the same clips."""

    config: Config
    roots: tuple[Path, ...]
    seed: int
    batch_size: int
    folds: tuple[int, ...] | None = None
    """Tenths of the speakers to use; None: those that are not held out."""

    def batch(self, index: int) -> Batch:
        """Return batch `index`."""
        first = index * self.batch_size
        return batch_of(self.clips(range(first, first + self.batch_size)))

    def clips(self, indexes: Sequence[int]) -> list[TrainingClip]:
        """Return the named clips."""
        maker = _cached_maker(self.config, self.roots, self.folds)
        return [maker.make(self.seed, index) for index in indexes]


def made_ahead(
    make: Callable[[int], Made], executor: Executor, first: int, last: int, ahead: int
) -> Iterator[Made]:
    """Yield what `make` makes of `first` to `last` - 1 in order, while `ahead` more are made."""
    waiting: deque[Future[Made]] = deque()
    try:
        for index in range(first, last):
            waiting.append(executor.submit(make, index))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def clip_maker(
    config: Config, roots: Sequence[Path], folds: Sequence[int] | None = None
) -> ClipMaker:
    """Return what makes the clips of a configuration of trigger words; arguments as of `Banks`."""
    recipe, banks = config.trigger_recipe, Banks(config, roots, folds)
    if recipe.dialogue and recipe.augmentation:
        layout = DialogueLayout(config, banks, recipe.dialogue, recipe.augmentation)
        return ClipMaker(config.front_end, layout)
    return ClipMaker(config.front_end, ReferenceLayout(config, banks))


@lru_cache(maxsize=4)
def _cached_maker(
    config: Config, roots: tuple[Path, ...], folds: tuple[int, ...] | None
) -> ClipMaker:
    return clip_maker(config, roots, folds)
