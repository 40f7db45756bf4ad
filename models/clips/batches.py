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

from models.clips.maker import Clip, ClipMaker
from models.settings.config import Config


@dataclass(frozen=True)
class Job:
    """What a worker needs to make any batch; the same job and index give the same batch."""

    config: Config
    roots: tuple[Path, ...]
    seed: int
    batch_size: int
    folds: tuple[int, ...] | None = None
    """Tenths of the speakers to use; None: those that are not held out."""


@dataclass(frozen=True)
class Batch:
    """Clips side by side."""

    frames: NDArray[np.float32]
    """[clips, frames, num_bins]"""
    targets: NDArray[np.float32]
    """[clips, steps, labels]"""
    weights: NDArray[np.float32]
    """[clips, steps]"""


def make_batch(job: Job, index: int) -> Batch:
    """Return batch `index` of the job."""
    first = index * job.batch_size
    clips = make_clips(job, range(first, first + job.batch_size))
    return Batch(
        np.stack([clip.frames for clip in clips]),
        np.stack([clip.targets for clip in clips]),
        np.stack([clip.weights for clip in clips]),
    )


def make_clips(job: Job, indexes: Sequence[int]) -> list[Clip]:
    """Return the named clips of the job's stream."""
    maker = _clip_maker(job.config, job.roots, job.folds)
    return [maker.make(job.seed, index) for index in indexes]


J = TypeVar("J")


def stream_batches(
    job: J,
    executor: Executor,
    first: int,
    last: int,
    ahead: int,
    make: Callable[[J, int], Batch] = make_batch,  # type: ignore[assignment]
) -> Iterator[Batch]:
    """Yield batches `first` to `last` - 1 in order while `ahead` more are being made."""
    waiting: deque[Future[Batch]] = deque()
    try:
        for index in range(first, last):
            waiting.append(executor.submit(make, job, index))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


@lru_cache(maxsize=4)
def _clip_maker(
    config: Config, roots: tuple[Path, ...], folds: tuple[int, ...] | None
) -> ClipMaker:
    """Return this process's clip maker for a job."""
    return ClipMaker(config, roots, folds)
