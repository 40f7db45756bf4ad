"""Clips of what was heard around each detection and each close miss."""

import io
import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware_py.monitor.clip_files import JournalEntry
from firmware_py.monitor.history import History
from firmware_py.monitor.journal import Journal, JournalLine
from firmware_py.settings import ClipSettings

QUEUE_LENGTH = 20
FORGET_SECONDS = 3600.0
"""How often clips that are too old are looked for when nothing happens."""
MOST_AGO_SECONDS = 10.0
"""A close miss is known this long after its peak, at most."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Wanted:
    entry: JournalEntry
    first: int
    last: int


class EventRecorder:
    """Follows the stream and notes each event in the journal, in a thread of its own.

    Without settings for clips the journal is told of the events, and no sound is kept.
    """

    def __init__(
        self,
        settings: ClipSettings | None,
        sample_rate_hz: int,
        journal: Journal,
        tell: Callable[[JournalLine], None],
    ) -> None:
        """
        tell: called with each new line of the journal, in the recorder's thread.
        """
        self.settings = settings
        self.sample_rate_hz = sample_rate_hz
        self.written = 0
        self.dropped = 0
        self._journal = journal
        self._tell = tell
        self._before = round(settings.seconds_before * sample_rate_hz) if settings else 0
        self._after = round(settings.seconds_after * sample_rate_hz) if settings else 0
        self._history = History(self._before + self._after + round(10.0 * sample_rate_hz))
        self._wanted: list[_Wanted] = []
        self._queue: queue.Queue[tuple[JournalEntry, NDArray[np.int16]] | None] = queue.Queue(
            QUEUE_LENGTH
        )
        self._thread = threading.Thread(target=self._write_all, name="clips", daemon=True)
        self._thread.start()

    def hear(self, samples: NDArray[np.int16]) -> None:
        """Follow the stream; samples: int16 [any length]."""
        if not self.settings:
            return
        self._history.add(samples)
        while self._wanted and self._wanted[0].last <= self._history.heard:
            wanted = self._wanted.pop(0)
            self._put(wanted.entry, self._history.between(wanted.first, wanted.last))

    def note(self, entry: JournalEntry, ago_seconds: float = 0.0) -> None:
        """Keep what was heard before a moment and what came, or comes, after it.

        ago_seconds: how long the moment is past.
        """
        if not self.settings:
            self._put(entry, np.zeros(0, np.int16))
            return
        ago_seconds = min(ago_seconds, MOST_AGO_SECONDS)
        moment = self._history.heard - round(ago_seconds * self.sample_rate_hz)
        self._wanted.append(_Wanted(entry, max(0, moment - self._before), moment + self._after))
        self._wanted.sort(key=lambda wanted: wanted.last)

    def close(self, timeout_seconds: float) -> None:
        """Write what is queued, but do not wait long for it."""
        try:
            self._queue.put_nowait(None)
        except queue.Full:
            return
        self._thread.join(timeout_seconds)

    def _put(self, entry: JournalEntry, samples: NDArray[np.int16]) -> None:
        try:
            self._queue.put_nowait((entry, samples))
        except queue.Full:
            self.dropped += 1
            log.warning("clips: the disk is too slow, a clip is dropped (%d so far)", self.dropped)

    def _write_all(self) -> None:
        while True:
            try:
                item = self._queue.get(timeout=FORGET_SECONDS)
            except queue.Empty:
                self._journal.forget_old()
                continue
            if item is None:
                return
            entry, samples = item
            clip = wav(samples, self.sample_rate_hz) if self.settings else None
            try:
                line = self._journal.add(entry, clip)
            except OSError as error:
                log.error("clips: %s", error)
                continue
            if line.clip:
                self.written += 1
                log.info("clips: wrote %s", line.clip)
            self._tell(line)


def wav(samples: NDArray[np.int16], sample_rate_hz: int) -> bytes:
    """Return int16 [samples] as a WAV file."""
    import soundfile

    content = io.BytesIO()
    soundfile.write(content, samples, sample_rate_hz, "PCM_16", format="WAV")
    return content.getvalue()
