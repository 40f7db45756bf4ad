"""A recording or a stream of samples while it is being read."""

import logging
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from firmware_py.errors import AudioError
from firmware_py.level import FULL_SCALE, LOUDEST, to_int16

LOWEST_RATE_HZ = 8_000
HIGHEST_RATE_HZ = 384_000

MIX = 0
"""Instead of a channel's number: the mean of all."""

RAW_BYTES = 1 << 16
"""Read from a stream of raw samples at a time, at most."""

log = logging.getLogger(__name__)


def check_rate(sample_rate_hz: int, where: str) -> None:
    """Raise AudioError for a sample rate that no microphone has."""
    if not LOWEST_RATE_HZ <= sample_rate_hz <= HIGHEST_RATE_HZ:
        raise AudioError(
            f"{where}: the sample rate is {str(sample_rate_hz)[:12]} Hz; it must be from"
            f" {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz"
        )


class Sound:
    """Samples that can be read once, from the beginning."""

    def __init__(self, name: str, sample_rate_hz: int, num_channels: int) -> None:
        check_rate(sample_rate_hz, name)
        self.name = name
        self.sample_rate_hz = sample_rate_hz
        self.num_channels = num_channels

    def channels(self) -> Iterator[NDArray[np.float64]]:
        """Yield blocks of all channels, float64 [samples, channels] with full scale 1."""
        raise NotImplementedError

    def mono(self, channel: int = 1) -> Iterator[NDArray[np.int16]]:
        """Yield int16 blocks [samples] of one channel, counted from 1, or of their mean: MIX.

        Raises AudioError for a channel that is not there, and for samples that are not numbers.
        The log tells why nothing is heard: a silent channel beside another, a wrong scale.
        """
        if not MIX <= channel <= self.num_channels:
            raise AudioError(
                f"{self.name}: there is no channel {channel}; the last one is {self.num_channels}"
            )
        peaks = np.zeros(self.num_channels)
        for block in self.channels():
            peaks = np.maximum(peaks, np.abs(block).max(axis=0, initial=0.0))
            mono = block.mean(axis=1) if channel == MIX else block[:, channel - 1]
            yield to_int16(mono * FULL_SCALE)
        self._warn(peaks, channel)

    def _warn(self, peaks: NDArray[np.float64], channel: int) -> None:
        loudest = int(np.argmax(peaks))
        if peaks[loudest] > LOUDEST:
            log.warning(
                "%s: the samples reach %.0f times full scale and are clipped; export it as 16-bit"
                " PCM, or as float from -1 to 1",
                self.name,
                peaks[loudest],
            )
        is_heard = peaks * FULL_SCALE >= 1.0
        if channel != MIX and is_heard[loudest] and not is_heard[channel - 1]:
            log.warning(
                "%s: channel %d is silent, channel %d is not; `detect` hears it with --channel %d",
                self.name,
                channel,
                loudest + 1,
                loudest + 1,
            )


class RawSound(Sound):
    """Raw little-endian int16 samples, their channels interleaved, as they arrive."""

    def __init__(
        self, stream: BinaryIO, name: str, sample_rate_hz: int, num_channels: int, head: bytes
    ) -> None:
        """head: bytes that have been taken from the stream already."""
        super().__init__(name, sample_rate_hz, num_channels)
        self._stream = stream
        self._head = head

    def channels(self) -> Iterator[NDArray[np.float64]]:
        width = 2 * self.num_channels
        data = self._head
        while data:
            whole = len(data) // width * width
            samples = np.frombuffer(data[:whole], "<i2").reshape(-1, self.num_channels)
            if whole:
                yield samples / FULL_SCALE
            rest = data[whole:]
            read = self._stream.read1(RAW_BYTES)  # type: ignore[attr-defined]
            if rest and not read:
                raise AudioError(
                    f"{self.name}: the raw stream ends in half a sample; send 16-bit PCM with"
                    f" {self.num_channels} channel(s)"
                )
            data = rest + read
