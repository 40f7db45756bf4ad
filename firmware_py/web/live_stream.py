"""The messages of the listening thread, for pages that are open.

Nothing here is waited for: each page has a bounded queue that forgets the oldest, and while no
page is open nothing is sent at all.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from firmware_py.monitor.broadcast import Broadcast

QUEUE_LENGTH = 60
"""Messages that wait for one page: some six seconds of sound."""


class Page:
    """The messages that wait for one open page."""

    def __init__(self) -> None:
        self._messages: deque[str] = deque(maxlen=QUEUE_LENGTH)
        self._there = asyncio.Event()
        self._closed = False

    def put(self, text: str) -> None:
        self._messages.append(text)
        self._there.set()

    def close(self) -> None:
        """End `messages`."""
        self._closed = True
        self._there.set()

    async def messages(self) -> AsyncIterator[str]:
        """Yield messages as they come, until the page is closed."""
        while not self._closed:
            await self._there.wait()
            self._there.clear()
            while self._messages:
                yield self._messages.popleft()


class LiveStream:
    """Takes the messages over from the listening thread and hands them to all open pages."""

    def __init__(self, broadcast: Broadcast, loop: asyncio.AbstractEventLoop) -> None:
        self._broadcast = broadcast
        self._loop = loop
        self._inbox: deque[dict[str, Any]] = deque(maxlen=QUEUE_LENGTH)
        self._called = False
        self._pages: set[Page] = set()

    def __len__(self) -> int:
        return len(self._pages)

    @contextmanager
    def page(self) -> Iterator[Page]:
        """Open a page; messages come to it until it is closed."""
        page = Page()
        self._pages.add(page)
        if len(self._pages) == 1:
            self._broadcast.add(self._deliver)
        try:
            yield page
        finally:
            self._pages.discard(page)
            if not self._pages:
                self._broadcast.remove(self._deliver)
                self._inbox.clear()

    def close(self) -> None:
        """Let all pages end."""
        for page in self._pages:
            page.close()

    def _deliver(self, message: dict[str, Any]) -> None:
        """Take a message; runs in the sender's thread."""
        self._inbox.append(message)
        if not self._called:
            self._called = True
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._hand_on)

    def _hand_on(self) -> None:
        self._called = False
        while self._inbox:
            text = json.dumps(self._inbox.popleft(), separators=(",", ":"))
            for page in self._pages:
                page.put(text)
