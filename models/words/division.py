"""Who trains, who validates and who tests: by speaker, as the data set's own rule has it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from firmware_py.errors import SettingsError
from firmware_py.reading.bounds import shown_value
from models.recordings.manifest import read_table
from models.settings.words import Division, Share

Part = Literal["training", "validation", "testing"]
MOST_SPEAKERS = 2**27 - 1
SPLIT_COLUMNS = ("split", "official_split")


def listed_speaker(name: str) -> str:
    """Return what of a file name tells the speaker: all before `_nohash_`."""
    return Path(name).stem.partition("_nohash_")[0]


def percentile(key: str) -> float:
    """Return a stable number from 0 to 100 for a speaker (Warden 2018, section 7.1).

    The data set's `which_set`: sha1 modulo 2^27 as a percentage.
    """
    digest = hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()
    return int(digest, 16) % (MOST_SPEAKERS + 1) * (100.0 / MOST_SPEAKERS)


def part_by_rule(key: str, validation_percent: float, testing_percent: float) -> Part:
    """Return the part of a speaker: the lowest percentiles validate, the next test."""
    place = percentile(key)
    if place < validation_percent:
        return "validation"
    return "testing" if place < validation_percent + testing_percent else "training"


@dataclass(frozen=True)
class Parts:
    """Answers to which part a file belongs."""

    division: Division
    listed: Mapping[str, str]
    """Split by file name as `word/file`, from the list."""

    def part_of(self, file: str) -> Part:
        """Return the part of `word/file`; raises SettingsError for a split of the list that is
        none of the three and is not shared out."""
        division, speaker = self.division, listed_speaker(file)
        split = self.listed.get(file)
        if split is None:
            return part_by_rule(speaker, division.validation_percent, division.testing_percent)
        share = _share_of(division, split)
        if share:
            key = f"{split}-{speaker}"
            return part_by_rule(key, share.validation_percent, share.testing_percent)
        for part in get_args(Part):
            if split == part:
                found: Part = part
                return found
        raise SettingsError(
            f"{division.list}: split {shown_value(split)} of {shown_value(file)} is none of"
            f" {', '.join(get_args(Part))};"
            " say how to share it out in [[words.division.shares]]"
        )


def read_parts(folder: Path, division: Division) -> Parts:
    """Return the division of a data set's folder, with its list read."""
    if not division.list:
        return Parts(division, {})
    path = folder / division.list
    rows = read_table(path)
    column = next((name for name in SPLIT_COLUMNS if rows and name in rows[0]), None)
    if column is None or "file" not in rows[0]:
        raise SettingsError(f"{path}: needs the columns file and {' or '.join(SPLIT_COLUMNS)}")
    return Parts(division, {row["file"]: row[column] for row in rows})


def _share_of(division: Division, split: str) -> Share | None:
    return next((share for share in division.shares if share.split == split), None)
