"""What a sound system offers: devices, and streams of 16-bit samples that call us back.

`PortAudio` is the real one; whoever listens is handed one, so that a test or a simulation may hand
in another.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from firmware_py.errors import DeviceError

Kind = Literal["input", "output"]
TakeSamples = Callable[[bytes, bool], None]
"""Called with each buffer that was recorded: int16 [frames, channels] as bytes, and whether input
was lost before it. Must not wait."""
GiveSamples = Callable[[int], tuple[bytes, bool]]
"""Called for each buffer to play, with its frames: returns int16 [frames, channels] as bytes, and
whether more follow."""

COMMON_RATES_HZ = (16000, 22050, 32000, 44100, 48000, 96000)


@dataclass(frozen=True)
class SoundDevice:
    """One entry of the sound system's list."""

    index: int
    name: str
    system: str
    """ALSA, JACK Audio Connection Kit, ..."""
    input_channels: int
    output_channels: int
    default_rate_hz: int

    def channels(self, kind: Kind) -> int:
        return self.input_channels if kind == "input" else self.output_channels


@dataclass(frozen=True)
class StreamFormat:
    """How a device is opened, for 16-bit samples."""

    device: SoundDevice
    rate_hz: int
    num_channels: int


class Stream(ABC):
    """An open device. All methods raise DeviceError; they may hang where the device went away."""

    @property
    @abstractmethod
    def latency_seconds(self) -> float:
        """How much later than it is handed over a sample is heard."""

    @property
    @abstractmethod
    def is_active(self) -> bool:
        """Whether it records or plays."""

    @abstractmethod
    def start(self) -> None:
        """Begin to record or to play."""

    @abstractmethod
    def stop(self) -> None:
        """End what `start` began; one that has ended stays as it is."""

    @abstractmethod
    def close(self) -> None:
        """Give the device back; the stream cannot be used any more."""


class SoundSystem(ABC):
    """Devices and their streams. May be used from several threads."""

    generation = 0
    """Counts the restarts: streams of an earlier generation are closed."""
    hang_seconds = 20.0
    """A call that takes longer will never return."""

    def now(self) -> float:
        """Return the time on the steady clock that says how long a buffer has waited."""
        return time.monotonic()

    @abstractmethod
    def restart(self) -> None:
        """Close all streams and list the devices anew; raises DeviceError."""

    @abstractmethod
    def stop(self) -> None:
        """Close all streams; may hang where a device went away."""

    @abstractmethod
    def devices(self, kind: Kind) -> list[SoundDevice]:
        """Return the devices that can record or play, the default one first."""

    @abstractmethod
    def supports(self, kind: Kind, form: StreamFormat) -> bool:
        """Return whether the device opens so."""

    @abstractmethod
    def open_input(self, form: StreamFormat, frames: int, take: TakeSamples) -> Stream:
        """Return a stream that is not started yet; raises DeviceError.

        frames: samples per channel in each buffer.
        """

    @abstractmethod
    def open_output(self, form: StreamFormat, frames: int, give: GiveSamples) -> Stream:
        """Return a stream that is not started yet; raises DeviceError.

        frames: samples per channel in each buffer.
        """

    def find(self, kind: Kind, name_part: str) -> SoundDevice:
        """Return the first device whose name holds `name_part`, or the default one for ''.

        Raises DeviceError when there is none.
        """
        devices = self.devices(kind)
        for device in devices:
            if name_part.casefold() in device.name.casefold():
                return device
        what = "microphone" if kind == "input" else "speaker"
        if not devices:
            raise DeviceError(f"no {what} found; plug one in, or see: trigger-word devices")
        known = ", ".join(repr(device.name) for device in devices)
        raise DeviceError(f"no {what} has {name_part!r} in its name; there is {known}")

    def rates_hz(self, kind: Kind, device: SoundDevice) -> list[int]:
        """Return the common rates at which the device opens."""
        channels = {1, min(device.channels(kind), 2)}
        return [
            rate
            for rate in COMMON_RATES_HZ
            if any(self.supports(kind, StreamFormat(device, rate, count)) for count in channels)
        ]
