"""Accepts connections while there is room, and ends those that say or take too little."""

import asyncio
import logging
import socket
import ssl
from collections import Counter
from dataclasses import dataclass

from aiohttp import web

MOST_CONNECTIONS = 64
MOST_FROM_ONE = 40
"""Of one address, so that nobody shuts the others out: ten open pages need about twenty."""
FIRST_REQUEST_SECONDS = 10.0
"""A connection that has not sent a whole request by then is closed."""
LONGEST_SECONDS = 300.0
"""So is one that is this old, but the streams of open pages."""

log = logging.getLogger(__name__)


@dataclass
class _Connection:
    address: str
    protocol: object = None
    """None: still opening."""
    has_asked: bool = False
    is_stream: bool = False


class Connections:
    """The connections of one server."""

    def __init__(self, server: web.Server, tls: ssl.SSLContext | None) -> None:
        self._server = server
        self._tls = tls
        self._open: list[_Connection] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.refused = 0

    def asked(self, request: web.Request) -> None:
        """Note that a connection has sent a whole request."""
        for each in self._of(request):
            each.has_asked = True

    def streams(self, request: web.Request) -> None:
        """Note that a connection lives as long as its reader does."""
        for each in self._of(request):
            each.is_stream = True

    async def accept(self, listener: socket.socket) -> None:
        """Accept for ever."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, address = await loop.sock_accept(listener)
            except OSError as error:  # no descriptor is left
                log.warning("web: cannot accept a connection: %s", error)
                await asyncio.sleep(1.0)
                continue
            connection = _Connection(str(address[0]))
            if not self._has_room(connection.address):
                self.refused += 1
                accepted.close()
                continue
            self._open.append(connection)
            task = asyncio.create_task(self._serve(accepted, connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _of(self, request: web.Request) -> list[_Connection]:
        return [each for each in self._open if each.protocol is request.protocol]

    def _has_room(self, address: str) -> bool:
        alive = self._server.connections
        self._open = [each for each in self._open if not each.protocol or each.protocol in alive]
        counts = Counter(each.address for each in self._open)
        return counts.total() < MOST_CONNECTIONS and counts[address] < MOST_FROM_ONE

    async def _serve(self, accepted: socket.socket, connection: _Connection) -> None:
        loop = asyncio.get_running_loop()
        handshake = FIRST_REQUEST_SECONDS if self._tls else None
        try:
            transport, connection.protocol = await loop.connect_accepted_socket(
                self._server, accepted, ssl=self._tls, ssl_handshake_timeout=handshake
            )
        except OSError:  # ssl.SSLError is one: somebody who speaks no TLS
            self._open.remove(connection)
            return

        def end_the_mute() -> None:
            if not connection.has_asked:
                transport.abort()

        def end_the_old() -> None:
            if not connection.is_stream:
                transport.abort()

        loop.call_later(FIRST_REQUEST_SECONDS, end_the_mute)
        loop.call_later(LONGEST_SECONDS, end_the_old)
