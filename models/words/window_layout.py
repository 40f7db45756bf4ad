"""The window layout: one second with one command word or none, answered at once."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from firmware_py.labels import UNKNOWN
from models.clips.augmentation import Scene, record
from models.settings.words import WordsRecipe
from models.words.pools import Pools

PART_MS = (450.0, 750.0)
"""How far a word is shifted, so that the second holds only its start or its end."""


class WindowLayout:
    """Lays a recording into one second; the words are the number of its label, or nothing."""

    def __init__(
        self, labels: Sequence[str], recipe: WordsRecipe, pools: Pools, sample_rate_hz: int
    ) -> None:
        self._labels = labels
        self._recipe = recipe
        self._pools = pools
        self._rate_hz = sample_rate_hz

    def compose(self, rng: np.random.RandomState) -> tuple[NDArray[np.int16], Sequence[int]]:
        """Return a second, int16 [samples], and the label of the word in it, if it is one."""
        said: Sequence[int] = ()
        if rng.uniform() < self._recipe.nothing_share:
            samples = self._nothing(rng)
        else:
            label = rng.randint(len(self._labels))
            take = self._pools.draw(rng, self._labels[label])
            samples = randomly_shifted(rng, take.samples, self._rate_hz, self._recipe.shift_ms)
            said = (label,)
        if rng.uniform() < self._recipe.background_share and self._pools.backgrounds:
            samples = self._mixed(rng, samples)
        return samples, said

    def label(
        self,
        words: Sequence[int],
        num_frames: int,  # noqa: ARG002
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return targets, float32 [1, labels], all as likely for nothing, and weights [1]."""
        targets = np.full((1, len(self._labels)), 1.0 / len(self._labels), np.float32)
        for word in words:
            targets[0] = np.arange(len(self._labels)) == word
        return targets, np.ones(1, np.float32)

    def _nothing(self, rng: np.random.RandomState) -> NDArray[np.int16]:
        """Return a second of silence, of another word, or with a part of a word at one end."""
        kind = rng.randint(3)
        if kind == 0:
            return np.zeros(self._rate_hz, np.int16)
        if kind == 1:
            other = self._pools.draw(rng, UNKNOWN)
            return randomly_shifted(rng, other.samples, self._rate_hz, PART_MS[1])
        words = self._pools.words
        word = self._pools.draw(rng, words[rng.randint(len(words))])
        shift_ms = rng.uniform(*PART_MS) * rng.choice((-1, 1))
        return one_second(word.samples, self._rate_hz, round(shift_ms * self._rate_hz / 1000))

    def _mixed(self, rng: np.random.RandomState, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        noise = self._pools.background(rng, len(samples)).astype(np.float32)
        scene = Scene(samples.astype(np.float32), noise)
        return record(rng, scene, self._recipe.augmentation, self._rate_hz)


def randomly_shifted(
    rng: np.random.RandomState, samples: NDArray[np.int16], sample_rate_hz: int, most_ms: float
) -> NDArray[np.int16]:
    """Return exactly one second, int16 [sample_rate_hz], moved by up to `most_ms` either way.

    Zeros come in. samples: int16 [samples].
    """
    shift = round(rng.uniform(-most_ms, most_ms) * sample_rate_hz / 1000)
    return one_second(samples, sample_rate_hz, shift)


def one_second(
    samples: NDArray[np.int16], sample_rate_hz: int, shift: int = 0
) -> NDArray[np.int16]:
    """Return the middle second of a recording, int16 [sample_rate_hz], zeros around a shorter one.

    samples: int16 [samples]. shift: samples by which the recording is moved to later.
    """
    clip = np.zeros(sample_rate_hz, np.int16)
    position = (sample_rate_hz - len(samples)) // 2 + shift
    first, last = max(0, position), min(sample_rate_hz, position + len(samples))
    if first < last:
        clip[first:last] = samples[first - position : last - position]
    return clip
