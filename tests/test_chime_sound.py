"""The sound that a site chose, at the speaker's rate."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from firmware_py.chime import make_chime
from firmware_py.errors import AudioError, SettingsError
from firmware_py.outputs.chime_sound import sound_maker


def test_the_built_in_one_at_half_its_level() -> None:
    samples = sound_maker("built-in", 0.5)(48000)
    np.testing.assert_allclose(samples, make_chime(48000) * 16384, atol=0.51)


def test_a_recording_is_mixed_and_resampled(tmp_path: Path) -> None:
    times = np.arange(22050) / 22050
    tone = 0.5 * np.sin(2 * np.pi * 600 * times)
    soundfile.write(tmp_path / "ding.flac", np.stack([tone, np.zeros(22050)], axis=1), 22050)
    samples = sound_maker(str(tmp_path / "ding.flac"), 1.0)(48000)
    assert len(samples) == pytest.approx(48000, abs=2)
    spectrum = np.abs(np.fft.rfft(samples))
    assert spectrum.argmax() == pytest.approx(600, abs=1)
    assert np.abs(samples[4800:-4800]).max() == pytest.approx(0.25 * 32768, rel=0.01)


def test_what_is_no_chime(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "song.wav", np.zeros(16000 * 11), 16000)
    with pytest.raises(SettingsError, match=r"11\.0 s long; the longest is 10 s"):
        sound_maker(str(tmp_path / "song.wav"), 1.0)
    with pytest.raises(AudioError, match="no such file"):
        sound_maker(str(tmp_path / "none.wav"), 1.0)
