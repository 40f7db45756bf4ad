"""Other takes made of one: faster or slower, or only a part of the word."""

from dataclasses import replace

import numpy as np
import soxr

from models.recordings.sources import Take
from models.settings.recipe import Range

FADE_SAMPLES = 64
"""Of the edge where a fragment was cut, so that no click gives it away."""


def at_speed(take: Take, factor: float) -> Take:
    """Return the take played `factor` times as fast: pitch and formants move with the tempo."""
    samples = soxr.resample(take.samples, factor, 1.0, quality="QQ")
    return replace(
        take,
        samples=samples,
        word_start=round(take.word_start / factor),
        word_end=min(len(samples), round(take.word_end / factor)),
    )


def fragment(rng: np.random.RandomState, take: Take, heard: Range) -> Take:
    """Return a take of which only the beginning or the end of the word is heard.

    heard: share of the word that is left.
    """
    length = round(rng.uniform(*heard) * (take.word_end - take.word_start))
    fade = np.linspace(0.0, 1.0, min(FADE_SAMPLES, length))
    if rng.uniform() < 0.5:
        samples = take.samples[: take.word_start + length].copy()
        edge = samples[len(samples) - len(fade) :]
        fade = fade[::-1]
    else:
        samples = take.samples[take.word_end - length :].copy()
        edge = samples[: len(fade)]
    edge[:] = edge * fade
    return replace(take, samples=samples, word_start=0, word_end=len(samples))
