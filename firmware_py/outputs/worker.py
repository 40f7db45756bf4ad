"""A thread and a bounded queue for each output: a slow or failing one delays nothing else."""

import logging
import queue
import threading
import time
from collections.abc import Collection
from typing import Protocol

from firmware_py.outputs.event import Event

QUEUE_LENGTH = 100

log = logging.getLogger(__name__)


class Output(Protocol):
    """What answers an event. Both methods are called from the worker's thread only."""

    def handle(self, event: Event) -> None:
        """Answer; may take its time, may raise."""

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
        self._queue: queue.Queue[Event | None] = queue.Queue(queue_length)
        self.handled = 0
        self.failures = 0
        self.dropped = 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    @property
    def queued(self) -> int:
        """Events that wait."""
        return self._queue.qsize()

    def put(self, event: Event) -> None:
        """Queue an event if the output wants it; never waits, drops the event when full."""
        if self._labels and event.label not in self._labels:
            return
        try:
            self._queue.put_nowait(event)
        except queue.Full:
            self.dropped += 1
            log.warning("%s: too slow, event %r dropped (%d so far)", self.name, event.label,
                        self.dropped)  # fmt: skip

    def close(self) -> None:
        """Ask the thread to forget what is queued and close the output; do not wait."""
        self._closing.set()
        while True:
            try:
                self._queue.put_nowait(None)
                return
            except queue.Full:
                self._forget_one()

    def join(self, timeout_seconds: float) -> bool:
        """Wait for the thread's end; return whether it came."""
        self._thread.join(max(0.0, timeout_seconds))
        return not self._thread.is_alive()

    def _forget_one(self) -> None:
        try:
            self._queue.get_nowait()
        except queue.Empty:
            return

    def _work(self) -> None:
        while (event := self._queue.get()) is not None and not self._closing.is_set():
            self._handle(event)
        try:
            self.output.close()
        except Exception:
            log.exception("%s: closing failed", self.name)

    def _handle(self, event: Event) -> None:
        try:
            self.output.handle(event)
            self.handled += 1
        except Exception as error:
            # Whatever an output's library raises, the others and the audio must go on.
            self.failures += 1
            log.error("%s: %r failed: %s", self.name, event.label, error or type(error).__name__)
            log.debug("%s: where it failed", self.name, exc_info=True)


def close_all(workers: Collection[OutputWorker], timeout_seconds: float) -> list[str]:
    """Close all workers within the time; return the names of those that still hang."""
    deadline = time.monotonic() + timeout_seconds
    for worker in workers:
        worker.close()
    return [worker.name for worker in workers if not worker.join(deadline - time.monotonic())]
