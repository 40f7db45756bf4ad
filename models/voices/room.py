"""Rooms to speak in, as synthetic impulse responses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

T60_RANGE_SECONDS = (0.08, 0.7)
DIRECT_TO_REVERBERANT_RANGE_DB = (-3.0, 15.0)

REFLECTIONS = 8
FIRST_REFLECTION_SECONDS = (0.002, 0.04)
TAIL_START_SECONDS = 0.005


@dataclass(frozen=True)
class Room:
    """How long a room rings, and how close the speaker is."""

    t60_seconds: float
    direct_to_reverberant_db: float
    seed: int


def impulse_response(room: Room, sample_rate_hz: int) -> NDArray[np.float32]:
    """Return the response, float32 [samples], the direct sound being 1 at sample 0.

    A few early reflections over an exponentially decaying noise tail, 60 dB down after T60
    (Polack's model of diffuse reverberation, 1988).
    """
    rng = np.random.default_rng(room.seed)
    time = np.arange(int(room.t60_seconds * sample_rate_hz)) / sample_rate_hz
    decay = 10 ** (-3 * time / room.t60_seconds)
    tail = rng.standard_normal(len(time)) * decay * (time >= TAIL_START_SECONDS)
    delays = (rng.uniform(*FIRST_REFLECTION_SECONDS, REFLECTIONS) * sample_rate_hz).astype(int)
    strengths = rng.uniform(2.0, 8.0, REFLECTIONS) * rng.choice((-1.0, 1.0), REFLECTIONS)
    np.add.at(tail, delays, strengths * decay[delays])
    energy = 10 ** (-room.direct_to_reverberant_db / 10)
    response: NDArray[np.float32] = (tail * np.sqrt(energy / np.sum(tail**2))).astype(np.float32)
    response[0] = 1.0
    return response


def reverberate(
    samples: NDArray[np.float32], sample_rate_hz: int, room: Room
) -> NDArray[np.float32]:
    """Return speech as heard in the room, float32 [samples + tail], in time with the input.

    samples: float32 [samples], of any scale.
    """
    heard: NDArray[np.float32] = fftconvolve(samples, impulse_response(room, sample_rate_hz))
    return heard.astype(np.float32)
