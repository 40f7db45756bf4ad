"""The chime: what it sounds like, measured, and how it lies over a recording."""

import numpy as np
import pytest
import soundfile
from scipy import signal

from firmware_py.chime import PEAK, make_chime, write_with_chimes
from firmware_py.errors import AudioError


@pytest.mark.parametrize("rate_hz", [16000, 44100, 48000])
def test_two_notes_a_fifth_apart_without_clicks(rate_hz):
    chime = make_chime(rate_hz)
    assert len(chime) == rate_hz // 2
    assert np.abs(chime).max() == pytest.approx(PEAK)
    assert abs(chime[0]) < 0.01
    assert abs(chime[-1]) < 0.001
    frequencies, times, power = signal.spectrogram(chime, rate_hz, nperseg=rate_hz // 20)
    first = frequencies[power[:, np.searchsorted(times, 0.06)].argmax()]
    second = frequencies[power[:, np.searchsorted(times, 0.2)].argmax()]
    assert first == pytest.approx(784, abs=21)
    assert second == pytest.approx(1175, abs=21)


@pytest.fixture
def loud(tmp_path):
    """Two channels of a full-scale square wave: anything added to it would clip."""
    square = np.where(np.arange(100_000) // 40 % 2, 32767, -32768).astype(np.int16)
    path = tmp_path / "loud.wav"
    soundfile.write(path, np.stack((square, -(square + 1)), axis=1), 16000)
    return path


def test_chimes_do_not_clip_and_leave_the_rest_alone(loud, tmp_path):
    target = tmp_path / "out.wav"
    write_with_chimes(loud, target, [1.0, 1.2, 4.0])
    before, rate = soundfile.read(loud)
    after, rate_after = soundfile.read(target)
    assert rate_after == rate
    assert after.shape == before.shape
    outside = np.ones(len(before), bool)
    for start in (16000, 19200, 64000):
        outside[start : start + 8000] = False
    np.testing.assert_allclose(after[outside], before[outside], atol=1 / 32768)
    assert np.abs(after).max() <= 1.0
    # Where it would clip at all, the sum of both channels still holds the chime twice.
    mixed = (after - before * 0).sum(axis=1)[64000:72000]
    correlation = np.corrcoef(mixed, make_chime(16000))[0, 1]
    assert correlation > 0.99


def test_a_chime_at_the_very_end_is_heard_whole(loud, tmp_path):
    target = tmp_path / "out.wav"
    write_with_chimes(loud, target, [6.2])
    after, _ = soundfile.read(target)
    assert len(after) == round(6.2 * 16000) + 8000


def test_the_recording_itself_is_never_overwritten(loud):
    content = loud.read_bytes()
    with pytest.raises(AudioError, match="itself"):
        write_with_chimes(loud, loud, [1.0])
    assert loud.read_bytes() == content


def test_a_target_that_cannot_be_written_is_named(loud, tmp_path):
    with pytest.raises(AudioError, match="nowhere"):
        write_with_chimes(loud, tmp_path / "nowhere" / "out.wav", [1.0])
