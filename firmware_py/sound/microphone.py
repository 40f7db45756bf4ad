"""The microphone: a stream of mono chunks that goes on whatever the hardware does."""

import logging
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware_py.audio import Resampler
from firmware_py.errors import DeviceError
from firmware_py.settings import MicrophoneSettings
from firmware_py.sound.arrival_clock import ArrivalClock
from firmware_py.sound.background_call import BackgroundCall
from firmware_py.sound.capture import Capture, Packet
from firmware_py.sound.losses import LossReport
from firmware_py.sound.system import SoundSystem

FIRST_SECONDS = 3.0
"""Sound servers may take this long to deliver the first buffer."""
RETRY_SECONDS = (0.5, 1.0, 1.5)
"""Pauses before the attempts to open the microphone again; the last one repeats."""

log = logging.getLogger(__name__)


class DeviceHungError(DeviceError):
    """The sound library does not return; only a new process can go on."""


@dataclass(frozen=True)
class Chunk:
    """Samples as they came."""

    samples: NDArray[np.int16]
    """[any length], mono, at the microphone's `sample_rate_hz`."""
    arrived: float
    """When the last of them came, on the sound system's clock."""
    gap_seconds: float = 0.0
    """Time before this chunk for which there are no samples."""


@dataclass
class MicrophoneCounters:
    """What went wrong since the start."""

    overflows: int = 0
    """Times that the driver threw samples away."""
    dropped_samples: int = 0
    """Samples that were dropped because they had waited too long."""
    lost_seconds: float = 0.0
    """All time for which there are no samples, except while listening was paused."""
    reconnects: int = 0
    """Times that the microphone was opened again."""


