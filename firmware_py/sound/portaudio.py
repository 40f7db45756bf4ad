"""Sound devices and streams through PyAudio, which is imported nowhere else.

PortAudio lists the devices once, when it starts; a device that comes later is seen after
`restart`. It may hang or crash where the hardware or the sound server goes away, so its calls are
guarded here: never a bare index, one call at a time, and a process of its own tries it out before
it is started again.
"""

import sys
import threading
import time
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, TypeVar

from firmware_py.errors import DeviceError, MissingToolError
from firmware_py.sound.pulse import use_no_shared_memory
from firmware_py.sound.system import (
    GiveSamples,
    Kind,
    SoundDevice,
    SoundSystem,
    Stream,
    StreamFormat,
    TakeSamples,
)

TRY_OUT = """
import sys, pyaudio
session = pyaudio.PyAudio()
devices = map(session.get_device_info_by_index, range(session.get_device_count()))
found = any(device["maxInputChannels"] for device in devices)
session.terminate()
sys.exit(0 if found else 1)
"""
"""PortAudio aborts the process that starts it while a sound server is coming up, now and then."""
TRY_OUT_SECONDS = 10.0
LEAST_HANG_SECONDS = 3.0
HANG_FACTOR = 3.0
"""What follows a try-out takes no longer than it did; three times that is a hang."""
LOCK_SECONDS = 0.1
"""Whoever only asks does not wait longer for a library that another thread is inside of."""

T = TypeVar("T")


class PortAudio(SoundSystem):
    """The sound system of the board."""

    def __init__(self) -> None:
        use_no_shared_memory()
        self._module = _pyaudio()
        self._lock = threading.RLock()
        self._session: Any = None

    def restart(self) -> None:
        with self._lock:
            self.stop()
            if self.generation:
                self._try_out()
            self._session = self._module.PyAudio()
            self.generation += 1

    def _try_out(self) -> None:
        """Try the library out, and learn how long its calls may take just now."""
        self.hang_seconds = SoundSystem.hang_seconds
        began = time.monotonic()
        _try_out()
        took = time.monotonic() - began
        patience = took + max(LEAST_HANG_SECONDS, HANG_FACTOR * took)
        self.hang_seconds = min(patience, SoundSystem.hang_seconds)

    def stop(self) -> None:
        with self._lock:
            session, self._session = self._session, None
            if session:
                session.terminate()

    def devices(self, kind: Kind) -> list[SoundDevice]:
        with self._lock:
            session = self._started()
            found = [self._device(index) for index in range(session.get_device_count())]
            default = self._default_index(kind)
        usable = [device for device in found if device.channels(kind)]
        return sorted(usable, key=lambda device: device.index != default)

    def supports(self, kind: Kind, form: StreamFormat) -> bool:
        with self._lock:
            try:
                return bool(
                    self._started().is_format_supported(
                        form.rate_hz,
                        **{
                            f"{kind}_device": form.device.index,
                            f"{kind}_channels": form.num_channels,
                            f"{kind}_format": self._module.paInt16,
                        },
                    )
                )
            except (ValueError, OSError):
                return False

    def open_input(self, form: StreamFormat, frames: int, take: TakeSamples) -> Stream:
        module = self._module

        def callback(
            data: bytes | None, _count: int, _times: Mapping[str, float], status: int
        ) -> tuple[None, int]:
            take(data or b"", bool(status & module.paInputOverflow))
            return None, module.paContinue

        return self._open("input", form, frames, callback)

    def open_output(self, form: StreamFormat, frames: int, give: GiveSamples) -> Stream:
        module = self._module

        def callback(
            _data: bytes | None, count: int, _times: Mapping[str, float], _status: int
        ) -> tuple[bytes, int]:
            samples, more = give(count)
            return samples, module.paContinue if more else module.paComplete

        return self._open("output", form, frames, callback)

    def _open(self, kind: Kind, form: StreamFormat, frames: int, callback: Any) -> Stream:
        device = form.device
        with self._lock:
            self._device(device.index)
            try:
                stream = self._started().open(
                    rate=form.rate_hz,
                    channels=form.num_channels,
                    format=self._module.paInt16,
                    start=False,
                    frames_per_buffer=frames,
                    stream_callback=callback,
                    **{kind: True, f"{kind}_device_index": device.index},
                )
            except (OSError, ValueError) as error:
                raise DeviceError(
                    f"{device.name!r} does not open at {form.rate_hz} Hz with"
                    f" {form.num_channels} channels: {_reason(error)}; is another program using it?"
                ) from error
        return _Stream(stream, self._lock)

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


class _Stream(Stream):
    """A PyAudio stream; one call at a time into the library."""

    def __init__(self, stream: Any, lock: threading.RLock) -> None:
        self._stream = stream
        self._lock = lock

    @property
    def latency_seconds(self) -> float:
        return float(self._stream.get_output_latency())

    @property
    def is_active(self) -> bool:
        if not self._lock.acquire(timeout=LOCK_SECONDS):
            return True
        try:
            return self._call("is gone", lambda: bool(self._stream.is_active()))
        finally:
            self._lock.release()

    def start(self) -> None:
        self._call("does not start", lambda: self._stream.start_stream())

    def stop(self) -> None:
        self._call("does not stop", lambda: self._stream.stop_stream())

    def close(self) -> None:
        self._call("does not close", lambda: self._stream.close())

    def _call(self, fault: str, function: Callable[[], T]) -> T:
        with self._lock:
            try:
                return function()
            except OSError as error:
                raise DeviceError(f"the sound device {fault}: {_reason(error)}") from error


def _try_out() -> None:
    """Start the library in a process of its own; raises DeviceError if it finds no microphone."""
    import subprocess

    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", TRY_OUT],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=TRY_OUT_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise DeviceError("the sound system does not answer; is it still starting?") from error
    if done.returncode < 0:
        raise DeviceError(f"the sound library crashed (signal {-done.returncode}) in a trial")
    if done.returncode:
        raise DeviceError("no microphone found; plug one in, or see: trigger-word devices")


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
