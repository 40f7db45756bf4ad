"""The recordings of command words that examples are made of, drawn at random."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from firmware_py.labels import UNKNOWN, is_word
from models.clips.variations import at_speed, random_stretch
from models.recordings.sources import BankRecording
from models.settings.recipe import Augmentation
from models.words.corpus import Corpus, WordRecording


class Pools:
    """Recordings by label, each drawn as often as its share says, some slower or faster."""

    def __init__(self, labels: Sequence[str], corpus: Corpus, augmentation: Augmentation) -> None:
        self.words = [label for label in labels if is_word(label)]
        self.backgrounds = corpus.backgrounds
        self._augmentation = augmentation
        self._pools = {label: _Pool(corpus.of(label, labels)) for label in (*self.words, UNKNOWN)}

    def draw(self, rng: np.random.RandomState, label: str) -> BankRecording:
        """Return a recording of a word, or of any word that is no label for the unknown."""
        take, augmentation = self._pools[label].draw(rng).take, self._augmentation
        if rng.uniform() < augmentation.speed_share:
            take = at_speed(take, rng.uniform(*augmentation.speed))
        return take

    def background(self, rng: np.random.RandomState, length: int) -> NDArray[np.int16]:
        """Return a random stretch of background noise, int16 [length]; there must be some."""
        samples = self.backgrounds[rng.randint(len(self.backgrounds))]
        return random_stretch(rng, samples, length)


class _Pool:
    """Recordings to draw from, each as often as its share says."""

    def __init__(self, said: Sequence[WordRecording]) -> None:
        self._said = said
        shares = np.array([each.share for each in said])
        self._edges = np.cumsum(shares) / max(1e-9, shares.sum())

    def draw(self, rng: np.random.RandomState) -> WordRecording:
        index = int(np.searchsorted(self._edges, rng.uniform()))
        return self._said[min(index, len(self._said) - 1)]
