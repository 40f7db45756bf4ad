"""Recordings and sample rates: blocks of int16 samples from files and from pipes.

The libraries for files and for rates are loaded when they are needed: a live stream at the
model's own rate does without.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from firmware_py.errors import AudioError
from firmware_py.level import FULL_SCALE, to_int16

if TYPE_CHECKING:
    import soundfile

BLOCK_LENGTH = 1 << 15
"""Samples read at a time."""

UNKNOWN_LENGTH = 1 << 62
"""What libsndfile gives, about, for the length of a FLAC file whose header has none."""

ChannelChoice = Literal["first", "mix"]


@dataclass(frozen=True)
class Recording:
    """What a sound file says of itself."""

    path: Path
    sample_rate_hz: int
    num_channels: int
    num_samples: int

    @property
    def seconds(self) -> float:
        return self.num_samples / self.sample_rate_hz


def open_recording(path: Path | str) -> Recording:
    """Return what the WAV, FLAC or Ogg file at `path` holds.

    Raises AudioError when it is missing, no sound file, cut short, or empty.
    """
    with _open(Path(path)) as file:
        return Recording(Path(path), file.samplerate, file.channels, file.frames)


def read_blocks(path: Path | str, channel: ChannelChoice = "first") -> Iterator[NDArray[np.int16]]:
    """Yield the recording as mono int16 blocks; memory does not grow with its length.

    channel: the first one, or the mean of all.
    Raises AudioError as `open_recording`, and for samples that are not numbers.
    """
    for block in read_channels(path):
        mono = block[:, 0] if channel == "first" else block.mean(axis=1)
        yield to_int16(mono * FULL_SCALE)


def read_channels(path: Path | str) -> Iterator[NDArray[np.float64]]:
    """Yield blocks of all channels, float64 [samples, channels] with full scale 1."""
    import soundfile

    path = Path(path)
    with _open(path) as file:
        remaining = file.frames
        while remaining:
            try:
                block = file.read(BLOCK_LENGTH, dtype="float64", always_2d=True)
            except soundfile.LibsndfileError as error:
                raise AudioError(f"{path}: the file is damaged ({error}); copy it again") from error
            if not len(block):
                raise AudioError(f"{path}: the file ends {remaining} samples early; copy it again")
            if not np.isfinite(block).all():
                raise AudioError(f"{path}: some samples are not numbers (NaN); export it again")
            remaining -= len(block)
            yield block


def mean_square(path: Path | str) -> float:
    """Return the mean square over all samples of all channels, in int16 units."""
    total, count = 0.0, 0
    for block in read_channels(path):
        total += float(np.sum(np.square(to_int16(block * FULL_SCALE), dtype=np.float64)))
        count += block.size
    return total / count


def read_pcm(stream: BinaryIO) -> Iterator[NDArray[np.int16]]:
    """Yield blocks of raw little-endian int16 mono samples as they arrive."""
    odd = b""
    while data := stream.read1(2 * BLOCK_LENGTH):  # type: ignore[attr-defined]
        data = odd + data
        whole = len(data) // 2 * 2
        odd = data[whole:]
        yield np.frombuffer(data[:whole], "<i2").astype(np.int16)
    if odd:
        raise AudioError("the raw stream ends in half a sample; send 16-bit mono PCM")


class Resampler:
    """Changes the rate of a mono stream, whatever its chunks."""

    def __init__(self, from_rate_hz: int, to_rate_hz: int) -> None:
        import soxr

        self._stream = soxr.ResampleStream(from_rate_hz, to_rate_hz, 1, dtype="float32")

    def process(self, chunk: NDArray[np.int16], *, last: bool = False) -> NDArray[np.int16]:
        """Return the resampled samples that are ready, int16 [any length]."""
        resampled = self._stream.resample_chunk(chunk.astype(np.float32), last=last)
        return to_int16(resampled)

    def flush(self) -> NDArray[np.int16]:
        """End the stream and return its last samples."""
        return self.process(np.zeros(0, np.int16), last=True)


@contextmanager
def _open(path: Path) -> "Iterator[soundfile.SoundFile]":
    import soundfile

    if not path.exists():
        raise AudioError(f"{path}: there is no such file; check the path")
    if path.is_dir():
        raise AudioError(f"{path}: this is a folder; name a WAV or FLAC file in it")
    if not path.stat().st_size:
        raise AudioError(f"{path}: the file is empty; record or copy it again")
    try:
        file = soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: headerless, as .raw
        reason = getattr(error, "error_string", "it has no header").rstrip(".")
        raise AudioError(
            f"{path}: no WAV or FLAC recording ({reason}); export it as WAV"
        ) from error
    with file:
        if _data_chunk_is_short(file.extra_info):
            raise AudioError(f"{path}: the file is cut short; copy it again")
        if not file.frames:
            raise AudioError(f"{path}: the recording holds no samples; record it again")
        if file.frames >= UNKNOWN_LENGTH:
            raise AudioError(
                f"{path}: its header does not tell its length, as one written to a pipe; convert it"
                f" with: ffmpeg -i {path.name} OUT.wav"
            )
        yield file


def _data_chunk_is_short(log: str) -> bool:
    """Tell from libsndfile's log whether a WAV holds less data than its header announces.

    Headers of streamed WAVs announce 0 or about 2^31 or 2^32 bytes, which means "unknown".
    """
    match = re.search(r"^data : (\d+) \(should be (\d+)\)", log, re.MULTILINE)
    if not match:
        return False
    announced, present = int(match[1]), int(match[2])
    return present < announced < 0x7FFF0000
