"""A sound card for tests that is faster than time."""

import threading
import time
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware_py.sound.microphone import Microphone
from firmware_py.sound.portaudio import Callback, Kind, PortAudio, SoundDevice

MOST_WAITING = 10.0
"""Seconds in the queue, which holds 20."""
LEAST_WAITING = 2.0
"""Then more is delivered."""


class UnpacedSound(PortAudio):
    """A device that delivers the recording as fast as the listener takes it."""

    def __init__(self, recording: Iterable[NDArray[np.int16]], rate_hz: int) -> None:
        """
        recording: pieces of any length, mono.
        """
        super().__init__()
        self._recording = recording
        self._rate_hz = rate_hz
        self.finished = threading.Event()
        self.listener: Microphone | None = None
        """Who takes the samples; none are delivered before it is known."""

    def restart(self) -> None:
        self.generation += 1

    def devices(self, kind: Kind) -> list[SoundDevice]:
        return [SoundDevice(0, "recording", "test", 1, 0, self._rate_hz)]

    def supports(self, kind: Kind, device: SoundDevice, rate_hz: int, channels: int) -> bool:
        return rate_hz == self._rate_hz

    def open(
        self,
        kind: Kind,
        device: SoundDevice,
        rate_hz: int,
        channels: int,
        frames: int,
        callback: Callback,
    ) -> Any:
        self._callback, self._frames = callback, frames
        return None

    def start_stream(self, stream: Any) -> None:
        threading.Thread(target=self._deliver, daemon=True).start()

    def _deliver(self) -> None:
        for piece in self._recording:
            for start in range(0, len(piece), self._frames):
                self._wait_until_wanted()
                samples = piece[start : start + self._frames]
                self._callback(samples.tobytes(), len(samples), {}, 0)
        self.finished.set()

    def _wait_until_wanted(self) -> None:
        """Wait while much waits, and then until little does: few wake-ups, which cost CPU."""
        if self._waiting_seconds() >= MOST_WAITING:
            while self._waiting_seconds() > LEAST_WAITING:
                time.sleep(0.002)

    def _waiting_seconds(self) -> float:
        microphone = self.listener
        if not microphone or not microphone.name:
            return MOST_WAITING
        return microphone.queued_seconds
