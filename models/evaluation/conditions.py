"""The conditions a model is tried in: noise, level, the microphone's rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from firmware_py.level import FULL_SCALE, to_int16

DRAWS = 20
"""Places tried for noise that is not silent under the word."""
FAINTEST_NOISE_DB = -20.0
"""Noise under the word may be this much below the recording's mean, and no fainter."""


@dataclass(frozen=True)
class Condition:
    """What is done to a recording before the detector hears it; nothing by default."""

    snr_db: float | None = None
    """Noise is added at this ratio, both powers over the word's active part."""
    level_dbfs: float | None = None
    """The active part is brought to this RMS level and clipped at full scale."""
    rate_hz: int | None = None
    """The recording is resampled, as if a microphone of this rate had made it."""
    after_silence: bool = False
    """Digital silence stands around the recording, instead of its own background."""

    @property
    def name(self) -> str:
        """Return the condition in words."""
        parts = []
        if self.snr_db is not None:
            parts.append(f"noise {self.snr_db:g} dB")
        if self.level_dbfs is not None:
            parts.append(f"level {self.level_dbfs:g} dBFS")
        if self.rate_hz is not None:
            parts.append(f"{self.rate_hz} Hz")
        if self.after_silence:
            parts.append("after digital silence")
        return ", ".join(parts) or "as recorded"

    @property
    def changes_negatives(self) -> bool:
        """Noise is mixed to the positives only."""
        return self.level_dbfs is not None or self.rate_hz is not None


AS_RECORDED = Condition()


def set_level(
    samples: NDArray[np.float64], active: NDArray[np.float64], level_dbfs: float
) -> NDArray[np.float64]:
    """Return `samples` scaled so that `active`, a part of them, has this level.

    Both, and the result: float64 [samples] in int16 units.
    """
    rms = np.sqrt(np.mean(active**2))
    gain = FULL_SCALE * 10 ** (level_dbfs / 20) / max(float(rms), 1e-3)
    return samples * gain


def mix_noise(
    samples: NDArray[np.float64],
    active: slice,
    noise: NDArray[np.float64],
    snr_db: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return `samples` with a random stretch of `noise`, repeated where it is too short.

    Both, and the result: float64 [samples] in int16 units; noise may have another length.
    Powers are compared over the slice `active`. A stretch that is almost silent there is drawn
    again, since no gain could bring it to the ratio without bursts elsewhere.
    """
    mean_power = np.mean(noise**2)
    for _ in range(DRAWS):
        start = int(rng.integers(len(noise)))
        stretch = np.take(noise, np.arange(start, start + len(samples)), mode="wrap")
        power = np.mean(stretch[active] ** 2)
        if power >= mean_power * 10 ** (FAINTEST_NOISE_DB / 10):
            break
    speech_power = np.mean(samples[active] ** 2)
    gain = np.sqrt(speech_power / max(float(power), 1e-6) / 10 ** (snr_db / 10))
    mixed: NDArray[np.float64] = samples + gain * stretch
    return mixed


def resampled(
    samples: NDArray[np.int16], from_rate_hz: int, to_rate_hz: int | None
) -> tuple[NDArray[np.int16], int]:
    """Return the recording at another rate, int16 [samples], and that rate."""
    if to_rate_hz in (None, from_rate_hz):
        return samples, from_rate_hz
    converted = soxr.resample(samples.astype(np.float64), from_rate_hz, to_rate_hz)
    return to_int16(converted), to_rate_hz


def all_conditions(
    snrs_db: Sequence[float],
    levels_dbfs: Sequence[float],
    rates_hz: Sequence[int],
    after_silence: bool = False,
) -> tuple[Condition, ...]:
    """Return every condition asked for, as recorded first."""
    return (
        AS_RECORDED,
        *(Condition(snr_db=snr) for snr in snrs_db),
        *(Condition(level_dbfs=level) for level in levels_dbfs),
        *(Condition(rate_hz=rate) for rate in rates_hz),
        *([Condition(after_silence=True)] if after_silence else []),
    )


def pick_noise(noise: Sequence[Path], rng: np.random.Generator) -> Path:
    """Return one of the noise recordings."""
    return noise[int(rng.integers(len(noise)))]
