"""What is in a folder of recordings, and what of it is left out."""

import logging
import os
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from firmware_py.errors import SettingsError
from firmware_py.sound_files.containers import READABLE, UNREADABLE

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FolderContents:
    """The sound files below a folder."""

    folder: Path
    sounds: tuple[Path, ...]
    """Those that can be read, sorted."""
    unreadable: tuple[Path, ...]
    """Those of other formats."""
    hidden: tuple[Path, ...]
    """Those whose name, or a folder's of theirs, begins with a dot: trash, caches, previews."""

    def log_left_out(self) -> None:
        """Say, once in a process, what is left out."""
        if text := self.left_out():
            _log_once(f"{self.folder}: left out {text}")

    def left_out(self) -> str:
        """Return what is left out and why, nothing if that is nothing."""
        parts = []
        if self.unreadable:
            suffixes = Counter(file.suffix.lower() for file in self.unreadable)
            counts = ", ".join(f"{count} {suffix}" for suffix, count in sorted(suffixes.items()))
            parts.append(f"{counts} (cannot be read; convert them to WAV or FLAC with ffmpeg)")
        if self.hidden:
            parts.append(f"{len(self.hidden)} hidden")
        return " and ".join(parts)


def folder_contents(folder: Path) -> FolderContents:
    """Return what is below `folder`; folders behind links belong to it, each once."""
    sounds: list[Path] = []
    unreadable: list[Path] = []
    hidden: list[Path] = []
    seen = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:  # a link that leads back
            folders.clear()
            continue
        seen.add(real)
        for name in names:
            file = Path(place, name)
            suffix = file.suffix.lower()
            if suffix not in READABLE | UNREADABLE:
                continue
            if any(part.startswith(".") for part in file.relative_to(folder).parts):
                hidden.append(file)
            else:
                (sounds if suffix in READABLE else unreadable).append(file)
    return FolderContents(folder, *(tuple(sorted(each)) for each in (sounds, unreadable, hidden)))


def refuse_folder_without_sound(folder: Path, use: str) -> None:
    """Raise SettingsError, with what is there instead, for a folder with nothing to read."""
    contents = folder_contents(folder)
    if not contents.sounds:
        instead = contents.left_out()
        raise SettingsError(
            f"{folder}: no recording to use as {use}; "
            + (f"there is only {instead}" if instead else "add WAV, FLAC, Ogg or MP3 files")
        )
    contents.log_left_out()


@cache
def _log_once(text: str) -> None:
    log.warning("%s", text)
