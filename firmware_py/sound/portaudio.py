"""Sound devices and streams through PyAudio, which is imported nowhere else.

PortAudio lists the devices once, when it starts; a device that comes later is seen after
`restart`. It may hang or crash where the hardware goes away, so its calls are guarded here:
never a bare index, one call at a time.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

from firmware_py.errors import DeviceError, MissingToolError

Kind = Literal["input", "output"]
Callback = Callable[[bytes | None, int, Mapping[str, float], int], tuple[bytes | None, int]]

COMMON_RATES_HZ = (16000, 22050, 32000, 44100, 48000, 96000)
SAMPLE_BYTES = 2

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SoundDevice:
    """One entry of PortAudio's list."""

    index: int
    name: str
    system: str
    """ALSA, JACK Audio Connection Kit, ..."""
    input_channels: int
    output_channels: int
    default_rate_hz: int

    def channels(self, kind: Kind) -> int:
        return self.input_channels if kind == "input" else self.output_channels


class PortAudio:
    """The sound system. May be used from several threads."""

    def __init__(self) -> None:
        self._module = _pyaudio()
        self._lock = threading.RLock()
        self._session: Any = None
        self.generation = 0
        """Counts the restarts: streams of an earlier generation are closed."""

    def restart(self) -> None:
        """Close all streams and list the devices anew."""
        with self._lock:
            self.stop()
            self._session = self._module.PyAudio()
            self.generation += 1

    def stop(self) -> None:
        """Close all streams; may hang where a device went away."""
        with self._lock:
            session, self._session = self._session, None
            if session:
                session.terminate()

    def devices(self, kind: Kind) -> list[SoundDevice]:
        """Return the devices that can record or play, the default one first."""
        with self._lock:
            session = self._started()
            found = [self._device(index) for index in range(session.get_device_count())]
            default = self._default_index(kind)
        usable = [device for device in found if device.channels(kind)]
        return sorted(usable, key=lambda device: device.index != default)

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

    def supports(self, kind: Kind, device: SoundDevice, rate_hz: int, channels: int) -> bool:
        """Return whether the device opens so, for 16-bit samples."""
        with self._lock:
            try:
                return bool(
                    self._started().is_format_supported(
                        rate_hz,
                        **{
                            f"{kind}_device": device.index,
                            f"{kind}_channels": channels,
                            f"{kind}_format": self._module.paInt16,
                        },
                    )
                )
            except (ValueError, OSError):
                return False

    def rates_hz(self, kind: Kind, device: SoundDevice) -> list[int]:
        """Return the common rates at which the device opens."""
        channels = min(device.channels(kind), 2)
        return [
            rate
            for rate in COMMON_RATES_HZ
            if self.supports(kind, device, rate, 1) or self.supports(kind, device, rate, channels)
        ]

    def open(
        self,
        kind: Kind,
        device: SoundDevice,
        rate_hz: int,
        channels: int,
        frames: int,
        callback: Callback,
    ) -> Any:
        """Return a PyAudio stream of 16-bit samples that is not started yet.

        frames: samples per channel in each call of `callback`. Raises DeviceError.
        """
        with self._lock:
            self._device(device.index)
            try:
                return self._started().open(
                    rate=rate_hz,
                    channels=channels,
                    format=self._module.paInt16,
                    start=False,
                    frames_per_buffer=frames,
                    stream_callback=callback,
                    **{kind: True, f"{kind}_device_index": device.index},
                )
            except (OSError, ValueError) as error:
                raise DeviceError(
                    f"{device.name!r} does not open at {rate_hz} Hz with {channels} channels:"
                    f" {_reason(error)}; is another program using it?"
                ) from error

    def start_stream(self, stream: Any) -> None:
        """Start a stream; raises DeviceError."""
        with self._lock:
            try:
                stream.start_stream()
            except OSError as error:
                raise DeviceError(f"the sound device does not start: {_reason(error)}") from error

    def stop_stream(self, stream: Any) -> None:
        """Stop a stream, or leave one that has stopped as it is; raises DeviceError."""
        with self._lock:
            try:
                stream.stop_stream()
            except OSError as error:
                raise DeviceError(f"the sound device does not stop: {_reason(error)}") from error

    def is_active(self, stream: Any) -> bool:
        """Return whether a stream still records or plays; raises DeviceError if it is closed."""
        with self._lock:
            try:
                return bool(stream.is_active())
            except OSError as error:
                raise DeviceError(f"the sound device is gone: {_reason(error)}") from error

    @property
    def go_on(self) -> int:
        """What a callback returns to be called again."""
        return int(self._module.paContinue)

    @property
    def complete(self) -> int:
        """What a callback returns with the last samples."""
        return int(self._module.paComplete)

    def overflowed(self, status: int) -> bool:
        """Return whether a callback's status says that input was lost before its samples."""
        return bool(status & self._module.paInputOverflow)

    def _started(self) -> Any:
        if self._session is None:
            raise DeviceError("the sound system is not started")
        return self._session

    def _device(self, index: int) -> SoundDevice:
        """Return the device; an index past the end crashes PortAudio's `open`, but not this."""
        try:
            info = self._started().get_device_info_by_index(index)
        except OSError as error:
            raise DeviceError(f"sound device {index} is gone; plug it in again") from error
        system = self._started().get_host_api_info_by_index(info["hostApi"])["name"]
        return SoundDevice(
            index,
            str(info["name"]),
            str(system),
            int(info["maxInputChannels"]),
            int(info["maxOutputChannels"]),
            round(info["defaultSampleRate"]),
        )

    def _default_index(self, kind: Kind) -> int:
        try:
            info = getattr(self._started(), f"get_default_{kind}_device_info")()
        except OSError:
            return -1
        return int(info["index"])


def _reason(error: Exception) -> str:
    """Return the words of a PortAudio error, which carries (number, words) in either order."""
    words = [part for part in error.args if isinstance(part, str)]
    return words[0] if words else str(error)


def _pyaudio() -> ModuleType:
    try:
        import pyaudio
    except ImportError as error:
        raise MissingToolError(
            "microphone and speaker need PyAudio; install it with: pip install 'trigger-word[live]'"
            " (first: apt install portaudio19-dev gcc, or use apt's python3-pyaudio)"
        ) from error
    module: ModuleType = pyaudio
    return module
