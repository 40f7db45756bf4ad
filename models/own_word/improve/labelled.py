"""The labelled clips of a place: read from a folder or the page's ZIP, divided by time."""

import json
import logging
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from firmware_py.errors import SettingsError
from firmware_py.monitor.export import FOLDERS, MANIFEST
from firmware_py.reading.files import read_file, refused_as
from firmware_py.sound_files.containers import READABLE
from models.recordings.sources import sound_files

RIGHT, WRONG = FOLDERS["right"], FOLDERS["wrong"]
"""The folders of clips that hold the word, and of those that do not."""
MOST_FILES, MOST_BYTES_A_FILE, MOST_BYTES = 20_000, 50_000_000, 4_000_000_000
MOST_RATIO = 100
"""Of all clips to the ZIP itself; the page packs nothing."""
MOST_MANIFEST_BYTES = 10_000_000
KEPT_OUT_EVERY = 3
"""The newest third is kept out of training."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LabelledClip:
    """A clip that somebody has judged."""

    path: Path
    right: bool
    """It holds the word."""
    moment: float
    """When it was heard, seconds since 1970."""


def as_folder(clips: Path, unpacked: Path) -> Path:
    """Return the folder of the clips; a ZIP's are put into `unpacked`.

    Raises SettingsError for what is neither, is damaged, or is far larger than clips are.
    """
    if clips.is_dir():
        return clips
    if not clips.is_file():
        raise SettingsError(f"{clips}: there is no such folder or ZIP; check the path")
    with (
        refused_as(SettingsError, f"{clips}: no ZIP of clips; export it again"),
        zipfile.ZipFile(clips) as archive,
    ):
        members = [member for member in archive.infolist() if _is_wanted(member.filename)]
        _refuse_huge(clips, members)
        for member in members:
            archive.extract(member, unpacked)  # never outside, whatever its name
    return unpacked


def _is_wanted(name: str) -> bool:
    path = PurePosixPath(name)
    wanted = path.suffix.lower() in READABLE and path.parts[0] in (RIGHT, WRONG)
    return wanted or name == MANIFEST


def _refuse_huge(clips: Path, members: Sequence[zipfile.ZipInfo]) -> None:
    """Raise SettingsError for far more, or far more densely packed, than a device exports."""
    largest = max((member.file_size for member in members), default=0)
    total = sum(member.file_size for member in members)
    if len(members) > MOST_FILES or largest > MOST_BYTES_A_FILE or total > MOST_BYTES:
        raise SettingsError(
            f"{clips}: {len(members)} files of {total} bytes, the largest of {largest};"
            f" at most {MOST_FILES} files of {MOST_BYTES_A_FILE} bytes are taken"
        )
    packed = clips.stat().st_size
    if total > MOST_RATIO * packed:
        raise SettingsError(f"{clips}: {total} bytes packed into {packed}; export it again")


def read_labelled(folder: Path, label: str) -> list[LabelledClip]:
    """Return the clips of a word, the oldest first; those of other words are left out and counted.

    A clip's word is the manifest's, or else the name of its folder; right in `positives` or
    `negatives` it is of the model's own word. Raises SettingsError when there are none.
    """
    noted = _manifest(folder)
    clips, others = [], 0
    for name, right in ((RIGHT, True), (WRONG, False)):
        for path in _sounds(folder / name):
            inside = path.relative_to(folder)
            entry = noted.get(inside.as_posix(), {})
            said = entry.get("label") or (inside.parts[1] if len(inside.parts) > 2 else label)
            if said != label:
                others += 1
                continue
            clips.append(LabelledClip(path, right, _moment(entry, path)))
    if others:
        log.info("%d clips of other words are left out", others)
    if not clips:
        raise SettingsError(
            f"{folder}: no clip labelled {label!r}; it wants {RIGHT}/{label}/*.wav and"
            f" {WRONG}/{label}/*.wav, as the page exports them"
        )
    return sorted(clips, key=lambda clip: (clip.moment, clip.path))


def divide(clips: Sequence[LabelledClip]) -> tuple[list[LabelledClip], list[LabelledClip]]:
    """Return the clips that train, and the newest third of each kind, which only judge.

    By time, because clips of one evening are near to each other: what is judged came later. Of a
    kind with fewer than three clips all train.
    """
    train: list[LabelledClip] = []
    judge: list[LabelledClip] = []
    for right in (True, False):
        kind = [clip for clip in clips if clip.right == right]
        first_kept = len(kind) - len(kind) // KEPT_OUT_EVERY
        train += kind[:first_kept]
        judge += kind[first_kept:]
    return train, judge


def _sounds(folder: Path) -> Iterator[Path]:
    return sound_files(folder) if folder.is_dir() else iter(())


def _manifest(folder: Path) -> dict[str, dict[str, str]]:
    """Return what the device noted of each clip, by its path in the folder."""
    path = folder / MANIFEST
    if not path.exists():
        return {}
    with refused_as(SettingsError, f"{path}: no manifest of clips; export it again"):
        content = read_file(path, "manifest", MOST_MANIFEST_BYTES, SettingsError)
        entries = json.loads(content)["clips"]
        return {entry["file"]: {key: str(entry[key]) for key in entry} for entry in entries}


def _moment(entry: dict[str, str], path: Path) -> float:
    try:
        return datetime.fromisoformat(entry["timestamp"]).timestamp()
    except (KeyError, ValueError, OverflowError, OSError):
        return path.stat().st_mtime
