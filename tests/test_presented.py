"""What the detector hears of a clip: its background goes on, noise and level are as asked."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from scipy import signal

from firmware_py.errors import AudioError
from models.evaluation.background import active_part, continued_background
from models.evaluation.conditions import Condition, all_conditions
from models.evaluation.presented import LEAD_IN_SECONDS, TAIL_SECONDS, PresentedClip, present
from models.evaluation.selection import EvaluationClip

RATE_HZ = 16000


def noise(seconds: float, rms: float, seed: int = 0) -> NDArray[np.float64]:
    random = np.random.default_rng(seed)
    return rms * random.standard_normal(round(seconds * RATE_HZ))


def word_in_noise(background_rms: float = 10.0) -> NDArray[np.int16]:
    """Return 2 s of noise with a loud sound from 0.5 to 1.2 s."""
    samples = noise(2.0, background_rms)
    samples[8000:19200] += noise(0.7, 3000.0, seed=1)
    return np.rint(samples).astype(np.int16)


@pytest.fixture
def clip(tmp_path: Path) -> EvaluationClip:
    soundfile.write(tmp_path / "word.wav", word_in_noise(), RATE_HZ, "PCM_16")
    return EvaluationClip(tmp_path / "word.wav", "words")


@pytest.fixture
def hiss(tmp_path: Path) -> Path:
    """Noise that changes its loudness, with a silent stretch."""
    samples = np.concatenate((noise(3, 500, 3), noise(3, 2000, 4), np.zeros(16000)))
    soundfile.write(tmp_path / "hiss.flac", np.rint(samples).astype(np.int16), RATE_HZ)
    return tmp_path / "hiss.flac"


def test_active_part_is_the_loud_part() -> None:
    assert active_part(word_in_noise(), RATE_HZ) == pytest.approx((0.5, 1.2), abs=0.021)


def test_active_part_leaves_a_click_out() -> None:
    samples = word_in_noise()
    samples[28000:28050] = 20000
    assert active_part(samples, RATE_HZ)[1] == pytest.approx(1.2, abs=0.021)


def test_steady_noise_is_active_as_a_whole() -> None:
    samples = np.rint(noise(1.0, 300)).astype(np.int16)
    assert active_part(samples, RATE_HZ) == (0.0, 1.0)


@pytest.mark.parametrize("background_rms", [3.0, 40.0])
def test_background_goes_on_at_its_level(background_rms: float) -> None:
    more = continued_background(
        word_in_noise(background_rms), RATE_HZ, RATE_HZ, np.random.default_rng(7)
    )
    assert len(more) == RATE_HZ
    assert np.sqrt(np.mean(more**2)) == pytest.approx(background_rms, rel=0.15)


def test_background_goes_on_with_its_spectrum() -> None:
    low_pass = signal.butter(4, 500, fs=RATE_HZ, output="sos")
    samples = signal.sosfilt(low_pass, noise(2.0, 2000))
    more = continued_background(
        np.rint(samples).astype(np.int16), RATE_HZ, RATE_HZ, np.random.default_rng(7)
    )
    frequencies_hz, power = signal.welch(more, RATE_HZ)
    assert power[frequencies_hz < 500].mean() > 1000 * power[frequencies_hz > 2000].mean()


def test_background_does_not_repeat() -> None:
    more = continued_background(word_in_noise(), RATE_HZ, 2 * RATE_HZ, np.random.default_rng(7))
    spectrum = np.abs(np.fft.rfft(more)) ** 2
    correlation = np.fft.irfft(spectrum)
    assert np.abs(correlation[400:RATE_HZ]).max() < 0.1 * correlation[0]


def test_dry_clip_gets_background_below_the_last_bit() -> None:
    samples = np.zeros(RATE_HZ, np.int16)
    samples[4000:9000] = 5000
    more = continued_background(samples, RATE_HZ, RATE_HZ, np.random.default_rng(7))
    assert 0.1 < np.sqrt(np.mean(more**2)) < 1.0


def test_clip_lies_between_lead_in_and_tail(clip: EvaluationClip) -> None:
    heard = present(clip)
    lead_in = round(LEAD_IN_SECONDS * RATE_HZ)
    assert np.array_equal(heard.samples[lead_in : lead_in + 2 * RATE_HZ], word_in_noise())
    assert len(heard.samples) == (LEAD_IN_SECONDS + 2 + TAIL_SECONDS) * RATE_HZ
    assert heard.word_end_seconds == pytest.approx(LEAD_IN_SECONDS + 1.2, abs=0.021)


def test_manifest_tells_where_the_word_is(clip: EvaluationClip) -> None:
    known = EvaluationClip(clip.path, "words", word_start_seconds=0.0, word_end_seconds=0.9)
    heard = present(known)
    assert (heard.word_start_seconds, heard.word_end_seconds) == (
        LEAD_IN_SECONDS,
        LEAD_IN_SECONDS + 0.9,
    )


def active_samples(heard: PresentedClip) -> slice:
    rate_hz = heard.sample_rate_hz
    return slice(round(heard.word_start_seconds * rate_hz), round(heard.word_end_seconds * rate_hz))


@pytest.mark.parametrize("snr_db", [20.0, 5.0, 0.0])
def test_noise_has_the_ratio_over_the_word(clip: EvaluationClip, hiss: Path, snr_db: float) -> None:
    clean, noisy = present(clip), present(clip, Condition(snr_db=snr_db), [hiss])
    active = active_samples(clean)
    added = noisy.samples.astype(float) - clean.samples
    powers = np.mean(clean.samples[active].astype(float) ** 2), np.mean(added[active] ** 2)
    assert 10 * np.log10(powers[0] / powers[1]) == pytest.approx(snr_db, abs=0.1)


def test_noise_is_the_same_stretch_at_every_ratio(clip: EvaluationClip, hiss: Path) -> None:
    loud, faint = (present(clip, Condition(snr_db=snr), [hiss]).samples for snr in (0.0, 20.0))
    clean = present(clip).samples.astype(float)
    assert np.corrcoef(loud - clean, faint - clean)[0, 1] > 0.99


@pytest.mark.parametrize("level_dbfs", [-45.0, -25.0])
def test_word_is_brought_to_the_level(clip: EvaluationClip, level_dbfs: float) -> None:
    heard = present(clip, Condition(level_dbfs=level_dbfs))
    rms = np.sqrt(np.mean((heard.samples[active_samples(heard)] / 32768) ** 2))
    assert 20 * np.log10(rms) == pytest.approx(level_dbfs, abs=0.1)


def test_a_loud_level_clips_as_a_converter_does(clip: EvaluationClip) -> None:
    heard = present(clip, Condition(level_dbfs=-6.0))
    assert heard.samples.max() == 32767
    assert heard.samples.min() == -32768


def test_another_microphone_rate_keeps_the_times(clip: EvaluationClip) -> None:
    heard = present(clip, Condition(rate_hz=44100))
    assert heard.sample_rate_hz == 44100
    assert len(heard.samples) == pytest.approx(4 * 44100, abs=2)
    assert heard.word_end_seconds == present(clip).word_end_seconds


def test_same_seed_same_samples(clip: EvaluationClip, hiss: Path) -> None:
    noisy = Condition(snr_db=10.0)
    first, again = (present(clip, noisy, [hiss], seed=3).samples for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, present(clip, noisy, [hiss], seed=4).samples)


def test_silence_is_no_clip(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silent.wav", np.zeros(8000, np.int16), RATE_HZ)
    with pytest.raises(AudioError, match=r"silent\.wav: the clip is digital silence"):
        present(EvaluationClip(tmp_path / "silent.wav", "words"))


@pytest.mark.parametrize("count", [1, 50, 1500])
def test_a_blip_is_no_clip(tmp_path: Path, count: int) -> None:
    soundfile.write(tmp_path / "blip.wav", np.full(count, 500, np.int16), RATE_HZ)
    with pytest.raises(AudioError, match=r"blip\.wav: the clip is 0\.\d+ s long"):
        present(EvaluationClip(tmp_path / "blip.wav", "words"))


@pytest.mark.parametrize("count", [1, 50, 400, 1600])
def test_the_shortest_sounds_have_an_active_part(count: int) -> None:
    start, end = active_part(np.full(count, 500, np.int16), RATE_HZ)
    assert 0.0 <= start < end <= max(count / RATE_HZ, 0.01)


def test_conditions_are_named() -> None:
    names = [condition.name for condition in all_conditions([10], [-45], [44100])]
    assert names == ["as recorded", "noise 10 dB", "level -45 dBFS", "44100 Hz"]
