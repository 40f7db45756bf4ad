"""From the mouth to the converter: room, noise, microphone, level, telephone.

All functions take float32 samples in int16 units and a legacy random generator. Filters are
applied as products of spectra over the whole clip.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from firmware_py.level import FULL_SCALE, to_int16
from models.clips.codecs import MU_LAW, draw_codec, transcode
from models.clips.faults import QUIET_FLOOR_DBFS, gated, hum
from models.clips.noise import Signal, Spectrum, synthetic_spectrum
from models.settings.recipe import Augmentation, Range

EQUALISER_POINTS = 7
RESPONSE_POINTS = 512
ROOM_SECONDS = 0.5
"""Longest tail kept of a room's response."""
CLEAN_SNR_DB = (35.0, 55.0)
NOISE_ALONE_DBFS = (-60.0, -15.0)
"""Level of clips without speech."""


@dataclass(frozen=True)
class Scene:
    """Speech and noise of one clip before they meet, float32 [samples] each."""

    speech: Signal
    noise: Signal | None
    """None: synthetic, of a random spectral slope."""
    room: Signal | None = None
    """Impulse response of a measured room; None: an invented one, or none."""
    microphone: Signal | None = None
    """Impulse response of a measured microphone."""


def record(
    rng: np.random.RandomState, scene: Scene, augmentation: Augmentation, sample_rate_hz: int
) -> NDArray[np.int16]:
    """Return what a microphone hears of the scene, int16 [samples]."""
    length = len(scene.speech)
    points = fft.next_fast_len(length + int(ROOM_SECONDS * sample_rate_hz), real=True)
    speech = _in_room(rng, scene, augmentation, sample_rate_hz, points)
    noise = _noise(rng, scene, augmentation, sample_rate_hz, points, speech)
    total = (speech + noise) * microphone(rng, augmentation, sample_rate_hz, points)
    if scene.microphone is not None:
        total *= measured(scene.microphone, points)
    samples = fft.irfft(total, points)[:length]
    if happens(rng, augmentation.hum_share):
        samples += hum(rng, length, sample_rate_hz)
    if happens(rng, augmentation.gate_share):
        samples = gated(rng, samples, scene.speech, sample_rate_hz)
    if rng.uniform() < augmentation.clipping_share:
        samples = drive(samples, rng.uniform(*augmentation.clipping_db))
    return to_int16(_transmitted(rng, samples, augmentation, sample_rate_hz))


def _in_room(
    rng: np.random.RandomState,
    scene: Scene,
    augmentation: Augmentation,
    sample_rate_hz: int,
    points: int,
) -> Spectrum:
    """Return the speech as it arrives at the microphone, complex64 [points // 2 + 1]."""
    speech: Spectrum = fft.rfft(scene.speech, points)
    if scene.room is not None:
        speech *= measured(scene.room, points)
    elif rng.uniform() < augmentation.room_share:
        speech *= room(rng, augmentation.reverberation_seconds, sample_rate_hz, points)
    active = np.count_nonzero(scene.speech)
    speech *= _gain_to(rng.uniform(*augmentation.level_dbfs), _power(speech, points, active))
    return speech


def _noise(
    rng: np.random.RandomState,
    scene: Scene,
    augmentation: Augmentation,
    sample_rate_hz: int,
    points: int,
    speech: Spectrum,
) -> Spectrum:
    """Return the noise at its level beside `speech`, complex64 [points // 2 + 1]."""
    length = len(scene.speech)
    active = np.count_nonzero(scene.speech)
    if scene.noise is None:
        noise, heard = synthetic_spectrum(rng, points, sample_rate_hz), points
    else:
        noise, heard = fft.rfft(scene.noise, points), length
    power = _power(noise, points, heard)
    if happens(rng, augmentation.quiet_share):
        gain = _gain_to(rng.uniform(*QUIET_FLOOR_DBFS), power)
    elif active:
        snr_db = rng.uniform(*_snr_range(rng, augmentation))
        gain = _gain(_power(speech, points, active) / 10 ** (snr_db / 10), power)
    else:
        gain = _gain_to(rng.uniform(*NOISE_ALONE_DBFS), power)
    noise *= gain
    return noise


def _transmitted(
    rng: np.random.RandomState, samples: Signal, augmentation: Augmentation, sample_rate_hz: int
) -> Signal:
    """Return what a telephone line or a codec leaves, for the shares of clips that meet one."""
    kind = rng.uniform()
    if kind < augmentation.companding_share:
        return transcode(rng, samples, sample_rate_hz, MU_LAW)
    if kind < augmentation.companding_share + augmentation.codec_share:
        return transcode(rng, samples, sample_rate_hz, draw_codec(rng))
    return samples


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


def measured(response: Signal, points: int) -> Spectrum:
    """Return the transfer function of an impulse response, complex64 [points // 2 + 1].

    Its highest peak is moved to the beginning, so that nothing is heard later; unit energy.
    response: float32 [samples], of any scale.
    """
    peak = int(np.argmax(np.abs(response)))
    sound = response[peak : peak + points].astype(np.float32)
    spectrum: Spectrum = fft.rfft(sound / np.sqrt(np.sum(np.square(sound))), points)
    return spectrum


def happens(rng: np.random.RandomState, share: float) -> bool:
    """Draw whether something of this share happens; what never happens draws nothing."""
    return share > 0.0 and bool(rng.uniform() < share)


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


def drive(samples: Signal, over_db: float) -> Signal:
    """Return samples raised until their peak is `over_db` over full scale, then clipped.

    samples and result: float32 [samples] in int16 units.
    """
    peak = float(np.abs(samples).max())
    if peak <= 0.0:
        return samples
    gain = FULL_SCALE * 10 ** (over_db / 20) / peak
    return np.clip(samples * gain, -FULL_SCALE, FULL_SCALE - 1)


def _snr_range(rng: np.random.RandomState, augmentation: Augmentation) -> Range:
    return CLEAN_SNR_DB if rng.uniform() < augmentation.clean_share else augmentation.snr_db


def _power(spectrum: Spectrum, points: int, length: int) -> float:
    """Return the mean square, over `length` samples, of a signal of `points` (Parseval)."""
    return 2.0 * float(np.vdot(spectrum, spectrum).real) / points / length if length else 0.0


def _gain_to(level_dbfs: float, power: float) -> float:
    return _gain(10 ** (level_dbfs / 10) * FULL_SCALE**2, power)


def _gain(wanted_power: float, power: float) -> float:
    return float(np.sqrt(wanted_power / power)) if power else 0.0
