"""The chime that answers, and laying it over a recording."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware_py.audio import open_recording, read_channels
from firmware_py.errors import AudioError

CHIME_SECONDS = 0.5
PEAK = 0.5
_NOTES = ((0.0, 783.99), (0.11, 1174.66))  # start in seconds, Hz: G5, then the fifth above it
_PARTIALS = ((1.0, 1.0, 7.0), (2.0, 0.35, 10.0), (3.01, 0.12, 16.0))  # ratio, level, decay per s


def make_chime(sample_rate_hz: int) -> NDArray[np.float64]:
    """Return two soft bell notes, float64 [samples], peak PEAK of full scale."""
    times = np.arange(round(CHIME_SECONDS * sample_rate_hz)) / sample_rate_hz
    chime = np.zeros(len(times))
    for start, pitch_hz in _NOTES:
        local = np.maximum(0.0, times - start)
        attack = np.minimum(1.0, local / 0.006)
        for ratio, level, decay in _PARTIALS:
            tone = np.sin(2 * np.pi * pitch_hz * ratio * local)
            chime += attack * level * np.exp(-decay * local) * tone
    chime *= np.minimum(1.0, (times[-1] - times) / 0.08)
    chime *= PEAK / np.abs(chime).max()
    return chime


def write_with_chimes(source: Path, target: Path, times_seconds: Sequence[float]) -> None:
    """Write the recording `source` to the 16-bit WAV `target` with a chime at each time.

    Under a chime the recording is turned down by as much as the chime takes, so that the sum
    cannot clip. Rate and channels stay; memory does not grow with the length. A chime at the
    very end lengthens the recording.
    """
    import soundfile

    recording = open_recording(source)
    if target.resolve() == source.resolve():
        raise AudioError(f"{target}: this is the recording itself; write to another file")
    chime = make_chime(recording.sample_rate_hz)
    starts = sorted(round(time * recording.sample_rate_hz) for time in times_seconds)
    end = max(recording.num_samples, (starts[-1] + len(chime)) if starts else 0)
    tail = np.zeros((end - recording.num_samples, recording.num_channels))
    try:
        file = soundfile.SoundFile(
            target, "w", recording.sample_rate_hz, recording.num_channels, "PCM_16", format="WAV"
        )
    except (soundfile.LibsndfileError, OSError) as error:
        raise AudioError(f"{target}: cannot write the recording ({error})") from error
    with file:
        position = 0
        for block in _followed_by(read_channels(source), tail):
            _overlay(block, position, starts, chime)
            try:
                file.write(block)
            except soundfile.LibsndfileError as error:
                raise AudioError(f"{target}: cannot write all of it; is the disk full?") from error
            position += len(block)


def _followed_by(
    blocks: Iterable[NDArray[np.float64]], tail: NDArray[np.float64]
) -> Iterable[NDArray[np.float64]]:
    yield from blocks
    if len(tail):
        yield tail


def _overlay(
    block: NDArray[np.float64], position: int, starts: Sequence[int], chime: NDArray[np.float64]
) -> None:
    """Add to `block`, whose first sample is number `position`, the parts of chimes in it."""
    duck = 1.0 - _envelope(chime)
    for start in starts:
        first, last = max(start, position), min(start + len(chime), position + len(block))
        if first < last:
            here = slice(first - position, last - position)
            part = slice(first - start, last - start)
            block[here] = block[here] * duck[part, None] + chime[part, None]


def _envelope(chime: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a smooth curve that |chime| never exceeds, same shape."""
    ramp = max(1, len(chime) // 50)
    padded = np.pad(np.abs(chime), ramp)
    peaks = np.lib.stride_tricks.sliding_window_view(padded, 2 * ramp + 1).max(axis=1)
    envelope = np.convolve(np.pad(peaks, ramp // 2, mode="edge"), np.ones(ramp) / ramp, "same")
    inner = envelope[ramp // 2 : ramp // 2 + len(chime)]
    result: NDArray[np.float64] = np.maximum(inner, np.abs(chime))
    return result
