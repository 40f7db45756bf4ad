"""What is wrong with a microphone, in words, from the last seconds that it delivered."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FULL_SCALE = 32768.0
CLIPPED = 32700
CLIPPED_SHARE = 1e-3
"""Speech that is well set has no sample at the end of the scale; one in a thousand is heard."""
QUIET_DBFS = -72.0
"""The loudest tenth of a second of several: the noise of any amplifier that is on lies above."""
BLOCK_SECONDS = 0.1
LEAST_SECONDS = 2.0
MAINS_HZ = (50.0, 60.0)
MAINS_WIDTH_HZ = 2.0
HUM_SHARE = 0.7
"""Share of the power at the mains' frequency and its overtones, below 1 kHz, that is a hum."""
HUM_DBFS = -55.0
"""A weaker one does not disturb."""
HUM_OVERTONES = 6

Fault = Literal["silent", "quiet", "clipping", "hum"]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, and what to do about it."""

    fault: Fault
    text: str


def diagnose(samples: NDArray[np.int16], sample_rate_hz: int) -> list[Finding]:
    """Return what is wrong with the sound; nothing for less than two seconds of it.

    samples: int16 [n], mono, the last few seconds.
    """
    if len(samples) < LEAST_SECONDS * sample_rate_hz:
        return []
    if not samples.any():
        return [
            Finding(
                "silent",
                "The microphone delivers digital silence: it is muted, unplugged, or the sound"
                " comes on another channel.",
            )
        ]
    magnitudes = np.abs(samples.astype(np.int32))
    if np.mean(magnitudes >= CLIPPED) > CLIPPED_SHARE:
        return [Finding("clipping", "The sound clips: turn the microphone down (alsamixer).")]
    findings = []
    if _loudest_block_dbfs(samples, sample_rate_hz) < QUIET_DBFS:
        findings.append(
            Finding(
                "quiet",
                "The sound is far too quiet: turn the microphone up (alsamixer), or go nearer.",
            )
        )
    if hum_hz := _hum_hz(samples, sample_rate_hz):
        findings.append(
            Finding(
                "hum",
                f"A mains hum of {hum_hz:.0f} Hz is louder than everything else: try another power"
                " supply or cable, or a microphone without an analogue wire.",
            )
        )
    return findings


def level_dbfs(samples: NDArray[np.int16]) -> float:
    """Return the level of int16 samples [n], dBFS of a square wave; -100 for silence."""
    if not len(samples):
        return -100.0
    mean_square = float(np.mean(np.square(samples, dtype=np.float32)))
    return max(-100.0, 10.0 * float(np.log10(max(mean_square, 1e-3) / FULL_SCALE**2)))


def peak_dbfs(samples: NDArray[np.int16]) -> float:
    """Return the highest magnitude of int16 samples [n], dBFS; -100 for silence."""
    highest = max(int(np.max(samples, initial=0)), -int(np.min(samples, initial=0)))
    return max(-100.0, 20.0 * float(np.log10(max(highest, 1e-3) / FULL_SCALE)))


def _loudest_block_dbfs(samples: NDArray[np.int16], sample_rate_hz: int) -> float:
    length = round(BLOCK_SECONDS * sample_rate_hz)
    blocks = samples[: len(samples) // length * length].reshape(-1, length)
    return max(level_dbfs(block) for block in blocks)


def _hum_hz(samples: NDArray[np.int16], sample_rate_hz: int) -> float | None:
    """Return the mains' frequency when it rules the sound below 1 kHz."""
    if level_dbfs(samples) < HUM_DBFS:
        return None
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    frequencies = np.fft.rfftfreq(len(samples), 1.0 / sample_rate_hz)
    audible = (frequencies > 20.0) & (frequencies < 1000.0)
    everything = float(spectrum[audible].sum())
    for mains_hz in MAINS_HZ:
        nearest = np.clip(np.rint(frequencies / mains_hz), 1, HUM_OVERTONES) * mains_hz
        near = audible & (np.abs(frequencies - nearest) < MAINS_WIDTH_HZ)
        if everything and float(spectrum[near].sum()) > HUM_SHARE * everything:
            return mains_hz
    return None
