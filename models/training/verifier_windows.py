"""What a second stage learns from: looks after words, and where the first stage is in doubt."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from firmware_py.policies.candidates import LookPolicy
from models.clips.batches import made_ahead
from models.clips.maker import TrainingClip
from models.clips.positive import first_step
from models.settings.config import Config
from models.training.task import Network

FRAMES = LookPolicy.frames
"""Which one look sees, of 10 ms each."""
LOOKS_AFTER_WORD = 10
"""Steps from the end of a word at which a look must say yes."""
UNDECIDED = (3, 20)
"""Steps before and after the end of a word at which a look teaches nothing about it."""
DOUBT = 0.03
"""Posterior of the first stage from which a place without the word is worth a look."""
CANDIDATE = 0.2
POSITIVES_PER_WORD = 2
NEGATIVES_PER_CLIP = 4
RANDOM_PER_CLIP = 0.3
SURE_WEIGHT, DOUBTED_WEIGHT, TAKEN_WEIGHT = 0.2, 1.0, 3.0
"""Loss weights: of labels that the first stage does not hear, doubts, takes for heard."""

CLIPS_PER_TASK = 32
AHEAD = 6


@dataclass(frozen=True)
class Windows:
    """Places to learn from."""

    frames: NDArray[np.float16]
    """[windows, FRAMES, num_bins]"""
    targets: NDArray[np.float32]
    """[windows, labels], 1 where the word has just ended."""
    weights: NDArray[np.float32]
    """[windows, labels]"""


class LookedAtClips(Protocol):
    """Clips for a worker to make, which the first stage has not seen."""

    @property
    def config(self) -> Config:
        """The first stage's."""

    @property
    def seed(self) -> int:
        """Of the choice of places too."""

    def clips(self, indexes: Sequence[int]) -> list[TrainingClip]:
        """Return the named clips; their words are `models.clips.positive.Positive`s."""


def make_windows(clips: LookedAtClips, executor: Executor, network: Network, count: int) -> Windows:
    """Return the places of `count` clips to learn from; network: the first stage."""
    return _joined(tqdm(_windows(clips, executor, network, count), total=count, unit="clip"))


def windows_of(
    config: Config, clip: TrainingClip, posteriors: NDArray[np.float32], rng: np.random.RandomState
) -> Windows:
    """Return the places of one clip to learn from; posteriors: the first stage's [steps, labels].

    After each word some looks that must say yes; where the first stage is in doubt, and at some
    places at random, looks that must say no.
    """
    network = config.network
    steps = np.arange(len(posteriors))
    ends = network.kernel_size + steps * network.stride
    targets = np.zeros(posteriors.shape, np.float32)
    undecided = np.zeros(posteriors.shape, bool)
    chosen: list[int] = []
    seen = np.flatnonzero(ends >= FRAMES)
    for word in clip.words:
        first = first_step(config, word)
        undecided[max(0, first - UNDECIDED[0]) : first + UNDECIDED[1], word.label] = True
        if word.cut:
            continue
        heard = np.arange(first, min(first + LOOKS_AFTER_WORD, len(steps)))
        targets[heard, word.label] = 1.0
        chosen += list(_some(rng, np.intersect1d(heard, seen), POSITIVES_PER_WORD))
    near_word = undecided.any(axis=1)
    doubted = (posteriors > DOUBT).any(axis=1) & ~near_word
    chosen += list(_some(rng, np.intersect1d(np.flatnonzero(doubted), seen), NEGATIVES_PER_CLIP))
    if rng.uniform() < RANDOM_PER_CLIP:
        chosen += list(_some(rng, np.intersect1d(np.flatnonzero(~near_word), seen), 1))
    weights = np.where(posteriors > DOUBT, DOUBTED_WEIGHT, SURE_WEIGHT)
    weights = np.where(posteriors > CANDIDATE, TAKEN_WEIGHT, weights)
    weights = np.where(targets > 0, DOUBTED_WEIGHT, np.where(undecided, 0.0, weights))
    places = np.array(chosen, int)
    frames = [clip.frames[ends[place] - FRAMES : ends[place]] for place in places]
    shape = (len(places), FRAMES, clip.frames.shape[1])
    return Windows(
        np.array(frames, np.float16).reshape(shape),
        targets[places],
        weights[places].astype(np.float32),
    )


def exclusive(windows: Windows, silence: int) -> Windows:
    """Return the same places for a network whose labels exclude each other.

    silence: the label that is right where no word has just ended; it weighs as much there as the
    label that weighs most.
    """
    targets, weights = windows.targets.copy(), windows.weights.copy()
    nothing = ~targets.any(axis=1)
    targets[nothing, silence] = 1.0
    weights[nothing, silence] = weights[nothing].max(axis=1)
    return Windows(windows.frames, targets, weights)


def _some(rng: np.random.RandomState, places: NDArray[np.int_], most: int) -> NDArray[np.int_]:
    chosen: NDArray[np.int_] = rng.permutation(places)[:most]
    return chosen


def _windows(
    job: LookedAtClips, executor: Executor, network: Network, count: int
) -> Iterator[Windows]:
    """Yield the windows of each of `count` clips, some of which are made ahead."""
    make = partial(_clips, job, count)
    tasks = made_ahead(make, executor, 0, -(-count // CLIPS_PER_TASK), AHEAD)
    for number, clips in enumerate(tasks):
        posteriors = network(np.stack([clip.frames for clip in clips]))
        heard = enumerate(zip(clips, posteriors, strict=True), number * CLIPS_PER_TASK)
        for index, (clip, said) in heard:
            yield windows_of(job.config, clip, said, np.random.RandomState([job.seed, index]))


def _clips(job: LookedAtClips, count: int, task: int) -> list[TrainingClip]:
    """Return the clips of a task, of `count` in all."""
    first = task * CLIPS_PER_TASK
    return job.clips(range(first, min(first + CLIPS_PER_TASK, count)))


def _joined(parts: Iterator[Windows] | Sequence[Windows]) -> Windows:
    frames, targets, weights = zip(*((p.frames, p.targets, p.weights) for p in parts), strict=True)
    return Windows(np.concatenate(frames), np.concatenate(targets), np.concatenate(weights))
