"""What a microphone hears of a scene: levels, noise, and other takes made of one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import signal

from models.clips.augmentation import Scene, record
from models.clips.noise import coloured_noise
from models.clips.variations import at_speed, fragment
from models.recordings.sources import BankRecording
from models.settings.recipe import Augmentation

RATE = 16000
PLAIN = Augmentation(
    room_share=0,
    equaliser_db=0,
    low_pass_share=0,
    high_pass_hz=(1e-3, 1e-3),
    clipping_share=0,
    companding_share=0,
    codec_share=0,
    clean_share=0,
)


def tone(frequency_hz: float, seconds: float, amplitude: float = 3000) -> np.ndarray:
    times = np.arange(int(seconds * RATE)) / RATE
    return (amplitude * np.sin(2 * np.pi * frequency_hz * times)).astype(np.float32)


def power_at(samples: np.ndarray, frequency_hz: float) -> float:
    frequencies, power = signal.periodogram(samples.astype(float), RATE, "hann")
    return float(power[np.abs(frequencies - frequency_hz) < 20].sum() * frequencies[1])


@pytest.mark.parametrize(("level_dbfs", "snr_db"), [(-20.0, 10.0), (-40.0, 0.0), (-12.0, 25.0)])
def test_speech_has_its_level_and_noise_its_ratio(level_dbfs: float, snr_db: float) -> None:
    speech = np.zeros(4 * RATE, np.float32)
    speech[RATE : 3 * RATE] = tone(400, 2)
    noise = tone(1500, 4, 7)
    augmentation = replace(PLAIN, level_dbfs=(level_dbfs,) * 2, snr_db=(snr_db,) * 2)
    heard = record(np.random.RandomState(1), Scene(speech, noise), augmentation, RATE)
    during = heard[RATE : 3 * RATE]
    loudness = 10 * np.log10(power_at(during, 400) / 32768**2)
    assert loudness == pytest.approx(level_dbfs, abs=0.3)
    ratio = 10 * np.log10(power_at(during, 400) / power_at(during, 1500))
    assert ratio == pytest.approx(snr_db, abs=0.3)


def test_synthetic_noise_has_the_ratio_too() -> None:
    augmentation = replace(PLAIN, level_dbfs=(-15.0, -15.0), snr_db=(6.0, 6.0))
    scene = Scene(tone(400, 4), None)
    heard = record(np.random.RandomState(4), scene, augmentation, RATE).astype(float)
    tone_power = power_at(heard, 400)
    ratio = 10 * np.log10(tone_power / (np.mean(heard**2) - tone_power))
    assert ratio == pytest.approx(6, abs=0.7)  # the tone's bins hold a little of the noise


def test_a_clip_without_speech_is_noise_alone() -> None:
    silence = Scene(np.zeros(RATE, np.float32), None)
    levels = []
    for seed in range(30):
        heard = record(np.random.RandomState(seed), silence, PLAIN, RATE).astype(float)
        levels.append(10 * np.log10(np.mean(heard**2) / 32768**2))
    assert min(levels) < -45
    assert max(levels) > -25


def test_every_transmission_keeps_the_length() -> None:
    augmentation = Augmentation(companding_share=0.5, codec_share=0.5)
    for seed in range(12):
        scene = Scene(tone(300, 1), None)
        heard = record(np.random.RandomState(seed), scene, augmentation, RATE)
        assert heard.shape == (RATE,)
        assert heard.dtype == np.int16
        assert heard.any()


def test_coloured_noise_falls_by_a_slope_from_white_to_brown() -> None:
    slopes = []
    for seed in range(60):
        noise = coloured_noise(np.random.RandomState(seed), 4 * RATE)
        frequencies, power = signal.welch(noise, RATE, nperseg=2048)
        inside = (frequencies > 100) & (frequencies < 6000)
        slopes.append(-np.polyfit(np.log(frequencies[inside]), np.log(power[inside]), 1)[0])
    assert min(slopes) < 0.3
    assert max(slopes) > 1.6


WORD = BankRecording(tone(1000, 1).astype(np.int16), 4000, 12000, 3, Path("word.wav"))


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_a_faster_take_is_shorter_and_higher(factor: float) -> None:
    changed = at_speed(WORD, factor)
    assert len(changed.samples) == pytest.approx(RATE / factor, abs=2)
    assert changed.word_start == pytest.approx(4000 / factor, abs=1)
    assert changed.word_end == pytest.approx(12000 / factor, abs=1)
    assert power_at(changed.samples, 1000 * factor) > 0.99 * np.mean(
        changed.samples.astype(float) ** 2
    )
    assert changed.samples.dtype == np.int16
    assert (changed.fold, changed.file) == (WORD.fold, WORD.file)


def test_a_fragment_holds_only_a_part_of_the_word() -> None:
    ramp = replace(WORD, samples=np.arange(1, RATE + 1, dtype=np.int16))
    beginnings = 0
    for seed in range(40):
        part = fragment(np.random.RandomState(seed), ramp, (0.25, 0.6)).samples
        begins = part[1000] == ramp.samples[1000]
        kept, edge = (ramp.word_start, part[-1]) if begins else (4000, part[0])
        assert 0.25 * 8000 - 1 <= len(part) - kept <= 0.6 * 8000 + 1
        assert edge == 0
        inner = part[:-64] if begins else part[64:]
        assert (np.diff(inner) == 1).all()
        beginnings += begins
    assert 10 < beginnings < 30
    assert np.array_equal(ramp.samples, np.arange(1, RATE + 1))  # the take itself stays whole
