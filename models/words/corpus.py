"""A folder in the Speech Commands layout, in memory: one folder a word, and background noise."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware_py.errors import AudioError, SettingsError
from firmware_py.labels import UNKNOWN
from firmware_py.sound_files.containers import READABLE
from models.recordings.sources import BankRecording, find_folder, load_samples
from models.recordings.word_place import word_bounds
from models.settings.words import Extra, WordsRecipe
from models.words.division import Part, read_parts

BACKGROUND = "_background_noise_"
UNKNOWN_WORD = "_unknown_"
STRETCH_SECONDS = 3.0
"""A longer recording of a further folder, running speech, is as many takes as it has such parts."""
BACKGROUND_PARTS: dict[Part, tuple[float, float]] = {
    "training": (0.0, 0.8),
    "validation": (0.8, 0.9),
    "testing": (0.9, 1.0),
}
"""The stretch of each background recording that a part may hear."""


@dataclass(frozen=True)
class WordRecording:
    """One recording of one word."""

    word: str
    take: BankRecording
    share: float = 1.0
    """How often it is drawn, against others."""


@dataclass(frozen=True)
class Corpus:
    """The recordings of one part of a data set."""

    part: Part
    said: tuple[WordRecording, ...]
    backgrounds: tuple[NDArray[np.int16], ...]
    """[samples] each."""

    @cached_property
    def words(self) -> tuple[str, ...]:
        return tuple(sorted({said.word for said in self.said}))

    def of(self, label: str, labels: Sequence[str]) -> list[WordRecording]:
        """Return what teaches `label`: recordings of the word, or of no label for unknown."""
        if label == UNKNOWN:
            return [said for said in self.said if said.word not in labels]
        return [said for said in self.said if said.word == label]


@lru_cache(maxsize=4)
def load_corpus(
    recipe: WordsRecipe, roots: tuple[Path, ...], part: Part, sample_rate_hz: int
) -> Corpus:
    """Return one part at `sample_rate_hz`; extras belong to training alone.

    Raises SettingsError for a folder that is missing or has no words, AudioError for a bad file.
    """
    folder = find_folder(recipe.folder, roots)
    parts = read_parts(folder, recipe.division)
    said = [
        WordRecording(file.parent.name, _take(file, sample_rate_hz))
        for file in _word_files(folder)
        if parts.part_of(f"{file.parent.name}/{file.name}") == part
    ]
    if not said:
        raise SettingsError(
            f"{folder}: no recording for {part}; name a folder with one folder a"
            " word, or other percentages"
        )
    if part == "training":
        for extra in recipe.extras:
            said += _extra(extra, find_folder(extra.path, roots), sample_rate_hz)
    return Corpus(part, tuple(said), tuple(_backgrounds(folder / BACKGROUND, part, sample_rate_hz)))


def _word_files(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.glob("*/*")):
        if file.parent.name != BACKGROUND and file.suffix.lower() in READABLE:
            yield file


def _take(file: Path, sample_rate_hz: int) -> BankRecording:
    return _bounded(load_samples(file, sample_rate_hz), sample_rate_hz, file)


def _bounded(samples: NDArray[np.int16], sample_rate_hz: int, file: Path) -> BankRecording:
    start, end = word_bounds(samples, sample_rate_hz)
    return BankRecording(samples, start, end, 0, file)


def _extra(extra: Extra, folder: Path, sample_rate_hz: int) -> Iterator[WordRecording]:
    for file in sorted(folder.rglob("*")):
        if file.suffix.lower() not in READABLE or BACKGROUND in file.parts:
            continue
        try:
            samples = load_samples(file, sample_rate_hz)
        except AudioError:
            continue  # a further folder may hold what is no recording
        for stretch in _stretches(samples, round(STRETCH_SECONDS * sample_rate_hz)):
            take = _bounded(stretch, sample_rate_hz, file)
            yield WordRecording(extra.word or file.parent.name, take, extra.share)


def _stretches(samples: NDArray[np.int16], length: int) -> list[NDArray[np.int16]]:
    """Return parts of about equal length, none of them longer than `length` samples."""
    return np.array_split(samples, max(1, -(-len(samples) // length)))


def _backgrounds(folder: Path, part: Part, sample_rate_hz: int) -> Iterator[NDArray[np.int16]]:
    low, high = BACKGROUND_PARTS[part]
    for file in sorted(folder.glob("*")):
        if file.suffix.lower() in READABLE:
            samples = load_samples(file, sample_rate_hz)
            yield samples[int(low * len(samples)) : int(high * len(samples))]
