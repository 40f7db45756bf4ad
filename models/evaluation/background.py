"""Where the word is in a clip, and more of the clip's own background around it."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

BLOCK_SECONDS = 0.01
ACTIVE_RANGE_DB = 30.0
"""A block belongs to the word when it is at most this far below the loudest."""
ABOVE_BACKGROUND_DB = 6.0
"""... and at least this far above the background."""
QUIET_SECONDS = (0.5, 0.25, 0.12, 0.06)
"""The quietest stretch stands for the background: the longest that is as quiet as the shortest."""
AS_QUIET_DB = 3.0
SPECTRUM_POINTS = 256
DITHER = 0.5
"""Deviation of the background of a digitally silent clip, in int16 units: below -95 dBFS."""


def active_part(samples: NDArray[np.int16], sample_rate_hz: int) -> tuple[float, float]:
    """Return the start and end of the sound in a clip, [samples], in seconds, from its energy.

    Blocks of 10 ms, median-filtered over 50 ms so that a click is no word. A clip without
    anything above its background is active as a whole.
    """
    levels = _levels_db(samples, sample_rate_hz)
    floor = levels.max(initial=-np.inf) - ACTIVE_RANGE_DB
    background = 10 * np.log10(np.mean(_quietest(samples, sample_rate_hz) ** 2) + 1e-3)
    active = np.flatnonzero(levels >= max(floor, background + ABOVE_BACKGROUND_DB))
    if not len(active):
        return 0.0, len(samples) / sample_rate_hz
    return float(active[0] * BLOCK_SECONDS), float((active[-1] + 1) * BLOCK_SECONDS)


def continued_background(
    samples: NDArray[np.int16], sample_rate_hz: int, count: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return noise with the level and spectrum of the clip's background, float64 [count].

    The background is the quietest stretch of the clip: a pause, or its edge. Noise is drawn
    with that stretch's power spectrum rather than the stretch repeated, which would hum;
    digital silence becomes noise below the last bit.
    samples: int16 [samples], the clip.
    """
    quiet = _quietest(samples, sample_rate_hz)
    quiet = quiet + DITHER * rng.standard_normal(len(quiet))
    points = min(SPECTRUM_POINTS, len(quiet))
    _, spectrum = signal.welch(quiet, nperseg=points, detrend=False, scaling="spectrum")
    response = np.fft.irfft(np.sqrt(spectrum))
    response = np.roll(response, points // 2) * np.hanning(len(response))
    noise = signal.fftconvolve(rng.standard_normal(count + len(response)), response, "same")
    noise = noise[:count]
    noise *= np.sqrt(np.mean(quiet**2) / np.mean(noise**2))
    return np.asarray(noise)


def _quietest(samples: NDArray[np.int16], sample_rate_hz: int) -> NDArray[np.float64]:
    """Return the stretch that stands for the background, or the whole of a very short clip."""
    stretches = [
        _quietest_of(samples, length)
        for length in (round(seconds * sample_rate_hz) for seconds in QUIET_SECONDS)
        if length < len(samples)
    ]
    if not stretches:
        return samples.astype(np.float64)
    limit = (np.mean(stretches[-1] ** 2) + 1e-9) * 10 ** (AS_QUIET_DB / 10)
    return next(stretch for stretch in stretches if np.mean(stretch**2) <= limit)


def _quietest_of(samples: NDArray[np.int16], length: int) -> NDArray[np.float64]:
    """Return the `length` samples in a row with the least energy."""
    energy = np.cumsum(np.concatenate(([0.0], samples.astype(np.float64) ** 2)))
    start = int(np.argmin(energy[length:] - energy[:-length]))
    return samples[start : start + length].astype(np.float64)


def _levels_db(samples: NDArray[np.int16], sample_rate_hz: int) -> NDArray[np.float64]:
    """Return the level of each 10 ms block in dB over one int16 unit, float64 [blocks]."""
    length = round(BLOCK_SECONDS * sample_rate_hz)
    blocks = samples[: len(samples) // length * length].reshape(-1, length).astype(np.float64)
    levels = 10 * np.log10(np.mean(blocks**2, axis=1) + 1e-3)
    return np.asarray(ndimage.median_filter(levels, size=5, mode="nearest"))
