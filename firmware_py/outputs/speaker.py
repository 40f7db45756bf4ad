"""The chime through the speaker."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware_py.errors import DeviceError
from firmware_py.outputs.event import Event
from firmware_py.outputs.mute import Mute
from firmware_py.outputs.worker import Output
from firmware_py.sound.portaudio import PortAudio, SoundDevice

RATES_HZ = (48000, 44100, 32000, 22050, 16000)
"""What speakers can do, the best first."""
BUFFER_SECONDS = 0.02
POLL_SECONDS = 0.01
HANG_SECONDS = 3.0
"""A chime that takes this much longer than it is has got stuck."""

MakeSound = Callable[[int], NDArray[np.int16]]
"""Returns the sound for a sample rate in Hz: int16 [samples]."""


class Speaker(Output):
    """Plays one sound at each event and mutes the microphone meanwhile.

    The device stays open between the sounds, stopped, so that a sound begins at once.
    """

    def __init__(
        self, sound: PortAudio, make_sound: MakeSound, device: str, mute: Mute, tail_seconds: float
    ) -> None:
        """
        device: part of the speaker's name, or '' for the default one.
        tail_seconds: for how long the room still sounds.
        """
        self._sound = sound
        self._make_sound = make_sound
        self._device = device
        self._mute = mute
        self._tail_seconds = tail_seconds
        self._stream: Any = None
        self._generation = -1
        self._data = b""
        self._frame_bytes = 2
        self._seconds = self._latency_seconds = 0.0
        self._position = 0

    def prepare(self) -> None:
        """Open the speaker if it is not open, which takes a while; raises DeviceError."""
        if self._stream is None or self._generation != self._sound.generation:
            self._open()

    def handle(self, _event: Event) -> None:
        """Play the sound to its end; raises DeviceError."""
        self.prepare()
        self._position = 0
        self._mute.begin()
        try:
            self._play()
        except DeviceError:
            self._stream = None
            raise
        finally:
            self._mute.end(self._latency_seconds + self._tail_seconds)

    def close(self) -> None:
        """The stream ends with the sound system."""
        self._stream = None

    def _play(self) -> None:
        self._sound.start_stream(self._stream)
        limit = time.monotonic() + self._seconds + HANG_SECONDS
        while self._sound.is_active(self._stream):
            if time.monotonic() > limit:
                raise DeviceError("the speaker does not finish the chime; is it connected?")
            time.sleep(POLL_SECONDS)
        self._sound.stop_stream(self._stream)

    def _open(self) -> None:
        self._generation = self._sound.generation
        device = self._sound.find("output", self._device)
        rate_hz, num_channels = self._format(device)
        samples = self._make_sound(rate_hz)
        self._seconds = len(samples) / rate_hz
        self._data = np.repeat(samples, num_channels).astype("<i2").tobytes()
        self._frame_bytes = 2 * num_channels
        frames = round(BUFFER_SECONDS * rate_hz)
        self._stream = self._sound.open(
            "output", device, rate_hz, num_channels, frames, self._callback
        )
        self._latency_seconds = self._stream.get_output_latency()

    def _format(self, device: SoundDevice) -> tuple[int, int]:
        for rate_hz in RATES_HZ:
            for num_channels in (1, 2):
                if self._sound.supports("output", device, rate_hz, num_channels):
                    return rate_hz, num_channels
        raise DeviceError(f"{device.name!r} plays at none of {', '.join(map(str, RATES_HZ))} Hz")

    def _callback(
        self, _data: bytes | None, count: int, _times: Mapping[str, float], _status: int
    ) -> tuple[bytes, int]:
        """Hand over the next samples; runs in PortAudio's thread."""
        size = count * self._frame_bytes
        part = self._data[self._position : self._position + size]
        self._position += size
        more = self._position < len(self._data)
        return part.ljust(size, b"\0"), self._sound.go_on if more else self._sound.complete
