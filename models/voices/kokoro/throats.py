"""Throats of Kokoro: its own voices, and mixtures of them that no one has heard before.

A voice is a table of styles, one for each length of text: 128 numbers of timbre and 128 of prosody.
Styles between voices sound like other people, so two or three voices are mixed, timbre and prosody
apart, and moved a little in a random direction that the voices span.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Style = NDArray[np.float32]
"""[256]: the timbre's half, then the prosody's."""
Tables = Mapping[str, NDArray[np.float32]]
"""Styles of each voice, float32 [longest text, 256]."""

STYLE_SIZE = 256
TIMBRE = slice(0, 128)
PROSODY = slice(128, 256)
BLENDS = 3000
BLEND = "blend-"
BLENDED = (2, 3)
CONCENTRATION = 1.5
"""Of the Dirichlet distribution that the shares of a mixture are drawn from."""
WANDER = 0.35
"""Length of the random direction, of the spread of the voices."""
TYPICAL_LENGTH = 10
"""Symbols of a short phrase: the row whose spread is measured."""
ENGLISH_SHARE = 0.65
ENGLISH = ("a", "b")
"""First letters of American and British voices."""


@dataclass(frozen=True)
class KokoroThroat:
    """How much of each voice is in one throat."""

    voices: tuple[str, ...]
    timbre: NDArray[np.float64]
    """[voices]; sums to 1."""
    prosody: NDArray[np.float64]
    """[voices]; sums to 1."""
    offset: Style
    """float32 [256], added to every style."""

    @property
    def british(self) -> bool:
        return self.voices[0].startswith("b")

    def style(self, tables: Tables, length: int) -> Style:
        """Return the style for a text of `length` symbols, float32 [256]."""
        rows = [tables[voice][min(length, len(tables[voice])) - 1] for voice in self.voices]
        style = np.empty(STYLE_SIZE, np.float32)
        for part, shares in ((TIMBRE, self.timbre), (PROSODY, self.prosody)):
            style[part] = np.tensordot(shares, [row[part] for row in rows], 1)
        return style + self.offset


def throat(name: str, tables: Tables) -> KokoroThroat:
    """Return the throat of a name: a voice's own, or a mixture (blend-0 to blend-2999).

    A mixture depends on its number and the voices in `tables` only.
    """
    if not name.startswith(BLEND):
        whole = np.ones(1)
        return KokoroThroat((name,), whole, whole, np.zeros(STYLE_SIZE, np.float32))
    rng = np.random.default_rng((int(name.removeprefix(BLEND)), len(tables)))
    voices = tuple(_draw(rng, sorted(tables)) for _ in range(rng.integers(*BLENDED, endpoint=True)))
    shares = np.full(len(voices), CONCENTRATION)
    return KokoroThroat(
        voices, rng.dirichlet(shares), rng.dirichlet(shares), _direction(rng, tables)
    )


def _draw(rng: np.random.Generator, voices: list[str]) -> str:
    """Draw a voice, an English one more often."""
    english = [voice for voice in voices if voice.startswith(ENGLISH)]
    others = [voice for voice in voices if not voice.startswith(ENGLISH)]
    pool = english if english and (not others or rng.random() < ENGLISH_SHARE) else others
    return pool[rng.integers(len(pool))]


def _direction(rng: np.random.Generator, tables: Tables) -> Style:
    """Return a random step with the covariance of the voices, scaled down, float32 [256]."""
    rows = np.stack([tables[voice][TYPICAL_LENGTH - 1] for voice in sorted(tables)])
    spread = (rows - rows.mean(axis=0)) / np.sqrt(len(rows))
    step = np.empty(STYLE_SIZE, np.float32)
    for part in (TIMBRE, PROSODY):
        step[part] = WANDER * rng.standard_normal(len(rows)) @ spread[:, part]
    return step