class Microphone:
    """Listens to a device of the sound system and opens it again whenever it falls silent.

    Use it from one thread: `start`, then `read` for ever, then `close`. Opening and closing run
    in threads of their own, because the library may hang where the hardware went away.
    """

    def __init__(
        self, sound: SoundSystem, settings: MicrophoneSettings, sample_rate_hz: int
    ) -> None:
        """
        sample_rate_hz: of the chunks, whatever the device has.
        """
        self.sample_rate_hz = sample_rate_hz
        self.settings = settings
        self.is_paused = False
        self._sound = sound
        self._past = MicrophoneCounters()
        self._capture: Capture | None = None
        self._opening: BackgroundCall[Capture] | None = None
        self._closing: BackgroundCall[None] | None = None
        self._attempts = 0
        self._next_attempt = 0.0
        self._last_arrival: float | None = None
        self._last_sign = 0.0
        self._was_paused = False
        self._clock: ArrivalClock | None = None
        self._resampler: Resampler | None = None
        self._dropped = LossReport("too slow: %.2f s of sound were dropped; take a smaller model")
        self._overflowed = LossReport("the driver of the microphone lost %.2f s of sound")

    @property
    def name(self) -> str:
        """The device, or '' while there is none."""
        return self._capture.format.device.name if self._capture else ""

    @property
    def fault(self) -> str:
        """What is wrong with its channels, in words; empty: nothing."""
        return self._capture.fault if self._capture else ""

    @property
    def queued_seconds(self) -> float:
        """Sound that waits to be read."""
        return self._capture.queued_seconds if self._capture else 0.0

    @property
    def counters(self) -> MicrophoneCounters:
        past, capture = self._past, self._capture
        return MicrophoneCounters(
            past.overflows + (capture.overflows if capture else 0),
            past.dropped_samples + (capture.dropped_samples if capture else 0),
            past.lost_seconds,
            past.reconnects,
        )

    def start(self) -> None:
        """Begin to open the device; `read` goes on from there."""
        self._opening = BackgroundCall(self._open)

    def reconfigure(self, settings: MicrophoneSettings, sample_rate_hz: int) -> None:
        """Use other settings from now on; the time until the device is open again is a gap."""
        self.settings, self.sample_rate_hz = settings, sample_rate_hz
        if self._capture:
            self._lose("its settings changed")
        self._next_attempt = 0.0

    def pause(self) -> None:
        """Close the device, and leave it closed until `resume`."""
        self.is_paused = self._was_paused = True
        if self._capture:
            log.info("microphone %r is closed", self.name)
            closing = self._capture.close
            self._forget()
            self._closing = BackgroundCall(closing)

    def resume(self) -> None:
        """Open the device again after `pause`."""
        self.is_paused = False
        self._next_attempt = 0.0

    def read(self, timeout_seconds: float) -> Chunk | None:
        """Return the next chunk, or None if there is none within the time.

        Raises DeviceHungError when the sound library does not come back, and SettingsError or
        MissingToolError where waiting cannot help.
        """
        self._dropped.say()
        self._overflowed.say()
        if self._closing:
            self._wait_closed(self._closing, timeout_seconds)
        elif self._opening:
            self._wait_opened(self._opening, timeout_seconds)
        elif self._capture:
            return self._receive(self._capture, timeout_seconds)
        elif self.is_paused:
            time.sleep(timeout_seconds)
        else:
            self._wait_to_open(timeout_seconds)
        return None

    def close(self, timeout_seconds: float) -> bool:
        """Close the device and the sound system; return False if they hang."""
        return BackgroundCall(self._sound.stop).wait(timeout_seconds)

    def _open(self) -> Capture:
        self._sound.restart()
        return Capture(self._sound, self.settings, self.sample_rate_hz)

    def _receive(self, capture: Capture, timeout_seconds: float) -> Chunk | None:
        packet = capture.get(timeout_seconds)
        if packet is None:
            quiet = self._sound.now() - self._last_sign
            if quiet > self.settings.silence_seconds:
                self._lose(f"no samples for {quiet:.1f} s")
            elif not capture.is_active:
                self._lose("it stopped")
            return None
        self._last_sign = packet.arrived
        gap_seconds = self._gap_seconds(packet, capture.format.rate_hz)
        self._last_arrival = packet.arrived
        samples = packet.samples
        if self._resampler:
            samples = self._resampler.process(samples)
        return Chunk(samples, packet.arrived, gap_seconds)

    def _gap_seconds(self, packet: Packet, rate_hz: int) -> float:
        """Return how much is missing before the packet, and count it."""
        count = len(packet.samples)
        if self._clock is None:
            self._clock = ArrivalClock(rate_hz)
            self._clock.lost_samples(packet.arrived, count, overflowed=False)
            return self._seconds_without(packet.arrived - count / rate_hz)
        overflow = self._clock.lost_samples(
            packet.arrived, count + packet.dropped, packet.overflowed
        )
        self._dropped.add(packet.dropped / rate_hz)
        self._overflowed.add(overflow / rate_hz)
        lost_seconds = (packet.dropped + overflow) / rate_hz
        self._past.lost_seconds += lost_seconds
        return lost_seconds

    def _seconds_without(self, now: float) -> float:
        """Return for how long there was no device until `now`, and count it if it was wanted."""
        wanted, self._was_paused = not self._was_paused, False
        if self._last_arrival is None:
            return 0.0
        seconds = max(0.0, now - self._last_arrival)
        self._past.lost_seconds += seconds * wanted
        return seconds

    def _lose(self, reason: str) -> None:
        """Give the device up; it is opened again after a pause."""
        log.warning("microphone %r: %s; opening it again", self.name, reason)
        self._forget()
        self._closing = BackgroundCall(self._sound.stop)
        self._next_attempt = time.monotonic() + RETRY_SECONDS[0]

    def _forget(self) -> None:
        self._past = self.counters
        self._capture = self._clock = self._resampler = None

    def _wait_closed(self, closing: BackgroundCall[None], timeout_seconds: float) -> None:
        if closing.wait(timeout_seconds):
            self._closing = None
        elif closing.age_seconds > self._sound.hang_seconds:
            raise DeviceHungError("the sound library hangs while it closes a lost microphone")

    def _wait_to_open(self, timeout_seconds: float) -> None:
        pause = self._next_attempt - time.monotonic()
        if pause > 0:
            time.sleep(min(pause, timeout_seconds))
            return
        self._past.reconnects += 1
        self.start()

    def _wait_opened(self, opening: BackgroundCall[Capture], timeout_seconds: float) -> None:
        if not opening.wait(timeout_seconds):
            if opening.age_seconds > self._sound.hang_seconds:
                raise DeviceHungError("the sound library hangs while it opens the microphone")
            return
        self._opening = None
        try:
            self._capture = opening.result()
        except OSError as error:
            self._wait_longer(error)
            return
        self._attempts = 0
        self._last_sign = self._sound.now() + FIRST_SECONDS
        rate_hz = self._capture.format.rate_hz
        if rate_hz != self.sample_rate_hz:
            self._resampler = Resampler(rate_hz, self.sample_rate_hz)
        if self.is_paused:
            self.pause()
            return
        log.info("listening to %r at %d Hz", self.name, rate_hz)

    def _wait_longer(self, error: OSError) -> None:
        pause = RETRY_SECONDS[min(self._attempts, len(RETRY_SECONDS) - 1)]
        self._attempts += 1
        self._next_attempt = time.monotonic() + pause
        log.warning("no sound: %s; trying again in %g s", error, pause)
