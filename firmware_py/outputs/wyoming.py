"""A wake-word service for Home Assistant: audio comes in over the network, detections go out.

Protocol: https://github.com/OHF-Voice/wyoming. Each connection has its own stream and its own
detectors; what the microphone hears stays on the device.
"""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.info import Attribution, Describe, Info, WakeModel, WakeProgram
from wyoming.ping import Ping, Pong
from wyoming.server import AsyncEventHandler, AsyncTcpServer
from wyoming.wake import Detect, Detection, NotDetected

from firmware_py.errors import AudioError, DeviceError, MissingToolError
from firmware_py.outputs.event import Event as LocalEvent
from firmware_py.outputs.pcm import mono_samples
from firmware_py.outputs.worker import Output
from firmware_py.settings.outputs import WyomingSettings

if TYPE_CHECKING:
    from firmware_py.outputs.announcement import Announcement

RATES_HZ = range(8000, 192001)
START_SECONDS = 10.0
STOP_SECONDS = 0.5

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WakeWord:
    """What can be detected, as clients see it."""

    name: str
    model: str
    version: str


@dataclass(frozen=True)
class Spotted:
    """A word in a client's stream."""

    name: str
    time_seconds: float
    """Audio time since the stream began."""


class Spotter(Protocol):
    """Hears words in one stream."""

    def process(self, samples: NDArray[np.int16]) -> list[Spotted]:
        """Return what the samples complete."""


OpenSpotter = Callable[[Collection[str], int], Spotter]
"""Returns a spotter for the words of these names in samples of this rate in Hz."""


class WyomingService(Output):
    """Serves clients from a thread of its own."""

    def __init__(
        self, settings: WyomingSettings, words: Sequence[WakeWord], open_spotter: OpenSpotter
    ) -> None:
        """Start to listen; raises DeviceError when that fails."""
        self.settings = settings
        self.words = words
        self.open_spotter = open_spotter
        self.pool = ThreadPoolExecutor(1, "wyoming-audio")
        self.clients = 0
        self.detections = 0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._started = threading.Event()
        self._fault: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="wyoming", daemon=True)
        self._thread.start()
        self._started.wait(START_SECONDS)
        if self._fault:
            raise self._fault

    def handle(self, event: LocalEvent) -> None:
        """What our own microphone hears is not for the clients."""

    def close(self) -> None:
        """Hang up and stop to listen."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(STOP_SECONDS)
        self.pool.shutdown(wait=False, cancel_futures=True)

    def info(self) -> Info:
        """Return what clients are told."""
        nobody = Attribution(name="trigger-word", url="")
        models = [
            WakeModel(
                name=word.name,
                attribution=nobody,
                installed=True,
                languages=[],
                description=f"{word.name} ({word.model})",
                version=word.version,
                phrase=word.name,
            )
            for word in self.words
        ]
        version = self.words[0].version if self.words else ""
        program = WakeProgram(
            name="trigger-word",
            attribution=nobody,
            installed=True,
            description="On-device trigger-word detector",
            version=version,
            models=models,
        )
        return Info(wake=[program])

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        settings = self.settings
        server = _Server(settings.host, settings.port)
        try:
            await server.start(lambda reader, writer: _Client(reader, writer, self))
            self.port = server.bound_port
            announcement = await self._announce()
        except (OSError, MissingToolError) as error:
            self._fault = error
            if isinstance(error, OSError):
                self._fault = DeviceError(
                    f"wyoming: cannot listen on {settings.host}:{settings.port}: {error.strerror}"
                )
            await server.stop()
            return
        finally:
            self._started.set()
        log.info("wyoming: listening on %s:%d", settings.host, self.port)
        await self._stopping.wait()
        if announcement:
            await announcement.close()
        await server.stop()

    async def _announce(self) -> "Announcement | None":
        if not self.settings.zeroconf:
            return None
        try:
            from firmware_py.outputs.announcement import Announcement
        except ImportError as error:
            raise MissingToolError(
                "wyoming.zeroconf needs zeroconf; install it with:"
                " pip install 'trigger-word[wyoming]'"
            ) from error
        name = self.settings.name or socket.gethostname()
        announcement = Announcement(name, self.settings.host, self.port)
        await announcement.start()
        return announcement


class _Server(AsyncTcpServer):
    @property
    def bound_port(self) -> int:
        assert isinstance(self._server, asyncio.Server)
        return int(self._server.sockets[0].getsockname()[1])


class _Client(AsyncEventHandler):
    """One connection."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, service: WyomingService
    ) -> None:
        super().__init__(reader, writer)
        self._service = service
        self._names = [word.name for word in service.words]
        self._format: tuple[int, int, int] | None = None
        self._spotter: Spotter | None = None
        self._began_ms = 0
        self._detected = False

    async def run(self) -> None:
        """Serve the client until it leaves or sends what nobody can understand."""
        service = self._service
        if service.clients >= service.settings.max_clients:
            log.warning("wyoming: a client is refused: there are %d", service.clients)
            self.writer.close()
            return
        service.clients += 1
        try:
            await super().run()
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("wyoming: a client is disconnected: %s", error or type(error).__name__)
            log.debug("wyoming: what it sent failed here", exc_info=True)
        finally:
            service.clients -= 1

    async def handle_event(self, event: Event) -> bool:
        if Describe.is_type(event.type):
            await self.write_event(self._service.info().event())
        elif Ping.is_type(event.type):
            await self.write_event(Pong(text=Ping.from_event(event).text).event())
        elif Detect.is_type(event.type):
            self._choose(Detect.from_event(event).names)
        elif AudioStart.is_type(event.type):
            self._begin(AudioStart.from_event(event))
        elif AudioChunk.is_type(event.type):
            await self._hear(AudioChunk.from_event(event))
        elif AudioStop.is_type(event.type):
            await self._end()
        return True

    def _choose(self, names: Sequence[str] | None) -> None:
        known = [word.name for word in self._service.words]
        self._names = [name for name in known if not names or name in names]
        unknown = set(names or ()) - set(known)
        if unknown:
            log.warning(
                "wyoming: no such words: %s; there are %s",
                ", ".join(sorted(unknown)),
                ", ".join(known),
            )

    def _begin(self, start: AudioStart | AudioChunk) -> None:
        if start.rate not in RATES_HZ:
            raise AudioError(f"a sample rate of {start.rate} Hz")
        self._format = (start.rate, start.width, start.channels)
        self._began_ms = start.timestamp or 0
        self._detected = False
        self._spotter = self._service.open_spotter(self._names, start.rate) if self._names else None

    async def _hear(self, chunk: AudioChunk) -> None:
        if self._format != (chunk.rate, chunk.width, chunk.channels):
            self._begin(chunk)
        samples = mono_samples(chunk.audio, chunk.width, chunk.channels)
        if not self._spotter:
            return
        spotted = await asyncio.get_running_loop().run_in_executor(
            self._service.pool, self._spotter.process, samples
        )
        for word in spotted:
            self._detected = True
            self._service.detections += 1
            log.info("wyoming: %r at %.2f s of a client's stream", word.name, word.time_seconds)
            time_ms = self._began_ms + round(1000 * word.time_seconds)
            await self.write_event(Detection(name=word.name, timestamp=time_ms).event())

    async def _end(self) -> None:
        if not self._detected:
            await self.write_event(NotDetected().event())
        self._format = self._spotter = None
        self._detected = False
