"""A thread and a bounded queue for each output: a slow or failing one delays nothing else."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress

from firmware_py.outputs.event import Event

QUEUE_LENGTH = 100

Prepare = Callable[[], None]
"""Something that an output does before the next event."""

log = logging.getLogger(__name__)


class Output:
    """What answers an event. `handle` and `close` are called from the worker's thread only."""

    @property
    def refused(self) -> int:
        """Events that were handed over and that the other side refused later."""
        return 0

    def handle(self, event: Event) -> None:
        """Answer; may take its time, may raise."""
        raise NotImplementedError

    def interrupt(self) -> None:
        """Let a `handle` that waits return at once; called from another thread."""

    def close(self) -> None:
        """Leave everything in its safe state."""


class OutputWorker:
    """Hands events to one output in a thread of its own."""

    def __init__(
        self,
        name: str,
        output: Output,
        labels: Collection[str] = (),
        queue_length: int = QUEUE_LENGTH,
    ) -> None:
        """
        labels: the events that the output wants; none: all.
        """
        self.name = name
        self.output = output
        self._labels = frozenset(labels)
        self._queue: queue.Queue[Event | Prepare | None] = queue.Queue(queue_length)
        self.handled = 0
        self._failures = 0
        self.dropped = 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    @property
    def queued(self) -> int:
        """Events that wait."""
        return self._queue.qsize()

    @property
    def failures(self) -> int:
        """Events that were not answered."""
        return self._failures + self.output.refused

    def put(self, event: Event) -> None:
        """Queue an event if the output wants it; never waits, drops the event when full."""
        if self._labels and event.label not in self._labels:
            return
        try:
            self._queue.put_nowait(event)
        except queue.Full:
            self.dropped += 1
            log.warning(
                "%s: too slow, event %r dropped (%d so far)", self.name, event.label, self.dropped
            )

    def prepare(self, what: Prepare) -> None:
        """Let the thread do something, unless it has too much to do already."""
        with suppress(queue.Full):
            self._queue.put_nowait(what)

    def test(self, event: Event) -> None:
        """Let the output answer an event whatever its label; never waits."""
        self.prepare(lambda: self.output.handle(event))

    def close(self) -> None:
        """Ask the thread to forget what is queued and close the output; do not wait."""
        self._closing.set()
        self.output.interrupt()
        while True:
            try:
                self._queue.put_nowait(None)
                return
            except queue.Full:
                with suppress(queue.Empty):
                    self._queue.get_nowait()

    def join(self, timeout_seconds: float) -> bool:
        """Wait for the thread's end; return whether it came."""
        self._thread.join(max(0.0, timeout_seconds))
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (item := self._queue.get()) is not None and not self._closing.is_set():
            self._do(item)
        try:
            self.output.close()
        except Exception:
            log.exception("%s: closing failed", self.name)

    def _do(self, item: Event | Prepare) -> None:
        try:
            if isinstance(item, Event):
                self.output.handle(item)
                self.handled += 1
            else:
                item()
        except Exception as error:
            # Whatever an output's library raises, the others and the audio must go on.
            self._failures += 1
            log.error("%s: %s", self.name, error or type(error).__name__)
            log.debug("%s: where it failed", self.name, exc_info=True)


def close_all(workers: Collection[OutputWorker], timeout_seconds: float) -> list[str]:
    """Close all workers within the time; return the names of those that still hang."""
    deadline = time.monotonic() + timeout_seconds
    for worker in workers:
        worker.close()
    return [worker.name for worker in workers if not worker.join(deadline - time.monotonic())]
