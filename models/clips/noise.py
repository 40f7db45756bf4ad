"""Synthetic noise of many kinds: hiss, rumble, hum, whistles, clatter, wind."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Signal = NDArray[np.float32]
"""[samples], in int16 units."""
Spectrum = NDArray[np.complex64]
"""[bins], of `scipy.fft.rfft`."""

SHAPED_SHARE = 0.6
"""Of noises whose spectrum has hills and valleys."""
SHAPE_DB = 15.0
SHAPE_POINTS = 9
RESONANT_SHARE = 0.25
"""Of noises with a few narrow bands that stand out, as fans, motors and whistles have."""
RESONANCES = (1, 8)
RESONANCE_DB = (15.0, 40.0)
UNSTEADY_SHARE = 0.5
"""Of noises that come and go."""
UNSTEADY_DEPTH_DB = (5.0, 40.0)
UNSTEADY_RATE_HZ = (0.5, 16.0)
LOWEST_HZ = 60.0


def coloured_noise(rng: np.random.RandomState, length: int) -> Signal:
    """Return steady noise, float32 [length], its highest peak at 10,000."""
    points = fft.next_fast_len(length, real=True)
    noise = fft.irfft(coloured_spectrum(rng, points), points)[:length]
    loud: Signal = noise / (np.abs(noise).max() + 1e-9) * 10_000
    return loud


def coloured_spectrum(rng: np.random.RandomState, points: int) -> Spectrum:
    """Return a noise whose power falls as 1 / f^slope, slope 0 (white) to 2 (brown).

    complex64 [points // 2 + 1]. Real and imaginary parts are uniform, which is quick to draw; a
    sum of so many is Gaussian in time.
    """
    bins = points // 2 + 1
    parts = np.frombuffer(rng.bytes(4 * bins), np.int16).astype(np.float32)
    slope = rng.uniform(0.0, 2.0)
    spectrum: Spectrum = parts.view(np.complex64)
    spectrum *= np.arange(1, bins + 1, dtype=np.float32) ** (-slope / 2)
    return spectrum


def synthetic_spectrum(rng: np.random.RandomState, points: int, sample_rate_hz: int) -> Spectrum:
    """Return coloured noise that may be uneven in frequency and in time, complex64 [bins]."""
    spectrum = coloured_spectrum(rng, points)
    frequencies = np.linspace(0.0, sample_rate_hz / 2, len(spectrum), dtype=np.float32)
    if rng.uniform() < SHAPED_SHARE:
        spectrum *= _shape(rng, frequencies)
    if rng.uniform() < RESONANT_SHARE:
        spectrum *= _resonances(rng, frequencies)
    if rng.uniform() < UNSTEADY_SHARE:
        swelling = fft.irfft(spectrum, points) * _envelope(rng, points, sample_rate_hz)
        spectrum = fft.rfft(swelling)
    return spectrum


def _shape(rng: np.random.RandomState, frequencies: Signal) -> Signal:
    """Return a smooth random gain over frequency, float32 [bins]."""
    grid = np.geomspace(LOWEST_HZ, frequencies[-1], SHAPE_POINTS)
    curve_db = np.interp(frequencies, grid, rng.uniform(-SHAPE_DB, SHAPE_DB, SHAPE_POINTS))
    return (10 ** (curve_db / 20)).astype(np.float32)


def _resonances(rng: np.random.RandomState, frequencies: Signal) -> Signal:
    """Return the gain of a few narrow bands, float32 [bins]."""
    gain = np.ones_like(frequencies)
    for _ in range(rng.randint(*RESONANCES)):
        centre_hz = np.exp(rng.uniform(np.log(LOWEST_HZ), np.log(frequencies[-1])))
        width_hz = centre_hz * rng.uniform(0.002, 0.05)
        peak = 10 ** (rng.uniform(*RESONANCE_DB) / 20)
        gain += peak / (1 + ((frequencies - centre_hz) / width_hz) ** 2)
    return gain


def _envelope(rng: np.random.RandomState, length: int, sample_rate_hz: int) -> Signal:
    """Return a gain that rises and falls at random, float32 [length]."""
    knots = 2 + int(length / sample_rate_hz * rng.uniform(*UNSTEADY_RATE_HZ))
    gain_db = rng.uniform(-rng.uniform(*UNSTEADY_DEPTH_DB), 0.0, knots)
    places = np.linspace(0, knots - 1, length)
    return np.interp(places, np.arange(knots), 10 ** (gain_db / 20)).astype(np.float32)
