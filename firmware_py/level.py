"""Loudness: of a whole clip, and followed along a stream."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware_py.errors import AudioError
from firmware_py.reading.bounds import Ranges, check_ranges

Samples = NDArray[np.int16] | NDArray[np.float32] | NDArray[np.float64]

FULL_SCALE = 32768.0
"""The int16 value that stands for 0 dBFS."""

TARGETS_DBFS = (-100.0, 0.0)
CAUSAL_RANGES: Ranges = {
    "target_dbfs": TARGETS_DBFS,
    "time_constant_seconds": (0.001, 3600.0),
    "maximum_gain_db": (0.0, 120.0),
}
LOUDEST = 2.0
"""Decoders and resamplers overshoot full scale 1; floats that go further have another scale."""


@dataclass(frozen=True)
class ClipLevel:
    """Bring a whole clip, over all its channels, to one level."""

    target_dbfs: float = -20.0

    def __post_init__(self) -> None:
        check_ranges(self, {"target_dbfs": TARGETS_DBFS})


@dataclass(frozen=True)
class CausalLevel:
    """Bring a stream to a level by a gain that knows only the past."""

    target_dbfs: float = -20.0
    time_constant_seconds: float = 1.0
    """How fast the measured level follows the signal: a plain mean of the power until this much
    time has passed, a one-pole low-pass from then on."""
    maximum_gain_db: float = 40.0
    """Silence is not raised further than this."""

    def __post_init__(self) -> None:
        check_ranges(self, CAUSAL_RANGES)


def clip_gain_db(level: ClipLevel, mean_square: float) -> float:
    """Return the gain that brings a clip of this mean square (int16 units) to the target.

    Raises AudioError for digital silence, which no gain can raise.
    """
    if mean_square <= 0.0:
        raise AudioError("the clip is digital silence and has no level; record it again")
    return level.target_dbfs - 10.0 * math.log10(mean_square / FULL_SCALE**2)


def apply_gain(samples: NDArray[np.int16], gain_db: float) -> NDArray[np.int16]:
    """Return samples, int16 [any shape], louder by `gain_db`, rounded and clipped."""
    scaled = samples * 10.0 ** (gain_db / 20.0)
    return to_int16(scaled)


def to_int16(samples: NDArray[Any]) -> NDArray[np.int16]:
    """Return samples that are in int16 units, [any shape], rounded and clipped."""
    rounded: NDArray[np.int16] = np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
    return rounded


def as_int16(samples: Samples) -> NDArray[np.int16]:
    """Return samples that a program hands over as int16 [n].

    samples: int16 [n], or float32 or float64 [n] of full scale 1, as sounddevice, librosa and
    soundfile give them. Raises AudioError for every other type, shape or scale.
    """
    if not isinstance(samples, np.ndarray):
        raise AudioError(
            f"samples must be a numpy array, not {type(samples).__name__}; raw bytes become one by"
            " np.frombuffer(data, '<i2')"
        )
    if samples.ndim != 1:
        raise AudioError(
            f"samples must be mono, of shape [n], not {list(samples.shape)}; take one channel:"
            " samples[:, 0]"
        )
    kind = f"{samples.dtype.kind}{samples.dtype.itemsize}"
    if kind == "i2":
        return samples.astype(np.int16, copy=False)  # in this machine's byte order
    if kind not in ("f4", "f8"):
        raise AudioError(
            f"samples must be int16, or float32 from -1 to 1, not {samples.dtype}; convert them"
        )
    peak = np.abs(samples).max(initial=0.0)
    if not peak <= LOUDEST:
        raise AudioError(
            f"float samples must be from -1 to 1, not up to {peak:g}; divide them by their full"
            " scale"
        )
    return to_int16(samples * FULL_SCALE)


class LevelTracker:
    """Follows the mean square of a stream, one value a frame."""

    def __init__(self, level: CausalLevel, frame_seconds: float) -> None:
        self._target = 10.0 ** (level.target_dbfs / 10.0) * FULL_SCALE**2
        self._floor = self._target / 10.0 ** (level.maximum_gain_db / 10.0)
        self._weight = 1.0 - math.exp(-frame_seconds / level.time_constant_seconds)
        self._mean_square = 0.0
        self._frames = 0

    def power_gains(self, windows: NDArray[np.int16]) -> NDArray[np.float64]:
        """Return what each frame's power is multiplied by, float64 [frames].

        windows: int16 [frames, window_length].
        """
        powers = np.mean(np.square(windows, dtype=np.float64), axis=1)
        gains = np.empty(len(powers))
        mean_square = self._mean_square
        for index, power in enumerate(powers):
            self._frames += 1
            mean_square += max(self._weight, 1.0 / self._frames) * (power - mean_square)
            gains[index] = self._target / max(mean_square, self._floor)
        self._mean_square = mean_square
        return gains
