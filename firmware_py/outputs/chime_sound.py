"""The samples of the chime that a site chose."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware_py.audio import Resampler, open_recording, read_blocks
from firmware_py.chime import make_chime
from firmware_py.errors import SettingsError
from firmware_py.level import FULL_SCALE, to_int16
from firmware_py.sound_files.sound import MIX

LONGEST_SECONDS = 10.0

MakeSound = Callable[[int], NDArray[np.int16]]
"""Returns the sound for a sample rate in Hz: int16 [samples]."""


def sound_maker(sound: str, volume: float) -> MakeSound:
    """Return what makes the sound at a rate in Hz, int16 [samples].

    sound: built-in, or a WAV or FLAC file. Raises AudioError or SettingsError for a bad one.
    """
    if sound == "built-in":
        return lambda rate_hz: to_int16(FULL_SCALE * volume * make_chime(rate_hz))
    recording = open_recording(Path(sound))
    if recording.seconds > LONGEST_SECONDS:
        raise SettingsError(
            f"chime.sound is {recording.seconds:.1f} s long; the longest is {LONGEST_SECONDS:g} s"
        )
    samples = np.concatenate(list(read_blocks(recording.path, MIX)))
    return lambda rate_hz: _at_rate(samples, recording.sample_rate_hz, rate_hz, volume)


def _at_rate(
    samples: NDArray[np.int16], from_hz: int, to_hz: int, volume: float
) -> NDArray[np.int16]:
    if from_hz != to_hz:
        samples = Resampler(from_hz, to_hz).process(samples, last=True)
    return to_int16(samples * volume)
