"""The service: listens in a thread of its own, and starts again whatever ends it.

Each connection has its own stream and its own detectors; what the microphone hears stays on the
device.
"""

import asyncio
import logging
import socket
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from wyoming.error import Error
from wyoming.info import Info

from firmware_py.errors import AudioError, MissingToolError
from firmware_py.settings.outputs import WyomingSettings
from firmware_py.wake_service.client import Client
from firmware_py.wake_service.messages import HEADER_BYTES, MessageError
from firmware_py.wake_service.places import Places
from firmware_py.wake_service.words import OpenSpotter, WakeWord, service_info

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from firmware_py.wake_service.announcement import Announcer

START_SECONDS = 10.0
STOP_SECONDS = 0.5
RETRY_SECONDS = 5.0
"""Until it is tried again to listen where that failed."""
BEAT_SECONDS = 1.0
KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 20), ("TCP_KEEPCNT", 3))
"""Two minutes without an answer from a client's network, and the connection is lost."""

log = logging.getLogger(__name__)


class WyomingService:
    """Serves clients from a thread of its own."""

    def __init__(
        self, settings: WyomingSettings, words: Sequence[WakeWord], open_spotter: OpenSpotter
    ) -> None:
        """Start to listen, or go on trying to; raises MissingToolError."""
        self.settings = settings
        self.words = words
        self.open_spotter = open_spotter
        self.detections: Counter[str] = Counter()
        """By word."""
        self.port = 0
        """0: it does not listen."""
        self.pool = ThreadPoolExecutor(1, "wyoming-audio")
        self._open_announcer = _announcer_class() if settings.zeroconf else None
        self._places = Places(settings.max_clients)
        self._beat = 0.0
        self.fault = ""
        """Why it does not listen."""
        self._closing = threading.Event()
        self._tried = threading.Event()
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="wyoming", daemon=True)
        self._thread.start()
        self._tried.wait(START_SECONDS)

    @property
    def clients(self) -> int:
        """Connections that are served."""
        return len(self._places)

    @property
    def is_serving(self) -> bool:
        """Whether it listens, and answers."""
        return bool(self.port) and time.monotonic() - self._beat < 5 * BEAT_SECONDS

    def info(self) -> Info:
        """Return what clients are told."""
        return service_info(self.words)

    def count(self, name: str, time_seconds: float) -> None:
        """Note a detection in a client's stream."""
        self.detections[name] += 1
        log.info("wyoming: %r at %.2f s of a client's stream", name, time_seconds)

    def complain(self, text: str) -> None:
        """Log what a client did wrong."""
        log.warning("wyoming: %s", text)

    def close(self) -> None:
        """Hang up and stop to listen."""
        self._closing.set()
        if self._loop and self._stop:
            with suppress(RuntimeError):  # the loop has just ended by itself
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(STOP_SECONDS)
        self.pool.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                asyncio.run(self._serve())
            except OSError as error:
                settings = self.settings
                self._say(
                    f"cannot listen on {settings.host}:{settings.port}: {error.strerror or error}"
                )
            except Exception as error:
                # Whatever fails in here or in the library, the service comes back.
                log.debug("wyoming: where it failed", exc_info=True)
                self._say(f"the service failed: {error or type(error).__name__}")
            finally:
                self.port = 0
                self._tried.set()
            self._closing.wait(RETRY_SECONDS)

    def _say(self, fault: str) -> None:
        if fault != self.fault:
            log.error("wyoming: %s; tried again each %g s", fault, RETRY_SECONDS)
        self.fault = fault

    async def _serve(self) -> None:
        settings = self.settings
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_exception_handler(self._failed)
        server = await asyncio.start_server(
            self._welcome, settings.host, settings.port, limit=HEADER_BYTES
        )
        self.port = int(server.sockets[0].getsockname()[1])
        self._beat = time.monotonic()
        self.fault = ""
        log.info("wyoming: listening on %s:%d", settings.host, self.port)
        self._tried.set()
        try:
            async with self._announced():
                await self._beat_until_stopped(self._stop)
        finally:
            server.close()  # asyncio.run cancels what is left: the clients' tasks

    async def _beat_until_stopped(self, stop: asyncio.Event) -> None:
        while not (stop.is_set() or self._closing.is_set()):
            self._beat = time.monotonic()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), BEAT_SECONDS)

    @asynccontextmanager
    async def _announced(self) -> "AsyncIterator[None]":
        if not self._open_announcer:
            yield
            return
        name = self.settings.name or socket.gethostname()
        announcer = self._open_announcer(name, self.settings.host, self.port)
        following = asyncio.create_task(announcer.run())
        try:
            yield
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
            await announcer.close()

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        client = Client(reader, writer, self)
        place = self._places.enter(task)
        try:
            _keep_alive(writer)
            if place:
                await client.serve(place)
            else:
                limit = self.settings.max_clients
                self.complain(f"a client is refused: wyoming.max_clients is {limit}")
                await client.tell(Error(f"all {limit} places are taken", "too-many-clients"))
        except (MessageError, AudioError) as error:
            self.complain(f"a client is disconnected for {error}")
            log.debug("wyoming: it sent %.200r", getattr(error, "sent", None))
        except OSError as error:  # a TimeoutError is one
            log.info("wyoming: a client is gone: %s", error or "nothing came for too long")
        except asyncio.CancelledError:
            # The service ends, or the place is needed: asyncio.run and Places.enter do this.
            log.debug("wyoming: a connection is ended")
        except Exception as error:
            log.debug("wyoming: where it failed", exc_info=True)
            self.complain(f"a client is disconnected for an error, {error!r:.200}")
        finally:
            if place:
                self._places.leave(place)
            writer.close()

    def _failed(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log in one line what a callback, ours or the library's, raised."""
        error = context.get("exception")
        log.warning("wyoming: %s: %s", context.get("message"), repr(error)[:200])


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE:
        connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _announcer_class() -> "type[Announcer]":
    try:
        from firmware_py.wake_service.announcement import Announcer
    except ImportError as error:
        raise MissingToolError(
            "wyoming.zeroconf needs zeroconf; install it with: pip install 'trigger-word[wyoming]'"
        ) from error
    return Announcer
