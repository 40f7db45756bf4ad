"""A microphone in simulated time: what happens when does not depend on the machine."""

import numpy as np
from numpy.typing import NDArray
from unpaced_sound import ThreadStream

from firmware_py.errors import DeviceError
from firmware_py.sound.system import (
    GiveSamples,
    Kind,
    SoundDevice,
    SoundSystem,
    Stream,
    StreamFormat,
    TakeSamples,
)


class SimulatedSound(SoundSystem):
    """Plays a recording to the listener while `advance` moves the time."""

    def __init__(self, recording: NDArray[np.int16], rate_hz: int) -> None:
        self.seconds = 0.0
        self._recording = recording
        self._rate_hz = rate_hz
        self._take: TakeSamples | None = None
        self._frames = 0
        self._position = 0
        self._held: list[tuple[bytes, bool]] = []
        self._holding = False
        self._overflowed = False

    def now(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        """Let the time pass; each buffer is handed over when its last sample has been recorded."""
        end = self.seconds + seconds
        while self._take and self._due_seconds <= end + 1e-9:
            self.seconds = max(self.seconds, self._due_seconds)
            samples = self._recording[self._position : self._position + self._frames]
            self._position += self._frames
            self._deliver(samples.tobytes())
        self.seconds = end

    def hold(self) -> None:
        """Hand nothing over from now on."""
        self._holding = True

    def let_go(self) -> None:
        """Hand over at once what was held."""
        self._holding = False
        held, self._held = self._held, []
        for data, overflowed in held:
            assert self._take
            self._take(data, overflowed)

    def overflow(self) -> None:
        """Throw away what was held, and say so, as drivers do."""
        self._holding = False
        self._held.clear()
        self._overflowed = True

    def lose(self) -> None:
        """Let the device go away."""
        self._take = None

    @property
    def is_recording(self) -> bool:
        return self._take is not None

    @property
    def _due_seconds(self) -> float:
        return (self._position + self._frames) / self._rate_hz

    def _deliver(self, data: bytes) -> None:
        assert self._take
        if self._holding:
            self._held.append((data, False))
            return
        self._take(data, self._overflowed)
        self._overflowed = False

    def restart(self) -> None:
        self._take = None
        self.generation += 1

    def stop(self) -> None:
        self._take = None

    def devices(self, kind: Kind) -> list[SoundDevice]:
        return [SoundDevice(0, "simulated", "test", 1, 0, self._rate_hz)]

    def supports(self, kind: Kind, form: StreamFormat) -> bool:
        return form.rate_hz == self._rate_hz

    def open_input(self, form: StreamFormat, frames: int, take: TakeSamples) -> Stream:
        self._frames = frames
        self._position = round(self.seconds * self._rate_hz)
        self._take = take
        return _SimulatedStream(self)

    def open_output(self, form: StreamFormat, frames: int, give: GiveSamples) -> Stream:
        raise DeviceError("there is no speaker")


class _SimulatedStream(ThreadStream):
    def __init__(self, sound: SimulatedSound) -> None:
        super().__init__(lambda: None)
        self._sound = sound

    @property
    def is_active(self) -> bool:
        return self._sound.is_recording

    def close(self) -> None:
        self._sound.lose()
