"""Another throat for the same words: pitch and formants moved with the WORLD vocoder.

Morise, Yokomori, Ozawa, "WORLD: a vocoder-based high-quality speech synthesis system for
real-time applications", IEICE Transactions E99-D (2016), through pyworld.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyworld
from numpy.typing import NDArray

F0_SEARCH_HZ = (60.0, 450.0)
F0_RANGE_HZ = (80.0, 270.0)
"""Mean f0 of deep men to children."""

SHIFT_RANGE = (0.5, 2.0)
"""How far a voice's mean f0 can be moved before it no longer sounds like a person."""

FORMANT_RANGE = (0.78, 1.28)
FORMANT_EXPONENT = 0.3
"""Formants scale with about this power of f0 between men, women and children."""


@dataclass(frozen=True)
class Throat:
    """What to make of a voice: its mean f0, and how far its formants stray from the usual."""

    mean_f0_hz: float
    formant_jitter: float


@dataclass(frozen=True)
class Warped:
    """Speech, float32 mono [samples], with the mean f0 and formant factor it ended up with."""

    samples: NDArray[np.float32]
    mean_f0_hz: float
    formant_factor: float


def warp(samples: NDArray[np.float32], sample_rate_hz: int, throat: Throat) -> Warped | None:
    """Speak samples, [n], again with another throat; None if nothing in them has a pitch."""
    wave = samples.astype(np.float64)
    floor, ceiling = F0_SEARCH_HZ
    coarse, times = pyworld.dio(wave, sample_rate_hz, f0_floor=floor, f0_ceil=ceiling)
    f0 = pyworld.stonemask(wave, coarse, times, sample_rate_hz)
    voiced = f0[f0 > 0]
    if not len(voiced):
        return None
    own_f0 = float(np.exp(np.log(voiced).mean()))
    shift = float(np.clip(throat.mean_f0_hz / own_f0, *SHIFT_RANGE))
    factor = float(np.clip(shift**FORMANT_EXPONENT * throat.formant_jitter, *FORMANT_RANGE))
    envelope = pyworld.cheaptrick(wave, f0, times, sample_rate_hz)
    noise = pyworld.d4c(wave, f0, times, sample_rate_hz)
    spoken = pyworld.synthesize(
        f0 * shift, move_formants(envelope, factor), move_formants(noise, factor), sample_rate_hz
    )
    out = np.zeros(len(samples), np.float32)
    length = min(len(out), len(spoken))
    out[:length] = spoken[:length]
    return Warped(out, own_f0 * shift, factor)


def move_formants(spectrum: NDArray[np.float64], factor: float) -> NDArray[np.float64]:
    """Return spectra, float64 [frames, bins], stretched along frequency by factor."""
    last = spectrum.shape[1] - 1
    source = np.minimum(np.arange(last + 1) / factor, last)
    below = np.minimum(source.astype(int), last - 1)
    weight = source - below
    moved = spectrum[:, below] * (1 - weight) + spectrum[:, below + 1] * weight
    return np.ascontiguousarray(moved)
