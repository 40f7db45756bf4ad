"""One client: its stream, the words that it wants, and what it is told."""

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event, Eventable, async_write_event
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.wake import Detect, Detection, NotDetected

from firmware_py.wake_service.messages import MessageError, read_message
from firmware_py.wake_service.pcm import mono_samples
from firmware_py.wake_service.places import Place
from firmware_py.wake_service.token_bucket import TokenBucket
from firmware_py.wake_service.words import OpenSpotter, Spotted, Spotter, WakeWord

RATES_HZ = range(8000, 384001)
CHANNELS = range(1, 17)
WIDTHS = range(1, 5)
"""Bytes a sample."""
IDLE_SECONDS = 300.0
"""Without a message for this long the connection is ended."""
WRITE_SECONDS = 10.0
"""A client that does not take an answer within this time is gone."""
BLOCK_SECONDS = 0.5
"""What is heard at once, however long the chunk."""
TIMES_REAL_TIME = 2.0
BURST_SECONDS = 20.0
"""Audio may come so much faster than it was spoken, after a burst; then the client has to wait."""
MESSAGE_COSTS = 0.005
"""Of any message, in seconds of audio."""
OPENING_COSTS = 0.5
"""Of detectors that are opened, in seconds of audio."""


@dataclass(frozen=True)
class Format:
    """What a client says of its samples."""

    rate_hz: int
    sample_bytes: int
    num_channels: int


class Host(Protocol):
    """The service that a client talks to."""

    @property
    def words(self) -> Sequence[WakeWord]:
        """What can be detected."""

    @property
    def open_spotter(self) -> OpenSpotter:
        """Opens a stream's detectors, in the pool."""

    @property
    def pool(self) -> Executor:
        """Runs what takes time."""

    def info(self) -> Info:
        """Return what clients are told."""

    def count(self, name: str, time_seconds: float) -> None:
        """Note a detection."""

    def complain(self, text: str) -> None:
        """Log what a client did wrong."""


class Client:
    """One connection; each has a stream and detectors of its own."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, service: Host
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._service = service
        self._bucket = TokenBucket(TIMES_REAL_TIME, BURST_SECONDS)
        self._names = [word.name for word in service.words]
        self._format: Format | None = None
        self._spotter: Spotter | None = None
        self._began_ms = 0
        self._heard_seconds = 0.0
        """Of the stream."""
        self._opened_seconds = 0.0
        """How much of the stream had been heard when its detectors were opened."""
        self._detected = False

    async def serve(self, place: Place) -> None:
        """Answer until the client leaves or is quiet for too long.

        Raises MessageError or AudioError for what nobody can understand, and OSError.
        """
        while event := await read_message(self._reader, IDLE_SECONDS):
            place.heard()
            await self._wait_for(MESSAGE_COSTS)
            await self._answer(event)

    async def tell(self, what: Eventable) -> None:
        """Send an event; raises TimeoutError when the client does not take it."""
        async with asyncio.timeout(WRITE_SECONDS):
            await async_write_event(what.event(), self._writer)

    async def _answer(self, event: Event) -> None:
        if Describe.is_type(event.type):
            await self.tell(self._service.info())
        elif Ping.is_type(event.type):
            await self.tell(Pong(text=_text(event, "text")))
        elif Detect.is_type(event.type):
            self._choose(_names(event))
        elif AudioStart.is_type(event.type):
            self._begin(event)
        elif AudioChunk.is_type(event.type):
            await self._hear(event)
        elif AudioStop.is_type(event.type):
            await self._end()

    def _choose(self, wanted: list[str] | None) -> None:
        """Change the words, now or in the middle of a stream."""
        known = [word.name for word in self._service.words]
        self._names = [name for name in known if not wanted or name in wanted]
        if self._spotter and not self._spotter.choose(self._names):
            self._spotter = None
        unknown = sorted(set(wanted or ()) - set(known))
        if unknown:
            self._service.complain(f"a client wants words that no model has: {unknown!r:.200}")

    def _begin(self, event: Event) -> None:
        self._format = _format(event)
        self._began_ms = _number(event, "timestamp", None) or 0
        self._heard_seconds = 0.0
        self._detected = False
        self._spotter = None

    async def _hear(self, event: Event) -> None:
        if not self._format or self._format != _format(event):
            self._begin(event)
        assert self._format
        chosen = self._format
        samples = mono_samples(event.payload or b"", chosen.sample_bytes, chosen.num_channels)
        for block in _blocks(samples, round(BLOCK_SECONDS * chosen.rate_hz)):
            seconds = len(block) / chosen.rate_hz
            await self._wait_for(seconds)
            for word in await self._spot(block):
                await self._tell_of(word)
            self._heard_seconds += seconds

    async def _spot(self, samples: NDArray[np.int16]) -> list[Spotted]:
        if not self._names:
            return []
        assert self._format
        run = asyncio.get_running_loop().run_in_executor
        pool = self._service.pool
        if not self._spotter:
            await self._wait_for(OPENING_COSTS)
            self._opened_seconds = self._heard_seconds
            open_spotter = self._service.open_spotter
            names = self._names
            self._spotter = await run(pool, open_spotter, names, self._format.rate_hz)
        return await run(pool, self._spotter.process, samples)

    async def _tell_of(self, word: Spotted) -> None:
        self._detected = True
        seconds = self._opened_seconds + word.time_seconds
        self._service.count(word.name, seconds)
        time_ms = self._began_ms + round(1000 * seconds)
        await self.tell(Detection(name=word.name, timestamp=time_ms))

    async def _end(self) -> None:
        if not self._detected:
            await self.tell(NotDetected())
        self._format = self._spotter = None
        self._detected = False

    async def _wait_for(self, seconds: float) -> None:
        wait_seconds = self._bucket.take(seconds)
        if wait_seconds:
            await asyncio.sleep(wait_seconds)


def _blocks(samples: NDArray[np.int16], length: int) -> Iterator[NDArray[np.int16]]:
    for start in range(0, len(samples), length):
        yield samples[start : start + length]


def _format(event: Event) -> Format:
    return Format(
        _number(event, "rate", RATES_HZ) or 0,
        _number(event, "width", WIDTHS) or 0,
        _number(event, "channels", CHANNELS) or 0,
    )


def _number(event: Event, name: str, allowed: range | None) -> int | None:
    """Return a whole number of the event, in the range where there is one, else None too."""
    value = event.data.get(name)
    if allowed is None and value is None:
        return None
    if type(value) is not int or (allowed is not None and value not in allowed):
        raise MessageError(f"a wrong {name} of the audio", value)
    return value


def _text(event: Event, name: str) -> str | None:
    value = event.data.get(name)
    if value is not None and not isinstance(value, str):
        raise MessageError(f"a wrong {name}", value)
    return value


def _names(event: Event) -> list[str] | None:
    names = event.data.get("names")
    if names is not None and not (
        isinstance(names, list) and all(isinstance(name, str) for name in names)
    ):
        raise MessageError("wrong names of words", names)
    return names
