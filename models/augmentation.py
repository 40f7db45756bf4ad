"""From the mouth to the converter: room, noise, microphone, level, telephone.

All functions take float32 samples in int16 units and a legacy random generator. Filters are
applied as products of spectra over the whole clip.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from firmware_py.level import FULL_SCALE, to_int16
from models.recipe import Augmentation, Range

Signal = NDArray[np.float32]
Spectrum = NDArray[np.complex64]

EQUALISER_POINTS = 7
RESPONSE_POINTS = 512
ROOM_SECONDS = 0.5
"""Longest tail kept of a room's response."""


@dataclass(frozen=True)
class Scene:
    """Speech and noise of one clip before they meet, float32 [samples] each."""

    speech: Signal
    noise: Signal


def record(
    rng: np.random.RandomState, scene: Scene, augmentation: Augmentation, sample_rate_hz: int
) -> NDArray[np.int16]:
    """Return what a microphone hears of the scene, int16 [samples]."""
    length = len(scene.speech)
    points = fft.next_fast_len(length + int(ROOM_SECONDS * sample_rate_hz), real=True)
    speech = fft.rfft(scene.speech, points)
    noise = fft.rfft(scene.noise, points)
    if rng.uniform() < augmentation.room_share:
        speech *= room(rng, augmentation.reverberation_seconds, sample_rate_hz, points)
    speech *= _gain_to(scene.speech, rng.uniform(*augmentation.level_dbfs))
    noise *= _noise_gain(rng, scene, augmentation, np.abs(speech), np.abs(noise))
    total = (speech + noise) * microphone(rng, augmentation, sample_rate_hz, points)
    samples = fft.irfft(total, points)[:length]
    if rng.uniform() < augmentation.clipping_share:
        samples = drive(samples, rng.uniform(*augmentation.clipping_db))
    if rng.uniform() < augmentation.companding_share:
        samples = compand(samples)
    return to_int16(samples)


def room(
    rng: np.random.RandomState, reverberation_seconds: Range, sample_rate_hz: int, points: int
) -> Spectrum:
    """Return the transfer function of a random room, complex64 [points // 2 + 1].

    A direct sound, a few early reflections and a tail of noise that decays by 60 dB in the
    drawn time (Moorer, About This Reverberation Business, 1979); unit energy.
    """
    decay_seconds = rng.uniform(*reverberation_seconds)
    length = int(min(ROOM_SECONDS, decay_seconds) * sample_rate_hz)
    times = np.arange(length, dtype=np.float32) / sample_rate_hz
    tail = rng.standard_normal(length).astype(np.float32) * np.exp(-6.908 * times / decay_seconds)
    tail[: int(rng.uniform(0.001, 0.012) * sample_rate_hz)] = 0.0
    tail *= np.sqrt(10 ** (-rng.uniform(-3.0, 12.0) / 10) / max(1e-9, float(np.sum(tail**2))))
    tail[0] = 1.0
    for _ in range(rng.randint(1, 6)):
        tail[rng.randint(1, max(2, int(0.03 * sample_rate_hz)))] += rng.uniform(-0.5, 0.5)
    response: Spectrum = fft.rfft(tail / np.sqrt(np.sum(tail**2)), points)
    return response


def microphone(
    rng: np.random.RandomState, augmentation: Augmentation, sample_rate_hz: int, points: int
) -> Signal:
    """Return the magnitude response of a random microphone, float32 [points // 2 + 1]."""
    frequencies = np.linspace(0.0, sample_rate_hz / 2, RESPONSE_POINTS)
    grid = np.geomspace(60.0, sample_rate_hz / 2, EQUALISER_POINTS)
    largest_db = rng.uniform(0, augmentation.equaliser_db)
    curve_db = np.interp(frequencies, grid, rng.uniform(-largest_db, largest_db, len(grid)))
    response = 10 ** (curve_db / 20)
    high_pass_hz = rng.uniform(*augmentation.high_pass_hz)
    response *= 1 / np.sqrt(1 + (high_pass_hz / np.maximum(frequencies, 1.0)) ** 4)
    if rng.uniform() < augmentation.low_pass_share:
        low_pass_hz = rng.uniform(*augmentation.low_pass_hz)
        response *= 1 / np.sqrt(1 + (frequencies / low_pass_hz) ** 16)
    bins = points // 2 + 1
    places = np.linspace(0, RESPONSE_POINTS - 1, bins)
    return np.interp(places, np.arange(RESPONSE_POINTS), response).astype(np.float32)


def coloured_noise(rng: np.random.RandomState, length: int) -> Signal:
    """Return noise whose power falls as 1 / f^slope, slope 0 (white) to 2 (brown)."""
    points = fft.next_fast_len(length, real=True)
    bins = points // 2 + 1
    spectrum = rng.standard_normal(2 * bins).astype(np.float32).view(np.complex64)
    slope = rng.uniform(0.0, 2.0)
    spectrum *= np.arange(1, bins + 1, dtype=np.float32) ** (-slope / 2)
    noise: Signal = fft.irfft(spectrum, points)[:length]
    return noise / (np.abs(noise).max() + 1e-9) * 10_000


def drive(samples: Signal, over_db: float) -> Signal:
    """Return the samples raised until their peak is `over_db` over full scale, then clipped."""
    peak = float(np.abs(samples).max())
    if peak <= 0.0:
        return samples
    gain = FULL_SCALE * 10 ** (over_db / 20) / peak
    return np.clip(samples * gain, -FULL_SCALE, FULL_SCALE - 1)


def compand(samples: Signal) -> Signal:
    """Return the samples after 8-bit mu-law and back (ITU-T G.711's curve, mu = 255)."""
    scaled = np.clip(samples / FULL_SCALE, -1.0, 1.0)
    coded = np.sign(scaled) * np.log1p(255 * np.abs(scaled)) / np.log(256.0)
    coded = np.rint(coded * 127.0) / 127.0
    decoded: Signal = np.sign(coded) * np.expm1(np.abs(coded) * np.log(256.0)) / 255 * FULL_SCALE
    return decoded


def active_mean_square(samples: Signal) -> float:
    """Return the mean square over the parts that are not digital silence."""
    active = np.count_nonzero(samples)
    return float(np.dot(samples, samples)) / active if active else 0.0


def _gain_to(samples: Signal, level_dbfs: float) -> float:
    power = active_mean_square(samples)
    return float(np.sqrt(10 ** (level_dbfs / 10) * FULL_SCALE**2 / power)) if power else 0.0


def _noise_gain(
    rng: np.random.RandomState,
    scene: Scene,
    augmentation: Augmentation,
    speech_magnitude: Signal,
    noise_magnitude: Signal,
) -> float:
    """Return the gain of the noise for a drawn SNR over the active part of the speech."""
    noise_power = float(np.dot(noise_magnitude, noise_magnitude))
    if not noise_power:
        return 0.0
    active_share = np.count_nonzero(scene.speech) / len(scene.speech)
    if not active_share:
        return _gain_to(scene.noise, rng.uniform(-60.0, -15.0))
    clean = rng.uniform() < augmentation.clean_share
    snr_db = rng.uniform(35.0, 55.0) if clean else rng.uniform(*augmentation.snr_db)
    speech_power = float(np.dot(speech_magnitude, speech_magnitude)) / active_share
    return float(np.sqrt(speech_power / noise_power * 10 ** (-snr_db / 10)))
