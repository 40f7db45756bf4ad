"""Clips of what was heard around each detection, in a bounded ring on disk."""

import io
import logging
import os
import queue
import re
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware_py.live.history import History
from firmware_py.outputs.event import Event
from firmware_py.settings import ClipSettings

QUEUE_LENGTH = 20
CLIP_NAME = re.compile(r"\d{8}T\d{9}Z-\d\.\d{3}\.wav")
"""Date, time in ms, score. Nothing else in the folder is ever deleted."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Wanted:
    event: Event
    first: int
    last: int


class EventRecorder:
    """Follows the stream and writes a WAV for each event, in a thread of its own."""

    def __init__(self, settings: ClipSettings, sample_rate_hz: int) -> None:
        self.settings = settings
        self.sample_rate_hz = sample_rate_hz
        self.written = 0
        self.dropped = 0
        self._before = round(settings.seconds_before * sample_rate_hz)
        self._after = round(settings.seconds_after * sample_rate_hz)
        # A chunk as long as the longest filled gap may pass before a clip is cut out.
        self._history = History(self._before + self._after + 10 * sample_rate_hz)
        self._wanted: list[_Wanted] = []
        self._queue: queue.Queue[tuple[Event, NDArray[np.int16]] | None] = queue.Queue(QUEUE_LENGTH)
        self._thread = threading.Thread(target=self._write_all, name="clips", daemon=True)
        self._thread.start()

    def hear(self, samples: NDArray[np.int16]) -> None:
        """Follow the stream; samples: int16 [any length]."""
        self._history.add(samples)
        while self._wanted and self._wanted[0].last <= self._history.heard:
            wanted = self._wanted.pop(0)
            self._put(wanted.event, self._history.between(wanted.first, wanted.last))

    def note(self, event: Event) -> None:
        """Keep what was heard before now and what comes after it."""
        now = self._history.heard
        self._wanted.append(_Wanted(event, max(0, now - self._before), now + self._after))

    def close(self, timeout_seconds: float) -> None:
        """Write what is queued, but do not wait long for it."""
        try:
            self._queue.put_nowait(None)
        except queue.Full:
            return
        self._thread.join(timeout_seconds)

    def _put(self, event: Event, samples: NDArray[np.int16]) -> None:
        try:
            self._queue.put_nowait((event, samples))
        except queue.Full:
            self.dropped += 1
            log.warning("clips: the disk is too slow, a clip is dropped (%d so far)", self.dropped)

    def _write_all(self) -> None:
        while (item := self._queue.get()) is not None:
            event, samples = item
            try:
                path = write_clip(Path(self.settings.folder), event, samples, self.sample_rate_hz)
                delete_oldest(Path(self.settings.folder), self.settings.max_clips)
            except OSError as error:
                log.error("clips: %s", error)
                continue
            self.written += 1
            log.info("clips: wrote %s", path)


def write_clip(folder: Path, event: Event, samples: NDArray[np.int16], sample_rate_hz: int) -> Path:
    """Write one WAV that only we can read; a reader never sees half of it."""
    import soundfile

    target = folder / re.sub(r"[^\w.-]", "_", event.label) / clip_name(event)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    content = io.BytesIO()
    soundfile.write(content, samples, sample_rate_hz, "PCM_16", format="WAV")
    partial = target.with_suffix(".part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content.getvalue())
    return partial.replace(target)


def clip_name(event: Event) -> str:
    """Return the file name of an event's clip; names sort by time."""
    digits = re.sub(r"[-:.]", "", event.timestamp.partition("+")[0])
    return f"{digits.ljust(18, '0')}Z-{event.score:.3f}.wav"


def delete_oldest(folder: Path, keep: int) -> None:
    """Delete the oldest clips in the label folders beyond the newest `keep`."""
    clips = [path for path in folder.glob("*/*.wav") if CLIP_NAME.fullmatch(path.name)]
    for path in sorted(clips, key=lambda path: path.name)[: max(0, len(clips) - keep)]:
        path.unlink(missing_ok=True)
