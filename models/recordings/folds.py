"""Folds: which recordings may train, and which are kept to judge.

A fold holds whole speakers, so that a network judged on a fold that did not train has heard
none of its people before.
"""

import hashlib
import re
from collections.abc import Collection, Iterable
from pathlib import Path

from firmware_py.errors import SettingsError
from firmware_py.reading.bounds import shown_value

NUM_FOLDS = 10

_NAMED_SPEAKERS = (
    re.compile(r"(?P<speaker>.+?)_nohash_\d+"),  # Speech Commands: speaker_nohash_take
    re.compile(r"(?P<speaker>\d+)-\d+-\d+"),  # LibriSpeech: speaker-chapter-utterance
    re.compile(r"\d_(?P<speaker>[a-z]+)_\d+"),  # Free Spoken Digits: digit_speaker_take
    re.compile(r"(?P<speaker>[a-z-]+_.+?)(-a)?_\d{5}"),  # models speak: engine_voice_number
)
_CUT_OUT = re.compile(r"-at-\d+ms$")


def speaker_of(path: Path) -> str:
    """Return the speaker that the file's name tells, or its whole stem where it tells none.

    A stretch cut out of a recording has the recording's speaker.
    """
    stem = _CUT_OUT.sub("", path.stem)
    for pattern in _NAMED_SPEAKERS:
        if match := pattern.fullmatch(stem):
            return match["speaker"]
    return stem


def name_of_stretch(path: Path, start_seconds: float) -> str:
    """Return the file name of what is cut out of a recording; it stays in the same fold."""
    return f"{path.stem}-at-{round(1000 * start_seconds)}ms.flac"


def fold_of(path: Path) -> int:
    """Return the fold of a recording, 0 to 9: sha1(speaker) modulo 10.

    It depends on the name alone: adding recordings moves no other one.
    """
    digest = hashlib.sha1(speaker_of(path).encode(), usedforsecurity=False).hexdigest()
    return int(digest, 16) % NUM_FOLDS


def in_folds(paths: Iterable[Path], folds: Collection[int]) -> list[Path]:
    """Return those of `paths` that lie in one of `folds`, in their order."""
    return [path for path in paths if fold_of(path) in folds]


def first_besides(kept: Collection[int]) -> int:
    """Return the first fold that is not one of `kept`."""
    return next(fold for fold in range(NUM_FOLDS) if fold not in kept)


def parse_folds(text: str) -> frozenset[int]:
    """Return the folds that `text` names, such as "0,1" or "2-9"; raises SettingsError."""
    folds: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d)(?:-(\d))?\s*", part)
        if not match:
            raise SettingsError(
                f"folds are {shown_value(text)}; write them as 0,1 or 2-9, each from 0 to 9"
            )
        folds.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    return frozenset(folds)
