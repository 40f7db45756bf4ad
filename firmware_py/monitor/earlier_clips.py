"""Clips that version 0.1.0 kept, TIME-SCORE.wav without notes: taken into the journal."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

from firmware_py.monitor.journal import (
    CLIP_NAME,
    MOMENT_AND_SCORE,
    entry_of_name,
    remove,
    write_entry,
)

EARLIER_NAME = re.compile(MOMENT_AND_SCORE)

log = logging.getLogger(__name__)


def adopt_earlier_clips(folder: Path) -> None:
    """Give them numbers and notes, so that they are listed, bounded and deleted like all others.

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
