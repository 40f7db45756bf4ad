"""Other takes made of one: faster or slower, cut short, a part of the word, a random stretch."""

from dataclasses import replace

import numpy as np
import soxr
from numpy.typing import NDArray

from models.recordings.sources import BankRecording
from models.settings.recipe import Range

CUT_START_SECONDS = 0.06
CUT_END_SECONDS = 0.04
CONTEXT_SECONDS = 0.1
"""Sound around a word that stands alone, at most."""
FADE_SAMPLES = 64
"""Of the edge where a fragment was cut, so that no click gives it away."""


def at_speed(take: BankRecording, factor: float) -> BankRecording:
    """Return the take played `factor` times as fast: pitch and formants move with the tempo."""
    samples = soxr.resample(take.samples, factor, 1.0, quality="QQ")
    return replace(
        take,
        samples=samples,
        word_start=round(take.word_start / factor),
        word_end=min(len(samples), round(take.word_end / factor)),
    )


def cut_short(
    rng: np.random.RandomState, take: BankRecording, sample_rate_hz: int
) -> BankRecording:
    """Return a take of a word alone without its first and last instants, as recorders miss them.

    Silence stands for what is lost, so that the word's place does not move; a word within a
    sentence stays whole.
    """
    start = int(rng.uniform(0.0, CUT_START_SECONDS) * sample_rate_hz)
    end = int(rng.uniform(0.0, CUT_END_SECONDS) * sample_rate_hz)
    context = take.word_start + len(take.samples) - take.word_end
    if context > CONTEXT_SECONDS * sample_rate_hz:
        return take
    samples = take.samples.copy()
    samples[: take.word_start + start] = 0
    samples[max(0, take.word_end - end) :] = 0
    return replace(take, samples=samples)


def fragment(rng: np.random.RandomState, take: BankRecording, heard: Range) -> BankRecording:
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


def random_stretch(
    rng: np.random.RandomState, samples: NDArray[np.int16], length: int
) -> NDArray[np.int16]:
    """Return a random stretch, int16 [length]; a shorter recording is repeated.

    samples: int16 [samples].
    """
    if len(samples) < length:
        samples = np.tile(samples, -(-length // len(samples)))
    start = rng.randint(len(samples) - length + 1)
    return samples[start : start + length]
