"""From the thread that listens to whoever looks, without ever waiting for them."""

import threading
from collections.abc import Callable
from typing import Any

Deliver = Callable[[dict[str, Any]], None]
"""Takes a message at once and never waits; it drops what its reader has no time for."""


class Broadcast:
    """Hands messages to all who look."""

    def __init__(
        self, begin: Callable[[], None] = lambda: None, end: Callable[[], None] = lambda: None
    ) -> None:
        """
        begin, end: called when the first begins to look, and when the last has gone.
        """
        self._begin = begin
        self._end = end
        self._lock = threading.Lock()
        self._viewers: tuple[Deliver, ...] = ()

    @property
    def is_watched(self) -> bool:
        """Whether anybody looks: else nothing need be computed."""
        return bool(self._viewers)

    def send(self, message: dict[str, Any]) -> None:
        """Hand a message, JSON-ready, to all."""
        for deliver in self._viewers:
            deliver(message)

    def add(self, viewer: Deliver) -> None:
        with self._lock:
            self._viewers = (*self._viewers, viewer)
            if len(self._viewers) == 1:
                self._begin()

    def remove(self, viewer: Deliver) -> None:
        with self._lock:
            others = tuple(each for each in self._viewers if each != viewer)
            if self._viewers and not others:
                self._end()
            self._viewers = others
