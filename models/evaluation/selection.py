"""Which recordings are tried, and what is known about each."""

import logging
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from firmware_py.audio import open_recording, read_blocks
from firmware_py.errors import AudioError, SettingsError
from models.recordings.digest import file_digest
from models.recordings.folds import fold_of
from models.recordings.manifest import WORD_END, WORD_START, read_manifest, seconds
from models.recordings.sources import sound_files
from models.recordings.voice_names import speaker

OnBad = Literal["skip", "refuse"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EvaluationClip:
    """A recording and what a manifest tells about it."""

    path: Path
    source: str
    """The folder it was named by."""
    engine: str = ""
    """What spoke it, where it is synthetic."""
    voice: str = ""
    word_start_seconds: float | None = None
    word_end_seconds: float | None = None

    @property
    def title(self) -> str:
        """The file's name, after who speaks it where the manifest tells."""
        name = self.path.name
        return f"{speaker(self.engine, self.voice)}, {name}" if self.voice else name


@dataclass(frozen=True)
class BadFile:
    """A recording that could not be used."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Selection:
    """Which of the recordings found are tried."""

    folds: Collection[int] | None = None
    """Only these folds (`models.recordings.folds`); None: all."""
    include: Sequence[str] = ()
    """Patterns of positives' paths below their folder; empty: all."""
    exclude: Sequence[str] = ()
    limit: int | None = None
    """At most this many, drawn at random."""
    seed: int = 1

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise SettingsError(f"--seed is {self.seed}; the least is 0")


@dataclass
class BadFiles:
    """Names bad recordings and goes on, or refuses them."""

    on_bad: OnBad = "skip"
    files: list[BadFile] = field(default_factory=list)

    def add(self, bad: BadFile) -> None:
        """Name the file in the log, once, or raise AudioError."""
        if self.on_bad == "refuse":
            raise AudioError(bad.reason)
        if bad.path not in (file.path for file in self.files):
            log.warning("skipped: %s", bad.reason)
            self.files.append(bad)


def find_clips(folders: Sequence[Path], selection: Selection, role: str) -> list[EvaluationClip]:
    """Return the recordings in `folders` that `selection` takes, copies of one file once.

    A folder may also be a single recording. Raises SettingsError when a folder is missing or
    nothing is left.
    """
    clips = _without_copies([clip for folder in folders for clip in _clips_in(folder, selection)])
    if selection.folds is not None:
        clips = [clip for clip in clips if fold_of(clip.path) in selection.folds]
    if not clips:
        names = ", ".join(str(folder) for folder in folders)
        raise SettingsError(f"no {role} to try in {names}; name folders with sound files")
    if selection.limit is not None and selection.limit < len(clips):
        rng = np.random.default_rng(selection.seed)
        chosen = np.sort(rng.choice(len(clips), selection.limit, replace=False))
        clips = [clips[index] for index in chosen]
    return clips


def _without_copies(clips: Sequence[EvaluationClip]) -> list[EvaluationClip]:
    """Return the recordings, of equal files the first: one that counts twice weighs twice."""
    sizes = [clip.path.stat().st_size for clip in clips]
    of_size = Counter(sizes)
    seen: set[str] = set()
    kept = []
    for clip, size in zip(clips, sizes, strict=True):
        if of_size[size] > 1:
            content = file_digest(clip.path)
            if content in seen:
                continue
            seen.add(content)
        kept.append(clip)
    if len(kept) < len(clips):
        log.warning("%d of %d recordings are copies of others", len(clips) - len(kept), len(clips))
    return kept


def _clips_in(folder: Path, selection: Selection) -> list[EvaluationClip]:
    if folder.is_file():
        return [clip_of(folder, folder.parent.name, read_manifest(folder.parent))]
    if not folder.is_dir():
        raise SettingsError(f"{folder}: there is no such folder; check the path")
    source = folder.resolve().name
    files = list(sound_files(folder, selection.include, selection.exclude))
    manifests = {parent: read_manifest(parent) for parent in {file.parent for file in files}}
    return [clip_of(file, source, manifests[file.parent]) for file in files]


def clip_of(file: Path, source: str, manifest: dict[str, dict[str, str]]) -> EvaluationClip:
    """Return a recording with what the manifest tells about it."""
    row = manifest.get(file.name, {})
    return EvaluationClip(
        file,
        source,
        engine=row.get("engine") or "",
        voice=row.get("voice") or "",
        word_start_seconds=seconds(row, WORD_START),
        word_end_seconds=seconds(row, WORD_END),
    )


def load_recording(path: Path) -> tuple[NDArray[np.int16], int]:
    """Return the first channel of a recording, int16 [samples], and its rate.

    Raises AudioError for a file that is missing, damaged or empty.
    """
    rate_hz = open_recording(path).sample_rate_hz
    return np.concatenate(list(read_blocks(path))), rate_hz
