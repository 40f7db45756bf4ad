"""Servers that answer as a test wants."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def served(answer: Callable[[socket.socket], object]) -> Iterator[int]:
    """Answer each connection in a thread of its own."""

    def one(connection: socket.socket) -> None:
        with connection, suppress(OSError, AssertionError):
            answer(connection)

    def serve() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=one, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield int(server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)
