"""What was heard and what was nearly heard, with its clips, and what people say of it.

A clip is two files in the folder of its label: NUMBER-TIME-SCORE.wav, and the same with .json for
what is known of it. The sound is on the disk before the .json, so a .json stands for a whole clip.
Numbers go on from the highest there is: the order does not depend on the clock.
"""

import errno
import json
import logging
import re
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from firmware_py.durable_file import sync_folder, write_durably
from firmware_py.schema import from_mapping

MOST_WITHOUT_CLIPS = 200
"""Entries that are kept in memory only, where no clips are."""
MOMENT_AND_SCORE = r"(?P<time>\d{8}T\d{6})(?P<milliseconds>\d{3})Z-(?P<score>\d\.\d{3})"
CLIP_NAME = re.compile(rf"(?P<number>\d{{6,9}})-{MOMENT_AND_SCORE}")
"""Nothing else in the folder is ever read or deleted, but what a write left half done."""
PARTIAL_NAME = re.compile(rf"\.{CLIP_NAME.pattern}\.(wav|json)\.part")
SECONDS_PER_DAY = 86400.0
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)

Kind = Literal["detection", "close-miss"]
Verdict = Literal["", "right", "wrong"]
"""right: it was the word; wrong: it was not; empty: nobody has said."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class JournalEntry:
    """A detection or a close miss."""

    kind: Kind
    label: str
    model: str
    score: float
    threshold: float
    timestamp: str
    """Time of day, ISO 8601, UTC."""
    verdict: Verdict = ""


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
                _delete(line.clip)
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
                    if line.clip and _modified(line.clip) < limit:
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
        folder = self._folder / _folder_name(line.entry.label)
        score = min(9.999, max(0.0, line.entry.score))  # of one digit, whatever a network gives
        path = folder / f"{line.number:06d}-{_digits(line.entry.timestamp)}-{score:.3f}"
        path = path.with_name(f"{path.name}.wav")
        while True:
            try:
                _make_private(folder)
                write_durably(path, clip)
                write_entry(path, line.entry)
                return path
            except OSError as error:
                _delete(path)
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
            if entry := _read_entry(path, match):
                self._lines[number] = JournalLine(number, entry, path)
            else:  # the power went before its .json
                remove(path)

    def _partial_files(self) -> Iterator[Path]:
        paths = self._folder.glob("*/.*.part") if self._folder else ()
        return (path for path in paths if PARTIAL_NAME.fullmatch(path.name))


def write_entry(clip: Path, entry: JournalEntry) -> None:
    """Note what is known of a clip beside it, on the disk by then; raises OSError."""
    text = json.dumps(asdict(entry), ensure_ascii=False, indent=1)
    write_durably(clip.with_suffix(".json"), f"{text}\n".encode())


def entry_of_name(clip: Path, match: re.Match[str]) -> JournalEntry:
    """Return what a clip's folder and name tell; raises ValueError for a time that is none."""
    moment = datetime.strptime(match["time"], "%Y%m%dT%H%M%S")
    timestamp = f"{moment.isoformat()}.{match['milliseconds']}+00:00"
    return JournalEntry("detection", clip.parent.name, "", float(match["score"]), 0.0, timestamp)


def _read_entry(clip: Path, match: re.Match[str]) -> JournalEntry | None:
    """Return what is known of a clip, by its name where a disk has damaged its .json; else None."""
    path = clip.with_suffix(".json")
    try:
        entry = from_mapping(JournalEntry, json.loads(path.read_bytes()), str(path))
        datetime.fromisoformat(entry.timestamp)
        return entry
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:  # a SettingsError is a ValueError
        log.warning("clips: %s is damaged, the clip's name counts: %s", path.name, error)
    with suppress(ValueError):
        return entry_of_name(clip, match)
    return None


def remove(path: Path) -> None:
    """Delete what was left half done; where the disk takes no changes that is said, no more."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.error("clips: %s", error)


def _delete(clip: Path) -> None:
    """Delete a clip; the .json goes first, so that none stands without its sound."""
    clip.with_suffix(".json").unlink(missing_ok=True)
    clip.unlink(missing_ok=True)
    with suppress(OSError):
        sync_folder(clip.parent)


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _folder_name(label: str) -> str:
    """Return a folder's name for any label: letters, digits, _ and -, never a path."""
    return re.sub(r"[^\w-]", "_", label)[:60] or "_"


def _make_private(folder: Path) -> None:
    """Make a folder and those above it, for us alone whatever the umask is."""
    for each in (*reversed(folder.parents), folder):
        if not each.exists():
            each.mkdir(exist_ok=True, mode=0o700)


def _digits(timestamp: str) -> str:
    digits = re.sub(r"[-:.]", "", timestamp.partition("+")[0])
    return f"{digits.ljust(18, '0')[:18]}Z"
