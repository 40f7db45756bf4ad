"""The manifest of a folder of recordings: a row a file, with where the word is in it."""

import csv
import io
from pathlib import Path

from firmware_py.errors import SettingsError
from firmware_py.reading.bounds import shown_value
from firmware_py.reading.files import read_file, refused_as

MANIFEST = "manifest.csv"
MOST_BYTES = 2**26
WORD_START, WORD_END = "word_start_seconds", "word_end_seconds"


def read_manifest(path: Path) -> dict[str, dict[str, str]]:
    """Return the rows of a manifest by file name; empty for a folder without one.

    Raises SettingsError for what is no such table, and for a place that is no number of seconds.
    """
    if path.is_dir():
        path = path / MANIFEST
        if not path.exists():
            return {}
    rows = read_table(path)
    if rows and "file" not in rows[0]:
        raise SettingsError(f"{path} has no column 'file'; it must name each recording")
    for number, row in enumerate(rows, start=2):
        for column in (WORD_START, WORD_END):
            _check_seconds(row.get(column), f"{path}, line {number}: {column}")
    return {row["file"]: row for row in rows}


def read_table(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table of comma-separated values by their columns' names.

    Raises SettingsError, one line, for whatever is none, and for rows that are not filled.
    """
    content = read_file(path, "table", MOST_BYTES, SettingsError)
    with refused_as(SettingsError, f"{path}: not a valid table of comma-separated values"):
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise SettingsError(f"{path}, row {number}: it must have one value for each column")
    return rows


def seconds(row: dict[str, str], column: str) -> float | None:
    """Return a place in seconds, or None where the row does not tell it."""
    return float(row[column]) if row.get(column) else None


def _check_seconds(text: str | None, where: str) -> None:
    try:
        fine = not text or 0.0 <= float(text) < float("inf")
    except ValueError:
        fine = False
    if not fine:
        raise SettingsError(f"{where} is {shown_value(text)}; write seconds as 1.25")
