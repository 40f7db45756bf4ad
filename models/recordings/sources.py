"""Folders of recordings, loaded once and drawn from at random."""

import fnmatch
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from firmware_py.audio import open_sound
from firmware_py.errors import AudioError, SettingsError
from firmware_py.level import FULL_SCALE, to_int16
from models.recordings.folder_contents import folder_contents
from models.recordings.folds import fold_of
from models.recordings.manifest import MANIFEST, WORD_END, WORD_START, read_manifest, seconds
from models.settings.recipe import Source

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BankRecording:
    """One recording at the bank's rate."""

    samples: NDArray[np.int16]
    """[samples]"""
    word_start: int
    """First sample of the word; 0 where no manifest says more."""
    word_end: int
    """Sample after the last of the word; the length where no manifest says more."""
    fold: int
    file: Path


class Bank:
    """The recordings of one source, in memory."""

    def __init__(self, source: Source, takes: Sequence[BankRecording]) -> None:
        self.source = source
        self.takes = takes

    def draw(self, rng: np.random.RandomState) -> BankRecording:
        """Return one recording, every one as likely."""
        return self.takes[rng.randint(len(self.takes))]

    def excerpt(self, rng: np.random.RandomState, sample_rate_hz: int) -> BankRecording:
        """Return one recording, or a stretch of it where the source asks for excerpts."""
        take = self.draw(rng)
        if self.source.excerpt_seconds is None:
            return take
        low, high = self.source.excerpt_seconds
        length = min(int(rng.uniform(low, high) * sample_rate_hz), len(take.samples))
        start = rng.randint(len(take.samples) - length + 1)
        return BankRecording(take.samples[start : start + length], 0, length, take.fold, take.file)


def load_bank(
    source: Source, roots: tuple[Path, ...], sample_rate_hz: int, folds: Sequence[int]
) -> Bank:
    """Return the recordings of `source` at `sample_rate_hz`, of the named folds only.

    A small source may have none in these folds; backgrounds are not divided.
    Raises SettingsError for a missing or empty folder, AudioError for a bad file unless the
    source says to skip those (each is then named in the log).
    """
    takes = _load_takes(source, roots, sample_rate_hz)
    if not takes:
        folder = find_folder(source.path, roots)
        raise SettingsError(f"{folder}: no recording to use as {source.role}; add some")
    if source.role not in ("positive", "negative"):  # few, and nobody speaks in them
        return Bank(source, takes)
    if source.fold is not None:
        return Bank(source, takes if source.fold in folds else ())
    return Bank(source, [take for take in takes if take.fold in folds])


@lru_cache(maxsize=64)
def _load_takes(
    source: Source, roots: tuple[Path, ...], sample_rate_hz: int
) -> tuple[BankRecording, ...]:
    """Return all recordings of a source; a process reads each folder once."""
    folder = find_folder(source.path, roots)
    takes = []
    unplaced = 0
    for file in sound_files(folder, source.include, source.exclude):
        place = _word_places(file.parent).get(file.name)
        unplaced += place is None
        try:
            takes.append(_load(file, sample_rate_hz, place))
        except AudioError as error:
            if source.on_bad == "refuse":
                raise
            log.warning("skipped: %s", error)
    if source.role == "positive" and unplaced:
        log.warning(
            "%s: no %s tells where the word is in %d recordings; it is taken to end with them",
            folder,
            MANIFEST,
            unplaced,
        )
    return tuple(takes)


def find_folder(path: str, roots: Sequence[Path]) -> Path:
    """Return the folder `path` under the first root that has it."""
    for root in roots:
        if (root / path).is_dir():
            return root / path
    places = ", ".join(str(root) for root in roots) or "no --data folder"
    raise SettingsError(f"no folder {path!r} in {places}; name its parent with --data DIR")


def sound_files(
    folder: Path, include: Sequence[str] = (), exclude: Sequence[str] = ()
) -> Iterator[Path]:
    """Yield the sound files below `folder` whose path from there matches, sorted.

    Folders behind links belong to it; hidden files and folders do not. The log says, once, what
    else looks like sound and is left out.
    """
    contents = folder_contents(folder)
    contents.log_left_out()
    for file in contents.sounds:
        path = file.relative_to(folder).as_posix()
        wanted = not include or any(fnmatch.fnmatch(path, pattern) for pattern in include)
        refused = any(fnmatch.fnmatch(path, pattern) for pattern in exclude)
        if wanted and not refused:
            yield file


def load_samples(file: Path, sample_rate_hz: int, most_seconds: float = inf) -> NDArray[np.int16]:
    """Return the first channel of a recording, int16 [samples] at `sample_rate_hz`.

    Raises AudioError naming a file that is unreadable, empty, silent or longer than `most_seconds`.
    """
    with open_sound(file) as sound:
        rate_hz = sound.sample_rate_hz
        blocks, length = [], 0
        for block in sound.channels():
            length += len(block)
            if length > most_seconds * rate_hz:
                raise AudioError(f"{file}: more than {most_seconds:g} s of sound; cut it")
            blocks.append(block)
    samples = np.concatenate([block[:, 0] for block in blocks])
    if rate_hz != sample_rate_hz:
        samples = soxr.resample(samples, rate_hz, sample_rate_hz)
    result = to_int16(samples * FULL_SCALE)
    if not result.any():
        others = any(block.any() for block in blocks)
        remedy = "keep the other channel alone" if others else "record it again or remove it"
        what = "the first channel of the recording" if others else "the recording"
        raise AudioError(f"{file}: {what} is silent; {remedy}")
    return result


def _load(
    file: Path, sample_rate_hz: int, word_seconds: tuple[float, float] | None
) -> BankRecording:
    samples = load_samples(file, sample_rate_hz)
    start, end = 0, len(samples)
    if word_seconds is not None:
        start, last = (round(seconds * sample_rate_hz) for seconds in word_seconds)
        end = min(end, last)
    return BankRecording(samples, start, end, fold_of(file), file)


@lru_cache(maxsize=1024)
def _word_places(folder: Path) -> dict[str, tuple[float, float]]:
    """Return start and end of the word in seconds by file name, where a manifest tells it."""
    places = {}
    for name, row in read_manifest(folder).items():
        end = seconds(row, WORD_END)
        if end:
            places[name] = (seconds(row, WORD_START) or 0.0, end)
    return places
