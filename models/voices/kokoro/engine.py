"""The neural engine Kokoro-82M: natural voices, thousands of throats, words placed by the model.

Hexgrad, "Kokoro-82M" (Apache-2.0), run by onnxruntime from the files of `kokoro.files`.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware_py.errors import AudioError, MissingToolError
from firmware_py.reading.files import refused_as
from models.voices.engines.ipa import PUNCTUATION, ended, exchanged
from models.voices.engines.onnx_network import open_network
from models.voices.engines.voice import OWN_RATE_WPM, Utterance, WordTiming
from models.voices.kokoro import files
from models.voices.kokoro.text import symbols
from models.voices.kokoro.throats import BLEND, BLENDS, Tables, throat

SAMPLE_RATE_HZ = 24_000
SAMPLES_PER_FRAME = 600
SPEED_RANGE = (0.75, 1.4)
LONGEST = 505
"""Symbols of one utterance; the style tables end at 510."""
JITTER_SHARE = 0.25
"""Of symbols that last a frame (25 ms) more or less."""
AMERICAN = ("en-us", "en-us", "en-us", "en-us-nyc")
BRITISH = ("en-gb", "en-gb", "en-gb-x-rp", "en-gb-scotland")

SYMBOL_FRAMES, PAUSE_FRAMES, TAIL_FRAMES = 40, 8, 6
"""The longest that one symbol, a pause between words and the end of the text may last."""


@dataclass(frozen=True)
class Spelt:
    """A text as the model reads it."""

    text: str
    """Symbols of the tokens, a blank between them."""
    spans: tuple[tuple[int, int], ...]
    """First and one past the last symbol of each token."""


class Kokoro:
    """Speaks in this process; the network is loaded at the first word."""

    name = "kokoro"

    def voices(self) -> tuple[str, ...]:
        """Return the voices of the installed model and the mixtures of them."""
        if not files.installed():
            return ()
        return (*self._tables, *(f"{BLEND}{number}" for number in range(BLENDS)))

    def synthesise(self, text: str, voice: str, rate: float, pitch: float) -> Utterance:
        """Speak English text; accent, vowels and rhythm vary with all four arguments.

        The throat decides the pitch. Raises AudioError for a text that is too long or empty.
        """
        rng = np.random.default_rng(zlib.crc32(repr((text, voice, rate, pitch)).encode()))
        speaker = throat(voice, self._tables)
        spelt = self._spell(text, rng, british=speaker.british)
        length = len(spelt.text)
        if length > LONGEST:
            raise AudioError(f"{text[:40]!r}... has {length} sounds; Kokoro says {LONGEST} at most")
        speed = float(np.clip(rate / OWN_RATE_WPM, *SPEED_RANGE))
        samples, frames = self._network.run(
            None,
            {
                "tokens": np.array([[0, *(self._numbers[s] for s in spelt.text), 0]], np.int64),
                "style": speaker.style(self._tables, length)[None],
                "speed": np.array([speed], np.float32),
                "cap": _longest_frames(spelt.text),
                "bump": _jitter(rng, length),
            },
        )
        return Utterance(samples.ravel(), SAMPLE_RATE_HZ, _words(spelt, frames.ravel()))

    def _spell(self, text: str, rng: np.random.Generator, *, british: bool) -> Spelt:
        accents = BRITISH if british else AMERICAN
        known = [
            "".join(s for s in token if s in self._numbers)
            for token in symbols(text, accents[rng.integers(len(accents))])
        ]
        spoken = ended(rng, known)
        spans, start = [], 0
        for token in spoken:
            spans.append((start, start + len(token.rstrip(PUNCTUATION))))
            start += len(token) + 1
        return Spelt("".join(exchanged(rng, symbol) for symbol in " ".join(spoken)), tuple(spans))

    @cached_property
    def _tables(self) -> Tables:
        return files.read_styles()

    @cached_property
    def _numbers(self) -> dict[str, int]:
        path = files.vocabulary()
        with refused_as(MissingToolError, f"{path} cannot be used; {files.AGAIN}"):
            numbers: dict[str, int] = json.loads(path.read_text("utf-8"))["vocab"]
            return dict(numbers)

    @cached_property
    def _network(self) -> Any:
        path = files.network()
        return open_network(path, f"{path} cannot be used; {files.AGAIN}")


def _longest_frames(text: str) -> NDArray[np.int64]:
    """Return how many frames each symbol may last, int64 [1, len(text) + 2].

    The first, a pad, may be as long as it likes: the onset of the first sound lies in it.
    """
    cap = np.full((1, len(text) + 2), SYMBOL_FRAMES, np.int64)
    for place, symbol in enumerate(text, start=1):
        if symbol in PUNCTUATION:
            cap[0, place : place + 2] = PAUSE_FRAMES
    cap[0, -1] = TAIL_FRAMES
    return cap


def _jitter(rng: np.random.Generator, length: int) -> NDArray[np.int64]:
    """Return frames to add to each symbol, int64 [1, length + 2]; none to the pads."""
    frames = np.zeros((1, length + 2), np.int64)
    shares = [JITTER_SHARE / 2, 1 - JITTER_SHARE, JITTER_SHARE / 2]
    frames[0, 2:-1] = rng.choice([-1, 0, 1], size=max(0, length - 1), p=shares)
    return frames


def _words(spelt: Spelt, frames: NDArray[np.int64]) -> tuple[WordTiming, ...]:
    """Return where each token is heard; frames: how many each symbol lasts, pads included.

    The first token begins with the leading pad, which holds its onset.
    """
    borders = np.concatenate([[0], np.cumsum(frames)]) * SAMPLES_PER_FRAME / SAMPLE_RATE_HZ
    borders[1] = 0.0
    return tuple(
        WordTiming(token, float(borders[first + 1]), float(borders[last + 1]))
        for token, (first, last) in enumerate(spelt.spans)
        if last > first
    )
