"""A sound card for tests that is faster than time."""

import threading
import time
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from firmware_py.errors import DeviceError
from firmware_py.live.loop import Live
from firmware_py.sound.system import (
    GiveSamples,
    Kind,
    SoundDevice,
    SoundSystem,
    Stream,
    StreamFormat,
    TakeSamples,
)

AHEAD_SECONDS = 8.0
"""What is delivered at once: few wake-ups, which cost CPU. The queue holds 20 seconds."""
LEAST_WAITING = 2.0
"""Then more is delivered."""


class ThreadStream(Stream):
    """Runs a function in a thread."""

    latency_seconds = 0.0

    def __init__(self, run: Callable[[], None]) -> None:
        self._thread = threading.Thread(target=run, daemon=True)

    @property
    def is_active(self) -> bool:
        return True

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """There is nothing to end."""

    def close(self) -> None:
        """There is nothing to give back."""


class UnpacedSound(SoundSystem):
    """A device that delivers the recording as fast as the listener takes it.

    Its clock stands still: what waits is never old, so nothing is dropped however busy the machine.
    """

    def __init__(self, recording: Iterable[NDArray[np.int16]], rate_hz: int) -> None:
        """
        recording: pieces of any length, mono.
        """
        self._recording = recording
        self._rate_hz = rate_hz
        self.finished = threading.Event()
        self._delivered_seconds = 0.0
        self.live: Live | None = None
        """Who listens; nothing is delivered before it is known."""

    def now(self) -> float:
        return 0.0

    def restart(self) -> None:
        self.generation += 1

    def stop(self) -> None:
        """There is nothing to close."""

    def devices(self, kind: Kind) -> list[SoundDevice]:
        return [SoundDevice(0, "recording", "test", 1, 0, self._rate_hz)]

    def supports(self, kind: Kind, form: StreamFormat) -> bool:
        return form.rate_hz == self._rate_hz

    def open_input(self, form: StreamFormat, frames: int, take: TakeSamples) -> Stream:
        return ThreadStream(lambda: self._deliver(frames, take))

    def open_output(self, form: StreamFormat, frames: int, give: GiveSamples) -> Stream:
        raise DeviceError("there is no speaker")

    def _deliver(self, frames: int, take: TakeSamples) -> None:
        for piece in self._recording:
            for start in range(0, len(piece), frames):
                self._wait_until_wanted()
                samples = piece[start : start + frames]
                take(samples.tobytes(), False)
                self._delivered_seconds += len(samples) / self._rate_hz
        self.finished.set()

    def _wait_until_wanted(self) -> None:
        if self._delivered_seconds < AHEAD_SECONDS:
            return
        self._delivered_seconds = 0.0
        while not self._is_wanted():
            time.sleep(0.002)

    def _is_wanted(self) -> bool:
        """Tell whether the queue is short; what waits is not known before the device is open."""
        if not self.live or not self.live.microphone_name:
            return False
        return measured(self.live, "microphone_queue_seconds") <= LEAST_WAITING


def measured(live: Live, name: str) -> float:
    """Return one of the numbers that a listening device serves."""
    (value,) = [each.value for each in live.metrics() if each.name == f"trigger_word_{name}"]
    assert isinstance(value, float | int)
    return float(value)


def run_to_the_end(live: Live, sound: UnpacedSound) -> None:
    """Listen to the whole recording, and stop."""
    sound.live = live

    def stop_at_the_end() -> None:
        sound.finished.wait()
        while measured(live, "microphone_queue_seconds"):
            time.sleep(0.02)
        live.stop()

    watching = threading.Thread(target=stop_at_the_end)
    watching.start()
    live.run()
    watching.join()
