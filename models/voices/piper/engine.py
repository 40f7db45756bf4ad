"""The neural engine Piper: hundreds of speakers in one network, fast, words placed by the model.

Piper's voices (Hansen, "Piper, a fast, local neural text to speech system"), run by onnxruntime
from the files of `piper.files`.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware_py.errors import AudioError
from models.voices.engines.ipa import PUNCTUATION, TIE, ended, exchanged, ipa
from models.voices.engines.onnx_network import open_network
from models.voices.engines.voice import Utterance, WordTiming, duration_factor
from models.voices.piper import files
from models.voices.piper.description import FIRST, LAST, PAD, Description

MOST_NETWORKS = 8
"""Kept in memory by one process; each takes a few seconds to load."""
LONGEST = 500
"""Symbols of one utterance."""
VARIATION = (0.7, 1.4)
"""Factors on how much the sound and the rhythm vary by themselves."""
NOISE_OF_A_SYMBOL = 3072
"""Numbers drawn for each: 16 frames of 192; a typical one lasts three."""
UNSTRESSED = re.compile(rf"(?<![ˈˌ{re.escape(TIE)}])[əᵻɪ](?![{re.escape(TIE)}ː])")


@dataclass(frozen=True)
class Numbered:
    """A text as a network reads it."""

    numbers: tuple[int, ...]
    """Of the symbols, with pads between them."""
    starts: tuple[int, ...]
    """Where in `numbers` each token begins: with the blank before it, which holds its onset."""
    voiced: tuple[bool, ...]
    """Whether each token has a sound."""


class Piper:
    """Speaks in this process; a network is loaded at its first word."""

    name = "piper"

    def __init__(self) -> None:
        self._network = lru_cache(MOST_NETWORKS)(_load)

    def voices(self) -> tuple[str, ...]:
        """Return the speakers of all installed voices that speak English."""
        return tuple(self._described)

    def synthesise(self, text: str, voice: str, rate: float, pitch: float) -> Utterance:
        """Speak English text; vowels, sound and rhythm vary with all four arguments.

        The speaker decides the pitch. Raises AudioError for a text that is too long or empty, and
        for a voice that is not there; MissingToolError for a network that cannot be used.
        """
        rng = np.random.default_rng(zlib.crc32(repr((text, voice, rate, pitch)).encode()))
        described = self._described.get(voice)
        if described is None:
            raise AudioError(f"Piper has no voice {voice}; {files.ELSEWHERE}")
        numbered = _spell(ended(rng, _spoken(rng, text, described)), described)
        count = len(numbered.numbers)
        if count > 2 * LONGEST:
            raise AudioError(f"{text[:40]!r}... is too long: Piper says {LONGEST} sounds at most")
        scales = [
            described.noise_scale * rng.uniform(*VARIATION),
            described.length_scale * duration_factor(rate),
            described.noise_w * rng.uniform(*VARIATION),
        ]
        asked = {
            "input": np.array([numbered.numbers], np.int64),
            "input_lengths": np.array([count], np.int64),
            "scales": np.array(scales, np.float32),
            "noise": rng.standard_normal(NOISE_OF_A_SYMBOL * count, np.float32),
        }
        if described.speakers:
            asked["sid"] = np.array([described.speaker(voice)], np.int64)
        samples, *frames = self._network(described.network).run(None, asked)
        seconds = samples.size / described.sample_rate_hz
        words = _words(numbered, frames[-1].ravel(), seconds) if frames else ()
        return Utterance(samples.ravel(), described.sample_rate_hz, words)

    @cached_property
    def _described(self) -> dict[str, Description]:
        """Descriptions by the names of their speakers."""
        return {name: voice for voice in files.voices() for name in voice.throats}


def _load(network: Path) -> Any:
    return open_network(files.network_bytes(network), f"{network} cannot be used; {files.REMEDY}")


def _spoken(rng: np.random.Generator, text: str, voice: Description) -> list[str]:
    """Return the symbols of each token, its punctuation last."""
    tokens = []
    for token in ipa(text, voice.accent):
        said = UNSTRESSED.sub(lambda found: exchanged(rng, found[0]), token)
        tokens.append(unicodedata.normalize("NFD", said.replace(TIE, "")))
    return tokens


def _spell(tokens: Sequence[str], voice: Description) -> Numbered:
    """Return the numbers of tokens: a pad follows each symbol, as the networks learnt.

    Symbols that the voice does not know are left out.
    """
    pad = voice.numbers[PAD]
    numbers, starts = [*voice.numbers[FIRST], *pad], []
    for place, token in enumerate(tokens):
        starts.append(len(numbers) if place else 0)
        for symbol in f" {token}" if place else token:
            if symbol in voice.numbers:
                numbers += [*voice.numbers[symbol], *pad]
    numbers += voice.numbers[LAST]
    voiced = tuple(bool(token.rstrip(PUNCTUATION)) for token in tokens)
    return Numbered(tuple(numbers), tuple(starts), voiced)


def _words(
    numbered: Numbered, frames: NDArray[np.float32], seconds: float
) -> tuple[WordTiming, ...]:
    """Return where each token is heard; frames: how many each number lasts of an utterance."""
    borders = np.concatenate([[0.0], np.cumsum(frames, dtype=np.float64)])
    borders *= seconds / borders[-1]
    starts = [*(float(borders[start]) for start in numbered.starts), seconds]
    return tuple(
        WordTiming(token, starts[token], starts[token + 1])
        for token, voiced in enumerate(numbered.voiced)
        if voiced
    )
