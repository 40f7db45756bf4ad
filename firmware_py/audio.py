"""Recordings and sample rates: blocks of samples from files and from pipes.

The libraries for files and for rates are loaded when they are needed: a live stream at the
model's own rate does without.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from firmware_py.errors import AudioError
from firmware_py.level import FULL_SCALE, to_int16
from firmware_py.sound_files.containers import is_sound_file
from firmware_py.sound_files.decoded import DecodedSound, open_file, open_pipe
from firmware_py.sound_files.sound import RawSound, Sound

BLOCK_LENGTH = 1 << 15
"""Samples of a recording that judges hand over at a time."""

BEGINNING_BYTES = 1 << 12
"""Of a pipe: three frames of an MP3, and 0.13 s of raw samples at 16 kHz."""


def blocks_of(samples: NDArray[np.int16]) -> Iterator[NDArray[np.int16]]:
    """Yield a recording, int16 [samples], in blocks as a file is read."""
    for start in range(0, len(samples), BLOCK_LENGTH):
        yield samples[start : start + BLOCK_LENGTH]


@dataclass(frozen=True)
class Recording:
    """What a sound file says of itself."""

    path: Path
    sample_rate_hz: int
    num_channels: int
    announced_samples: int | None
    """By its header; None where that cannot know: MP3, and one that was never finished."""

    @cached_property
    def num_samples(self) -> int:
        """Samples a channel; counted, which takes time, where the header does not tell."""
        if self.announced_samples is not None:
            return self.announced_samples
        return sum(map(len, read_channels(self.path)))

    @property
    def seconds(self) -> float:
        return self.num_samples / self.sample_rate_hz


def open_recording(path: Path | str) -> Recording:
    """Return what the sound file at `path` holds.

    Raises AudioError as `open_sound`, and for a pipe: it could not be read a second time.
    """
    with _opened(Path(path)) as (descriptor, is_file):
        if not is_file:
            raise AudioError(f"{path}: a pipe can be read only once; write it to a file first")
        with open_file(descriptor, str(path)) as sound:
            return Recording(Path(path), sound.sample_rate_hz, sound.num_channels, sound.length)


@contextmanager
def open_sound(path: Path | str) -> Iterator[DecodedSound]:
    """Give the WAV, FLAC, Ogg, MP3, AIFF or other file at `path` to be read; it may be a pipe.

    One whose header was never finished is heard to its end, and the log says so.
    Raises AudioError when it is missing, in no known format, cut short, or empty.
    """
    with _opened(Path(path)) as (descriptor, is_file):
        if is_file:
            with open_file(descriptor, str(path)) as sound:
                yield sound
        else:
            with (
                os.fdopen(descriptor, "rb", closefd=False) as stream,
                open_pipe(stream, _beginning(stream), str(path)) as sound,
            ):
                yield sound


@contextmanager
def open_stream(
    stream: BinaryIO, sample_rate_hz: int | None, num_channels: int = 1
) -> Iterator[Sound]:
    """Give what comes through standard input: a sound file of any format, or raw int16 samples.

    sample_rate_hz, num_channels: of raw samples; a file tells its own. Raises AudioError as
    `open_sound`, and for raw samples without a rate.
    """
    name = "-"
    head = _beginning(stream)
    if is_sound_file(head):
        with open_pipe(stream, head, name) as sound:
            yield sound
        return
    if sample_rate_hz is None:
        raise AudioError(
            "raw PCM on standard input has no header; give its rate with --rate HZ, or send a WAV"
        )
    yield RawSound(stream, name, sample_rate_hz, num_channels, head)


def read_blocks(path: Path | str, channel: int = 1) -> Iterator[NDArray[np.int16]]:
    """Yield the recording as mono int16 blocks [samples]; memory does not grow with its length.

    channel: counted from 1, or MIX. Raises AudioError as `open_sound` and `Sound.mono`.
    """
    with open_sound(path) as sound:
        yield from sound.mono(channel)


def read_channels(path: Path | str) -> Iterator[NDArray[np.float64]]:
    """Yield blocks of all channels, float64 [samples, channels] with full scale 1."""
    with open_sound(path) as sound:
        yield from sound.channels()


def mean_square(path: Path | str) -> float:
    """Return the mean square over all samples of all channels, in int16 units."""
    total, count = 0.0, 0
    for block in read_channels(path):
        total += float(np.sum(np.square(to_int16(block * FULL_SCALE), dtype=np.float64)))
        count += block.size
    return total / count


class Resampler:
    """Changes the rate of a mono stream, whatever its chunks."""

    def __init__(self, from_rate_hz: int, to_rate_hz: int) -> None:
        import soxr

        self._stream = soxr.ResampleStream(from_rate_hz, to_rate_hz, 1, dtype="float32")

    def process(self, chunk: NDArray[np.int16], *, last: bool = False) -> NDArray[np.int16]:
        """Return the resampled samples that are ready, int16 [any length]; chunk: the same."""
        resampled = self._stream.resample_chunk(chunk.astype(np.float32), last=last)
        return to_int16(resampled)

    def flush(self) -> NDArray[np.int16]:
        """End the stream and return its last samples, int16 [n]."""
        return self.process(np.zeros(0, np.int16), last=True)


def _beginning(stream: BinaryIO) -> bytes:
    """Return the first bytes of a stream: no more than tell what it is, since it may be live."""
    head = b""
    while len(head) < BEGINNING_BYTES:
        read: bytes = stream.read1(BEGINNING_BYTES)  # type: ignore[attr-defined]
        if not read:
            break
        head += read
    return head


@contextmanager
def _opened(path: Path) -> Iterator[tuple[int, bool]]:
    """Give a descriptor of what is at `path`, and whether it is a file rather than a pipe."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise AudioError(f"{path}: there is no such file; check the path") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise AudioError(f"{path}: it cannot be read: {reason}") from error
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise AudioError(f"{path}: this is a folder; name a sound file in it")
        yield descriptor, stat.S_ISREG(mode)
    finally:
        os.close(descriptor)
