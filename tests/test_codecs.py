"""Codecs keep length, place and level, and lose what they are known to lose."""

import numpy as np
import pytest
from scipy import signal

from models.clips.codecs import CODECS, MU_LAW, Codec, draw_codec, transcode

RATE = 16000
ALL = [MU_LAW, *(codec for _, codec in CODECS)]


def speech_like(seconds: float) -> np.ndarray:
    """Return a voiced sound of a second's bursts, float32 in int16 units."""
    times = np.arange(int(seconds * RATE)) / RATE
    voice = sum(np.sin(2 * np.pi * 130 * n * times + n) / n for n in range(1, 40))
    bursts = signal.sosfilt(signal.butter(2, 8, fs=RATE, output="sos"), np.sin(9 * times) > 0.3)
    return (2500 * voice * bursts).astype(np.float32)


@pytest.mark.parametrize("codec", ALL, ids=lambda codec: f"{codec.subtype} {codec.sample_rate_hz}")
def test_sound_stays_where_it_was_and_as_loud(codec: Codec) -> None:
    samples = speech_like(2.0)
    coded = transcode(np.random.RandomState(3), samples, RATE, codec)
    assert coded.shape == samples.shape
    assert coded.dtype == np.float32
    level_db = 10 * np.log10(np.mean(coded**2) / np.mean(samples**2))
    assert abs(level_db) < 3
    envelopes = [np.convolve(np.abs(x), np.ones(160) / 160, "same") for x in (samples, coded)]
    envelopes = [envelope - envelope.mean() for envelope in envelopes]
    lags = signal.correlation_lags(len(samples), len(samples))
    lag = lags[np.argmax(signal.correlate(*envelopes))]
    assert abs(lag) <= 0.005 * RATE
    assert not np.array_equal(coded, samples)


def test_telephone_codecs_cut_what_is_above_4_khz() -> None:
    samples = np.random.default_rng(0).normal(0, 2000, RATE).astype(np.float32)
    coded = transcode(np.random.RandomState(3), samples, RATE, MU_LAW)
    frequencies, power = signal.welch(coded, RATE, nperseg=512)
    assert power[frequencies > 4300].max() < 1e-3 * power[frequencies < 3500].mean()


def test_loud_and_silent_clips_pass() -> None:
    rng = np.random.RandomState(1)
    for codec in ALL:
        loud = transcode(rng, 40_000 * np.sign(speech_like(0.5)), RATE, codec)
        assert np.isfinite(loud).all()
        silent = transcode(rng, np.zeros(RATE // 2, np.float32), RATE, codec)
        assert np.abs(silent).max() < 40  # GSM leaves a faint hiss


def test_codecs_are_drawn_by_their_shares() -> None:
    rng = np.random.RandomState(0)
    drawn = [draw_codec(rng) for _ in range(4000)]
    for share, codec in CODECS:
        assert drawn.count(codec) / len(drawn) == pytest.approx(share, abs=0.03)
