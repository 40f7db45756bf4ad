"""Sound files of all formats that libsndfile knows, from a disk or through a pipe."""

import logging
import os
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from firmware_py.errors import AudioError
from firmware_py.sound_files.containers import (
    HEAD_BYTES,
    UNKNOWN_SIZES,
    holds_mp3,
    unfinished,
    wav_header,
)
from firmware_py.sound_files.forward_file import ForwardFile
from firmware_py.sound_files.sound import Sound

if TYPE_CHECKING:
    import soundfile

FILE_VALUES = 1 << 15
"""Samples of all channels that are read from a file at a time."""
PIPE_VALUES = 1 << 11
"""The same for a pipe: somebody waits at its other end."""

UNKNOWN_LENGTH = 1 << 62
"""What libsndfile gives, about, for the length of a FLAC file whose header has none."""

log = logging.getLogger(__name__)


class DecodedSound(Sound):
    """A sound file that is open."""

    def __init__(
        self, file: "soundfile.SoundFile", name: str, length: int | None, source: ForwardFile | None
    ) -> None:
        super().__init__(name, file.samplerate, file.channels)
        self.length = length
        """Samples a channel by the header; None where it cannot be trusted."""
        self._file = file
        self._source = source
        self._block_length = max(1, (PIPE_VALUES if source else FILE_VALUES) // file.channels)

    def channels(self) -> Iterator[NDArray[np.float64]]:
        count = 0
        while len(block := self._read()):
            if not np.isfinite(block).all():
                raise AudioError(
                    f"{self.name}: some samples are not numbers (NaN); export it again"
                )
            count += len(block)
            yield block
        self._check_end(count)

    def _read(self) -> NDArray[np.float64]:
        import soundfile

        try:
            block: NDArray[np.float64] = self._file.read(
                self._block_length, dtype="float64", always_2d=True
            )
        except soundfile.LibsndfileError as error:
            raise AudioError(
                f"{self.name}: the file is damaged ({_reason(error)}); copy it again"
            ) from error
        if self._source and self._source.error:
            raise self._source.error
        return block

    def _check_end(self, count: int) -> None:
        if self.length is not None and count < self.length:
            missing = self.length - count
            raise AudioError(f"{self.name}: the file ends {missing} samples early; copy it again")
        if not count:
            raise AudioError(f"{self.name}: the recording holds no samples; record it again")
        if self._source and holds_mp3(self._source.read(HEAD_BYTES)):
            raise AudioError(
                f"{self.name}: it goes on after the {count / self.sample_rate_hz:.1f} s that its"
                f" header announces; {_conversion(self.name)}"
            )


@contextmanager
def open_file(descriptor: int, name: str) -> Iterator[DecodedSound]:
    """Give the sound file behind a descriptor that can seek; raises AudioError."""
    size = os.fstat(descriptor).st_size
    if not size:
        raise AudioError(f"{name}: the file is empty; record or copy it again")
    head = os.pread(descriptor, HEAD_BYTES, 0)
    header = wav_header(head)
    if header and header.is_unfinished(os.pread(descriptor, 4, header.end)):
        _warn_unfinished(name)
        with _open_forwards(descriptor, unfinished(head, header), name) as sound:
            yield sound
        return
    with _open(descriptor, name) as file:
        if not file.subtype.startswith("MPEG"):
            yield DecodedSound(file, name, _length(file, name), None)
            return
    with _open_forwards(descriptor, head, name) as sound:  # its length is an estimate
        yield sound


@contextmanager
def open_pipe(stream: BinaryIO, head: bytes, name: str) -> Iterator[DecodedSound]:
    """Give the sound file that comes through a pipe; raises AudioError.

    head: bytes that have been taken from the stream already.
    """
    if not head:
        raise AudioError(f"{name}: nothing came; start what should write to it")
    header = wav_header(head)
    if header and header.is_unfinished(behind=b""):
        head = unfinished(head, header)
    source = ForwardFile(stream, head)
    with _open(source, name) as file:
        source.begin()
        is_announced = file.frames * file.channels * 8 < UNKNOWN_SIZES
        is_announced &= not file.subtype.startswith("MPEG") and file.format != "OGG"
        yield DecodedSound(file, name, file.frames if is_announced else None, source)


@contextmanager
def _open_forwards(descriptor: int, head: bytes, name: str) -> Iterator[DecodedSound]:
    """Give a file whose length must not be believed, as if it came through a pipe."""
    os.lseek(descriptor, len(head), os.SEEK_SET)
    with (
        os.fdopen(descriptor, "rb", closefd=False) as stream,
        open_pipe(stream, head, name) as sound,
    ):
        yield sound


@contextmanager
def _open(source: int | ForwardFile, name: str) -> "Iterator[soundfile.SoundFile]":
    import soundfile

    try:
        file = soundfile.SoundFile(source, closefd=False)
    except soundfile.LibsndfileError as error:
        if isinstance(source, ForwardFile) and source.error:
            raise source.error from error
        raise AudioError(
            f"{name}: no recording in a known format ({_reason(error)}); {_conversion(name)}"
        ) from error
    # soundfile would seek after each read of what can seek: slow, and wrong for MP3.
    file.seekable = lambda: False
    with file:
        yield file


def _length(file: "soundfile.SoundFile", name: str) -> int | None:
    """Return the samples that a file announces, None if that cannot be trusted.

    Raises AudioError if the file is cut short.
    """
    announced, present = _data_sizes(file.extra_info)
    if file.frames >= UNKNOWN_LENGTH or announced >= UNKNOWN_SIZES > present:
        _warn_unfinished(name)
        return None
    if present < announced:
        raise AudioError(f"{name}: the file is cut short; copy it again")
    return int(file.frames)


def _data_sizes(log_text: str) -> tuple[int, int]:
    """Return the bytes of samples that a WAV announces and holds, by libsndfile's log."""
    match = re.search(r"^data : (\d+) \(should be (\d+)\)", log_text, re.MULTILINE)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _warn_unfinished(name: str) -> None:
    log.warning("%s: its header was never finished; it is heard to its end", name)


def _reason(error: "soundfile.LibsndfileError") -> str:
    return str(error.error_string).strip().rstrip(".") or f"error {error.code}"


def _conversion(name: str) -> str:
    return f"convert it with: ffmpeg -i {shlex.quote(name)} OUT.wav"
