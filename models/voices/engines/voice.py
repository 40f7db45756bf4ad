"""What every speech synthesiser is asked for, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

OWN_RATE_WPM = 165.0
"""Words a minute that stand for a voice's own speed, in engines that only know a stretch."""

OWN_PITCH = 50.0
"""The pitch, 0 to 99, that leaves a voice as it is (the scale of espeak-ng)."""

PITCH_STEPS_PER_OCTAVE = 70.0
"""How far the pitch moves the mean f0 of engines that are told a frequency."""


@dataclass(frozen=True)
class Voice:
    """One voice of one engine; nothing is loaded before it speaks."""

    engine: str
    name: str


@dataclass(frozen=True)
class WordTiming:
    """Where one whitespace-separated token of the text is heard."""

    token: int
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True)
class Utterance:
    """Speech, float32 mono [samples] in [-1, 1), and the words an engine could place in it."""

    samples: NDArray[np.float32]
    sample_rate_hz: int
    words: tuple[WordTiming, ...]

    @property
    def duration_seconds(self) -> float:
        return len(self.samples) / self.sample_rate_hz

    def span(self, first: int, stop: int, token_count: int) -> tuple[float, float] | None:
        """Return start and end in seconds of tokens [first, stop) of a text of token_count.

        None where the engine ran the phrase together with a neighbour ("of the" as one word), so
        that its borders are unknown.
        """
        placed = {word.token: word for word in self.words}
        if first not in placed or (stop < token_count and stop not in placed):
            return None
        last = max(token for token in placed if token < stop)
        return placed[first].start_seconds, placed[last].end_seconds


class Engine(Protocol):
    """A speech synthesiser. Not installed: it has no voices."""

    name: str

    def voices(self) -> tuple[str, ...]:
        """Return the names of the installed voices."""

    def synthesise(self, text: str, voice: str, rate: float, pitch: float) -> Utterance:
        """Speak text at rate words a minute and pitch 0 to 99; AudioError if that fails."""


def duration_factor(rate: float) -> float:
    """Return the factor on durations that stands for rate words a minute."""
    return OWN_RATE_WPM / rate


def pitch_factor(pitch: float) -> float:
    """Return the factor on the mean f0 that stands for pitch."""
    return float(2.0 ** ((pitch - OWN_PITCH) / PITCH_STEPS_PER_OCTAVE))
