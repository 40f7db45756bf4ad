"""One opened microphone: chooses the format, takes the driver's buffers over, makes them mono."""

import queue
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware_py.errors import DeviceError
from firmware_py.settings import MicrophoneSettings
from firmware_py.sound.portaudio import COMMON_RATES_HZ, PortAudio, SoundDevice

BUFFER_SECONDS = 0.2
"""Length of a driver's buffer. With 0.08 s words are answered about 0.15 s sooner for a third more
CPU: each buffer wakes the process, and a front end on few frames is dearer a frame."""
QUEUE_SECONDS = 20.0
"""Sound that waits to be processed; more is dropped and counted."""
MOST_CHANNELS = 8
"""A device that offers more is a software one, which has no such microphones."""


@dataclass(frozen=True)
class Packet:
    """One buffer of the driver."""

    samples: NDArray[np.int16]
    """[frames], mono, at the device's rate."""
    arrived: float
    """When it came, on `time.monotonic`."""
    overflowed: bool
    """The driver says that it threw samples away before it."""
    dropped: int
    """Samples before it that were dropped because the queue was full."""


@dataclass(frozen=True)
class Format:
    """How a device is opened."""

    device: SoundDevice
    rate_hz: int
    num_channels: int


class Capture:
    """Records from one device until the sound system is stopped."""

    def __init__(self, sound: PortAudio, settings: MicrophoneSettings, rate_hz: int) -> None:
        """Open the device that the settings want and start it; raises DeviceError.

        rate_hz: what the listener would like best.
        """
        self.format = choose_format(sound, settings, rate_hz)
        self.overflows = 0
        self.dropped_samples = 0
        self._sound = sound
        self._channel = settings.channel
        self._queue: queue.SimpleQueue[tuple[bytes, float, bool, int]] = queue.SimpleQueue()
        self._just_dropped = 0
        chosen = self.format
        self._stream = sound.open(
            "input",
            chosen.device,
            chosen.rate_hz,
            chosen.num_channels,
            round(BUFFER_SECONDS * chosen.rate_hz),
            self._take,
        )
        sound.start_stream(self._stream)

    @property
    def queued_seconds(self) -> float:
        """Sound that waits to be read."""
        return self._queue.qsize() * BUFFER_SECONDS

    def get(self, timeout_seconds: float) -> Packet | None:
        """Return the next buffer, or None if none comes within the time."""
        try:
            data, arrived, overflowed, dropped = self._queue.get(timeout=timeout_seconds)
        except queue.Empty:
            return None
        return Packet(self._mono(data), arrived, overflowed, dropped)

    def _take(
        self, data: bytes | None, count: int, _times: Mapping[str, float], status: int
    ) -> tuple[None, int]:
        """Enqueue one buffer; runs in PortAudio's thread and never waits."""
        overflowed = self._sound.overflowed(status)
        self.overflows += overflowed
        if self.queued_seconds > QUEUE_SECONDS:
            self.dropped_samples += count
            self._just_dropped += count
        else:
            self._queue.put((data or b"", time.monotonic(), overflowed, self._just_dropped))
            self._just_dropped = 0
        return None, self._sound.go_on

    def _mono(self, data: bytes) -> NDArray[np.int16]:
        samples = np.frombuffer(data, np.int16)
        if self.format.num_channels == 1:
            return samples
        channels = samples.reshape(-1, self.format.num_channels)
        if self._channel:
            return channels[:, self._channel - 1].copy()
        mean: NDArray[np.int16] = np.rint(channels.mean(axis=1)).astype(np.int16)
        return mean


def choose_format(sound: PortAudio, settings: MicrophoneSettings, rate_hz: int) -> Format:
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
        if sound.supports("input", chosen.device, chosen.rate_hz, chosen.num_channels):
            return chosen
    names = ", ".join(repr(device.name) for device in devices) or "no microphone"
    raise DeviceError(
        f"{names} opens at none of {', '.join(map(str, rates))} Hz; is another program using it?"
        " See: trigger-word devices"
    )


def _formats(
    devices: list[SoundDevice], rates: list[int], settings: MicrophoneSettings
) -> Iterator[Format]:
    for device in devices:
        for rate in rates:
            for num_channels in _channel_counts(device, settings):
                yield Format(device, rate, num_channels)


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
