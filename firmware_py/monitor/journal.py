"""What was heard and what was nearly heard, with its clips, and what people say of it."""

import errno
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from firmware_py.durable_file import write_durably
from firmware_py.monitor.clip_files import (
    CLIP_NAME,
    PARTIAL_NAME,
    JournalEntry,
    Verdict,
    adopt_earlier_clips,
    delete_clip,
    digits,
    folder_name,
    make_private,
    modified,
    read_entry,
    remove,
    write_entry,
)
from firmware_py.settings import ClipSettings

MOST_WITHOUT_CLIPS = 200
"""Entries that are kept in memory only, where no clips are."""
SECONDS_PER_DAY = 86400.0
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class JournalLine:
    """An entry of the journal with its number and, where one is kept, its clip."""

    number: int
    entry: JournalEntry
    clip: Path | None = None

    def as_json(self) -> dict[str, Any]:
        return {"id": self.number, "has_clip": self.clip is not None, **asdict(self.entry)}


class Journal:
    """All entries, the newest last. Any thread may call."""

    def __init__(self, folder: Path | None, max_clips: int = 0, max_days: float = 0.0) -> None:
        """
        folder: where clips are kept; None: nothing is written.
        """
        self._folder = folder
        self._max_clips = max_clips
        self._max_days = max_days
        self._lock = threading.RLock()
        self._lines: dict[int, JournalLine] = {}
        self._highest = 0
        if folder:
            self._read(folder)
            self.forget_old()

    def __len__(self) -> int:
        return len(self._lines)

    def lines(self) -> list[JournalLine]:
        """Return what is known, the newest first."""
        with self._lock:
            return sorted(self._lines.values(), key=lambda line: -line.number)

    def find(self, number: int) -> JournalLine | None:
        return self._lines.get(number)

    def add(self, entry: JournalEntry, clip: bytes | None = None) -> JournalLine:
        """Note an entry; clip: its WAV file, where one is kept.

        Raises OSError when the clip cannot be written, on a full disk even after others made room.
        """
        with self._lock:
            line = JournalLine(self._highest + 1, entry)
            if clip is not None and self._folder:
                line = replace(line, clip=self._write(line, clip))
            self._highest = line.number
            self._lines[line.number] = line
            self.forget_old()
            return line

    def judge(self, number: int, verdict: Verdict) -> JournalLine:
        """Keep what somebody says of an entry; it is on the disk on return.

        Raises KeyError for an entry that is gone, and OSError, with the old verdict kept.
        """
        with self._lock:
            line = self._lines[number]
            judged = replace(line, entry=replace(line.entry, verdict=verdict))
            if line.clip:
                write_entry(line.clip, judged.entry)
            self._lines[number] = judged
            return judged

    def delete(self, number: int) -> None:
        """Forget an entry and its clip; raises KeyError when it is gone."""
        with self._lock:
            line = self._lines[number]
            if line.clip:
                delete_clip(line.clip)
            del self._lines[number]

    def delete_everything(self) -> int:
        """Forget all entries and all clips; return how many there were."""
        with self._lock:
            count = len(self._lines)
            for number in list(self._lines):
                self.delete(number)
            for path in self._partial_files():
                path.unlink(missing_ok=True)
            return count

    def forget_old(self) -> None:
        """Forget what is more, or older, than may be kept; what was judged goes last."""
        with self._lock:
            with_clip = [line for line in self._lines.values() if line.clip]
            if self._max_days:
                limit = time.time() - self._max_days * SECONDS_PER_DAY
                for line in with_clip:
                    if line.clip and modified(line.clip) < limit:
                        self._forget(line)
                with_clip = [line for line in with_clip if line.number in self._lines]
            with_clip.sort(key=lambda line: (bool(line.entry.verdict), line.number))
            newest = max(self._lines, default=0)
            surplus = len(with_clip) - self._max_clips
            for line in [each for each in with_clip if each.number != newest][: max(0, surplus)]:
                self._forget(line)
            bare = sorted(line.number for line in self._lines.values() if not line.clip)
            for number in bare[: max(0, len(bare) - MOST_WITHOUT_CLIPS)]:
                del self._lines[number]

    def _forget(self, line: JournalLine) -> None:
        try:
            self.delete(line.number)
        except OSError as error:
            log.error("clips: %s", error)

    def _write(self, line: JournalLine, clip: bytes) -> Path:
        """Write a clip; on a full disk the oldest that nobody has judged make room."""
        assert self._folder
        folder = self._folder / folder_name(line.entry.label)
        score = min(9.999, max(0.0, line.entry.score))  # of one digit, whatever a network gives
        path = folder / f"{line.number:06d}-{digits(line.entry.timestamp)}-{score:.3f}"
        path = path.with_name(f"{path.name}.wav")
        while True:
            try:
                make_private(folder)
                write_durably(path, clip)
                write_entry(path, line.entry)
                return path
            except OSError as error:
                delete_clip(path)
                oldest = self._oldest_unjudged()
                if error.errno not in DISK_FULL or oldest is None:
                    raise
                self.delete(oldest)

    def _oldest_unjudged(self) -> int | None:
        lines = self._lines.values()
        return min(
            (line.number for line in lines if line.clip and not line.entry.verdict), default=None
        )

    def _read(self, folder: Path) -> None:
        for path in self._partial_files():
            remove(path)
        for path in sorted(folder.glob("*/*.wav")):
            if not (match := CLIP_NAME.fullmatch(path.stem)) or path.is_symlink():
                continue
            number = int(match["number"])
            self._highest = max(self._highest, number)
            if entry := read_entry(path, match):
                self._lines[number] = JournalLine(number, entry, path)
            else:  # the power went before its .json
                remove(path)

    def _partial_files(self) -> Iterator[Path]:
        paths = self._folder.glob("*/.*.part") if self._folder else ()
        return (path for path in paths if PARTIAL_NAME.fullmatch(path.name))


def open_journal(clips: ClipSettings | None) -> Journal:
    """Return the journal of a site; without settings for clips it is in memory only."""
    if not clips:
        return Journal(None)
    folder = Path(clips.folder)
    adopt_earlier_clips(folder)
    return Journal(folder, clips.max_clips, clips.max_days)
