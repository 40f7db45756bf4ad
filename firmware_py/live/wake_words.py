"""The words of our models as a network service offers them."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware_py.ensemble import Ensemble, Model
from firmware_py.outputs.wyoming import OpenSpotter, Spotted, WakeWord


@dataclass(frozen=True)
class Word:
    """A label of a model, under a name that no other has."""

    name: str
    model: Model
    label: str


def words_of(models: Sequence[Model]) -> list[Word]:
    """Return all words; one that several models have is named model/label."""
    pairs = [(model, label) for model in models for label in model.artefact.metadata.words]
    count = Counter(label for _, label in pairs)
    return [
        Word(label if count[label] == 1 else f"{model.name}/{label}", model, label)
        for model, label in pairs
    ]


def offered(words: Sequence[Word]) -> list[WakeWord]:
    """Return what clients are told; a model's version is the digest of its network."""
    return [
        WakeWord(word.name, word.model.name, word.model.artefact.metadata.sha256[:12])
        for word in words
    ]


def spotter_for(words: Sequence[Word]) -> OpenSpotter:
    """Return what opens a stream's detectors."""

    def open_spotter(names: Collection[str], sample_rate_hz: int) -> StreamSpotter:
        return StreamSpotter([word for word in words if word.name in names], sample_rate_hz)

    return open_spotter


class StreamSpotter:
    """Hears some words in one stream."""

    def __init__(self, words: Sequence[Word], sample_rate_hz: int) -> None:
        models = {id(word.model): word.model for word in words}
        self._ensemble = Ensemble(list(models.values()), sample_rate_hz)
        self._words = words

    def process(self, samples: NDArray[np.int16]) -> list[Spotted]:
        return [
            Spotted(word.name, hit.detection.time_seconds)
            for hit in self._ensemble.process(samples)
            for word in self._words
            if word.model is hit.model and word.label == hit.detection.label
        ]
