"""Clips that version 0.1.0 kept, TIME-SCORE.wav without notes: taken into the journal."""

import logging
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from firmware_py.monitor.journal import CLIP_NAME, JournalEntry, write_entry

EARLIER_NAME = re.compile(r"(?P<time>\d{8}T\d{6})(?P<milliseconds>\d{3})Z-(?P<score>\d\.\d{3})")

log = logging.getLogger(__name__)


def adopt_earlier_clips(folder: Path) -> None:
    """Give them numbers and notes, so that they are listed, bounded and deleted like all others.

    Stopped at any moment, the rest follows the next time.
    """
    for path in folder.glob("*/*.part"):
        if EARLIER_NAME.fullmatch(path.stem):
            path.unlink(missing_ok=True)
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
    moment = datetime.strptime(match["time"], "%Y%m%dT%H%M%S")
    timestamp = f"{moment.isoformat()}.{match['milliseconds']}+00:00"
    name = path.parent.name
    score = float(match["score"])
    clip = path.with_name(f"{number:06d}-{path.name}")
    write_entry(clip, JournalEntry("detection", name, "", score, 0.0, timestamp))
    path.rename(clip)


def _numbers(folder: Path) -> Iterator[int]:
    for path in folder.glob("*/*.wav"):
        if match := CLIP_NAME.fullmatch(path.stem):
            yield int(match["number"])
