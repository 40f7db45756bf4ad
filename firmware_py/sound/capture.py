"""One opened microphone: chooses the format, takes the driver's buffers over, makes them mono."""

import queue
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware_py.errors import DeviceError
from firmware_py.settings import MicrophoneSettings
from firmware_py.sound.channels import ChannelWatch
from firmware_py.sound.system import COMMON_RATES_HZ, SoundDevice, SoundSystem, StreamFormat

BUFFER_SECONDS = 0.08
"""Length of a driver's buffer: of each answer's delay it is a half on average. A shorter one costs
CPU, because each buffer wakes the process."""
STALE_SECONDS = 0.5
"""When a buffer has waited for this long, all that wait but the last are dropped: what is answered
must be recent, and one long gap spoils fewer words than many short ones."""
QUEUE_SECONDS = 20.0
"""Room for what a sound server hands over at once; the oldest goes when it is full."""
MOST_CHANNELS = 8
"""A device that offers more is a software one, which has no such microphones."""


@dataclass(frozen=True)
class Packet:
    """One buffer of the driver."""

    samples: NDArray[np.int16]
    """[frames], mono, at the device's rate."""
    arrived: float
    """When it came, on the sound system's clock."""
    overflowed: bool
    """The driver says that it threw samples away before it."""
    dropped: int
    """Samples before it that were dropped because they had waited too long."""


@dataclass(frozen=True)
class _Buffer:
    """What the driver handed over."""

    data: bytes
    arrived: float
    overflowed: bool


class Capture:
    """Records from one device until it is closed or the sound system is stopped."""

    def __init__(self, sound: SoundSystem, settings: MicrophoneSettings, rate_hz: int) -> None:
        """Open the device that the settings want and start it; raises DeviceError.

        rate_hz: what the listener would like best.
        """
        self.format = choose_format(sound, settings, rate_hz)
        self.overflows = 0
        self.dropped_samples = 0
        self._sound = sound
        self._channel = settings.channel
        self._watch = ChannelWatch(
            self.format.device.name,
            self._channel if self.format.num_channels > 1 else 1,
            self.format.rate_hz,
        )
        self._queue: queue.SimpleQueue[_Buffer] = queue.SimpleQueue()
        self._displaced = self._displaced_seen = 0
        self._stream = sound.open_input(
            self.format, round(BUFFER_SECONDS * self.format.rate_hz), self._take
        )
        self._stream.start()

    @property
    def queued_seconds(self) -> float:
        """Sound that waits to be read."""
        return self._queue.qsize() * BUFFER_SECONDS

    @property
    def fault(self) -> str:
        """What is wrong with its channels, in words; empty: nothing."""
        return self._watch.fault

    @property
    def is_active(self) -> bool:
        """Whether samples can still come; a device that went away may seem so for ever."""
        try:
            return self._stream.is_active
        except DeviceError:
            return False

    def close(self) -> None:
        """Give the device back; raises DeviceError, and may hang where it went away."""
        self._stream.close()

    def get(self, timeout_seconds: float) -> Packet | None:
        """Return the next buffer that is recent, or None if none comes within the time."""
        try:
            buffer = self._queue.get(timeout=timeout_seconds)
        except queue.Empty:
            return None
        displaced = self._displaced
        dropped, self._displaced_seen = displaced - self._displaced_seen, displaced
        overflowed = buffer.overflowed
        if self._sound.now() - buffer.arrived > STALE_SECONDS:
            while not self._queue.empty():
                dropped += self._frames(buffer)
                buffer = self._queue.get_nowait()
                overflowed |= buffer.overflowed
        self.dropped_samples += dropped
        return Packet(self._mono(buffer.data), buffer.arrived, overflowed, dropped)

    def _take(self, data: bytes, overflowed: bool) -> None:
        """Enqueue one buffer; runs in the sound system's thread and never waits."""
        self.overflows += overflowed
        self._queue.put(_Buffer(data, self._sound.now(), overflowed))
        if self.queued_seconds > QUEUE_SECONDS:
            try:
                self._displaced += self._frames(self._queue.get_nowait())
            except queue.Empty:  # the reader was faster
                return

    def _frames(self, buffer: _Buffer) -> int:
        return len(buffer.data) // (2 * self.format.num_channels)

    def _mono(self, data: bytes) -> NDArray[np.int16]:
        channels = np.frombuffer(data, np.int16).reshape(-1, self.format.num_channels)
        self._watch.look(channels)
        if self.format.num_channels == 1:
            return channels[:, 0]
        if self._channel:
            return channels[:, self._channel - 1].copy()
        mean: NDArray[np.int16] = np.rint(channels.mean(axis=1)).astype(np.int16)
        return mean


def choose_format(sound: SoundSystem, settings: MicrophoneSettings, rate_hz: int) -> StreamFormat:
    """Return what to open; raises DeviceError.

    The device is the one named, else the first that opens at the rate that the settings want,
    else the default one. The rate is that one, else `rate_hz`, else the nearest above, else the
    nearest below.
    """
    wanted = settings.sample_rate_hz
    if wanted and not settings.device:
        devices = sound.devices("input")
    else:
        devices = [sound.find("input", settings.device)]
    rates = [wanted] if wanted else [rate_hz, *_other_rates(rate_hz)]
    for chosen in _formats(devices, rates, settings):
        if sound.supports("input", chosen):
            return chosen
    names = ", ".join(repr(device.name) for device in devices) or "no microphone"
    raise DeviceError(
        f"{names} opens at none of {', '.join(map(str, rates))} Hz; is another program using it?"
        " See: trigger-word devices"
    )


def _formats(
    devices: list[SoundDevice], rates: list[int], settings: MicrophoneSettings
) -> Iterator[StreamFormat]:
    for device in devices:
        for rate in rates:
            for num_channels in _channel_counts(device, settings):
                yield StreamFormat(device, rate, num_channels)


def _other_rates(rate_hz: int) -> list[int]:
    above = [rate for rate in COMMON_RATES_HZ if rate > rate_hz]
    below = [rate for rate in reversed(COMMON_RATES_HZ) if rate < rate_hz]
    return above + below


def _channel_counts(device: SoundDevice, settings: MicrophoneSettings) -> list[int]:
    """Return the channel counts to try: as few as are needed, else all that there are."""
    if settings.num_channels:
        return [settings.num_channels]
    everything = device.input_channels if device.input_channels <= MOST_CHANNELS else 2
    least = settings.channel or everything
    return [least, everything] if least < everything else [least]
