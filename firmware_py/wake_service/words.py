"""The words of our models as the service offers them, and what hears them in a stream."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from wyoming.info import Attribution, Info, WakeModel, WakeProgram

from firmware_py.ensemble import Ensemble, Model


@dataclass(frozen=True)
class NamedLabel:
    """A label of a model, under a name that no other has."""

    name: str
    model: Model
    label: str


@dataclass(frozen=True)
class WakeWord:
    """What can be detected, as clients see it."""

    name: str
    model: str
    version: str


@dataclass(frozen=True)
class Spotted:
    """A word in a client's stream."""

    name: str
    time_seconds: float
    """Audio time since the spotter was opened."""


class Spotter(Protocol):
    """Hears words in one stream."""

    def choose(self, names: Collection[str]) -> bool:
        """Hear these words from now on; False: it cannot, another one must be opened."""

    def process(self, samples: NDArray[np.int16]) -> list[Spotted]:
        """Return what the samples, int16 [any length], complete."""


OpenSpotter = Callable[[Collection[str], int], Spotter]
"""Returns a spotter for the words of these names in samples of this rate in Hz."""


def words_of(models: Sequence[Model]) -> list[NamedLabel]:
    """Return all words; one that several models have is named model/label."""
    pairs = [(model, label) for model in models for label in model.artefact.metadata.words]
    count = Counter(label for _, label in pairs)
    return [
        NamedLabel(label if count[label] == 1 else f"{model.name}/{label}", model, label)
        for model, label in pairs
    ]


def offered(words: Sequence[NamedLabel]) -> list[WakeWord]:
    """Return what clients are told; a model's version is its digest."""
    return [
        WakeWord(word.name, word.model.name, word.model.artefact.metadata.digest[:12])
        for word in words
    ]


def service_info(words: Sequence[WakeWord]) -> Info:
    """Return what the service answers to `describe`."""
    nobody = Attribution(name="trigger-word", url="")
    models = [
        WakeModel(
            name=word.name,
            attribution=nobody,
            installed=True,
            languages=[],
            description=word.name if word.name == word.model else f"{word.name} ({word.model})",
            version=word.version,
            phrase=word.name,
        )
        for word in words
    ]
    program = WakeProgram(
        name="trigger-word",
        attribution=nobody,
        installed=True,
        description="On-device trigger-word detector",
        version=words[0].version if words else "",
        models=models,
    )
    return Info(wake=[program])


def spotter_for(words: Sequence[NamedLabel]) -> OpenSpotter:
    """Return what opens a stream's detectors."""

    def open_spotter(names: Collection[str], sample_rate_hz: int) -> StreamSpotter:
        return StreamSpotter(words, names, sample_rate_hz)

    return open_spotter


class StreamSpotter:
    """Hears some words in one stream, with the models that have them."""

    def __init__(
        self, words: Sequence[NamedLabel], names: Collection[str], sample_rate_hz: int
    ) -> None:
        self._all_words = words
        self._words = self._named(names)
        models = {id(word.model): word.model for word in self._words}
        self._ensemble = Ensemble(list(models.values()), sample_rate_hz)

    def choose(self, names: Collection[str]) -> bool:
        """Hear other words of the same models; False where another model is needed."""
        chosen = self._named(names)
        if not all(any(word.model is model for model in self._ensemble.models) for word in chosen):
            return False
        self._words = chosen
        return True

    def process(self, samples: NDArray[np.int16]) -> list[Spotted]:
        """Return the words that `samples`, int16 [n], complete."""
        return [
            Spotted(word.name, hit.detection.time_seconds)
            for hit in self._ensemble.process(samples)
            for word in self._words
            if word.model is hit.model and word.label == hit.detection.label
        ]

    def _named(self, names: Collection[str]) -> list[NamedLabel]:
        return [word for word in self._all_words if word.name in names]
