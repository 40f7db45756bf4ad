"""Training clips: audio composed by a layout, its frames and its labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from firmware_py.front_end import FrontEnd, frames_of


@dataclass(frozen=True)
class TrainingClip:
    """One training example."""

    samples: NDArray[np.int16]
    """[samples]"""
    words: tuple[Any, ...]
    """What the layout laid into it."""
    frames: NDArray[np.float32]
    """[frames, num_bins]"""
    targets: NDArray[np.float32]
    """[steps, labels], what each step should answer."""
    weights: NDArray[np.float32]
    """[steps], 0 where a step does not count."""


class ClipLayout(Protocol):
    """Composes clips from random numbers and knows what is to be learnt from them."""

    def compose(self, rng: np.random.RandomState) -> tuple[NDArray[np.int16], Sequence[Any]]:
        """Return the audio of a clip, int16 [samples], and the words in it."""

    def label(
        self, words: Sequence[Any], num_frames: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return targets, float32 [steps, labels], and weights, float32 [steps]."""


class ClipMaker:
    """Makes the clips of a layout; clip i of a seed is always the same."""

    def __init__(self, front_end: FrontEnd, layout: ClipLayout) -> None:
        self._front_end = front_end
        self.layout = layout

    def make(self, seed: int, index: int) -> TrainingClip:
        """Return clip `index` of the stream `seed`."""
        rng = np.random.RandomState([seed, index])
        samples, words = self.layout.compose(rng)
        frames = frames_of(self._front_end, samples)
        targets, weights = self.layout.label(words, len(frames))
        return TrainingClip(samples, tuple(words), frames, targets, weights)
