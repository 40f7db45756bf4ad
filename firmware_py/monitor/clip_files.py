"""A clip on the disk: its two files, their names, and the clips of earlier versions.

A clip is two files in the folder of its label: NUMBER-TIME-SCORE.wav, and the same with .json for
what is known of it. The sound is on the disk before the .json, so a .json stands for a whole clip.
Numbers go on from the highest there is: the order does not depend on the clock.
"""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from firmware_py.durable_file import sync_folder, write_durably
from firmware_py.schema import from_mapping

MOMENT_AND_SCORE = r"(?P<time>\d{8}T\d{6})(?P<milliseconds>\d{3})Z-(?P<score>\d\.\d{3})"
CLIP_NAME = re.compile(rf"(?P<number>\d{{6,9}})-{MOMENT_AND_SCORE}")
"""Nothing else in the folder is ever read or deleted, but what a write left half done."""
PARTIAL_NAME = re.compile(rf"\.{CLIP_NAME.pattern}\.(wav|json)\.part")
EARLIER_NAME = re.compile(MOMENT_AND_SCORE)

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


def write_entry(clip: Path, entry: JournalEntry) -> None:
    """Note what is known of a clip beside it, on the disk by then; raises OSError."""
    text = json.dumps(asdict(entry), ensure_ascii=False, indent=1)
    write_durably(clip.with_suffix(".json"), f"{text}\n".encode())


def entry_of_name(clip: Path, match: re.Match[str]) -> JournalEntry:
    """Return what a clip's folder and name tell; raises ValueError for a time that is none."""
    moment = datetime.strptime(match["time"], "%Y%m%dT%H%M%S")
    timestamp = f"{moment.isoformat()}.{match['milliseconds']}+00:00"
    return JournalEntry("detection", clip.parent.name, "", float(match["score"]), 0.0, timestamp)


def read_entry(clip: Path, match: re.Match[str]) -> JournalEntry | None:
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


def delete_clip(clip: Path) -> None:
    """Delete a clip; the .json goes first, so that none stands without its sound."""
    clip.with_suffix(".json").unlink(missing_ok=True)
    clip.unlink(missing_ok=True)
    with suppress(OSError):
        sync_folder(clip.parent)


def modified(path: Path) -> float:
    """Return when a file was last written, seconds since 1970; 0 where it is gone."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def folder_name(label: str) -> str:
    """Return a folder's name for any label: letters, digits, _ and -, never a path."""
    return re.sub(r"[^\w-]", "_", label)[:60] or "_"


def make_private(folder: Path) -> None:
    """Make a folder and those above it, for us alone whatever the umask is."""
    for each in (*reversed(folder.parents), folder):
        if not each.exists():
            each.mkdir(exist_ok=True, mode=0o700)


def digits(timestamp: str) -> str:
    """Return a time of day, ISO 8601, as file names have it: to the millisecond."""
    digits = re.sub(r"[-:.]", "", timestamp.partition("+")[0])
    return f"{digits.ljust(18, '0')[:18]}Z"


def adopt_earlier_clips(folder: Path) -> None:
    """Number the clips of version 0.1.0, TIME-SCORE.wav, and note what is known of them.

    So they are listed, bounded and deleted like all others.
    Stopped at any moment, the rest follows the next time.
    """
    for path in folder.glob("*/*.part"):
        if EARLIER_NAME.fullmatch(path.stem):
            remove(path)
    number = max(_numbers(folder), default=0)
    for path in sorted(folder.glob("*/*.wav"), key=lambda each: each.name):
        match = EARLIER_NAME.fullmatch(path.stem)
        if not match or path.is_symlink():
            continue
        number += 1
        try:
            _adopt(path, match, number)
        except (OSError, ValueError) as error:
            log.error("clips: %s stays as it is: %s", path, error)


def _adopt(path: Path, match: re.Match[str], number: int) -> None:
    clip = path.with_name(f"{number:06d}-{path.name}")
    write_entry(clip, entry_of_name(path, match))
    path.rename(clip)


def _numbers(folder: Path) -> Iterator[int]:
    for path in folder.glob("*/*.wav"):
        if match := CLIP_NAME.fullmatch(path.stem):
            yield int(match["number"])
