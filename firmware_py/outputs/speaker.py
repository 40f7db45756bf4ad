"""The chime through the speaker."""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from firmware_py.errors import DeviceError
from firmware_py.outputs.event import Event
from firmware_py.outputs.mute import Mute
from firmware_py.outputs.worker import Output
from firmware_py.sound.system import SoundDevice, SoundSystem, Stream, StreamFormat

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
        self,
        sound: SoundSystem,
        make_sound: MakeSound,
        device: str,
        mute: Mute,
        tail_seconds: float,
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
        self._stream: Stream | None = None
        self._generation = -1
        self._data = b""
        self._frame_bytes = 2
        self._seconds = self._latency_seconds = 0.0
        self._position = 0

    def prepare(self) -> None:
        """Open the speaker if it is not open, which takes a while; raises DeviceError."""
        self._opened()

    def handle(self, _event: Event) -> None:
        """Play the sound to its end; raises DeviceError."""
        stream = self._opened()
        self._position = 0
        self._mute.begin()
        try:
            self._play(stream)
        except DeviceError:
            self._stream = None
            raise
        finally:
            self._mute.end(self._latency_seconds + self._tail_seconds)

    def close(self) -> None:
        """The stream ends with the sound system."""
        self._stream = None

    def _play(self, stream: Stream) -> None:
        stream.start()
        limit = time.monotonic() + self._seconds + HANG_SECONDS
        while stream.is_active:
            if time.monotonic() > limit:
                raise DeviceError("the speaker does not finish the chime; is it connected?")
            time.sleep(POLL_SECONDS)
        stream.stop()

    def _opened(self) -> Stream:
        """Return the stream, opened anew when the sound system was restarted."""
        if self._stream and self._generation == self._sound.generation:
            return self._stream
        self._stream = None
        self._generation = self._sound.generation
        form = self._format(self._sound.find("output", self._device))
        samples = self._make_sound(form.rate_hz)
        self._seconds = len(samples) / form.rate_hz
        self._data = np.repeat(samples, form.num_channels).astype("<i2").tobytes()
        self._frame_bytes = 2 * form.num_channels
        frames = round(BUFFER_SECONDS * form.rate_hz)
        self._stream = self._sound.open_output(form, frames, self._give)
        self._latency_seconds = self._stream.latency_seconds
        return self._stream

    def _format(self, device: SoundDevice) -> StreamFormat:
        for rate_hz in RATES_HZ:
            for num_channels in (1, 2):
                form = StreamFormat(device, rate_hz, num_channels)
                if self._sound.supports("output", form):
                    return form
        raise DeviceError(f"{device.name!r} plays at none of {', '.join(map(str, RATES_HZ))} Hz")

    def _give(self, count: int) -> tuple[bytes, bool]:
        """Hand over the next samples; runs in the sound system's thread."""
        size = count * self._frame_bytes
        part = self._data[self._position : self._position + size]
        self._position += size
        return part.ljust(size, b"\0"), self._position < len(self._data)
