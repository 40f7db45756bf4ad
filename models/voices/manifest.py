"""The table of a bank's clips: one CSV row each, appended as they are made."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from firmware_py.errors import SettingsError
from models.recordings.manifest import MANIFEST
from models.replacing import replacing


@dataclass(frozen=True)
class ManifestRow:
    """One clip. Empty: no vocoder (mean f0, formant factor), no room, not said in a carrier."""

    index: int
    file: str
    phrase: str
    engine: str
    voice: str
    rate_wpm: float
    pitch: float
    mean_f0_hz: float | None
    formant_factor: float | None
    t60_seconds: float | None
    direct_to_reverberant_db: float | None
    carrier: str
    word_start_seconds: float
    word_end_seconds: float
    duration_seconds: float
    sample_rate_hz: int
    seed: int


COLUMNS = tuple(field.name for field in fields(ManifestRow))


class ClipManifest:
    """The manifest of one directory; an interrupted run leaves whole rows."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / MANIFEST

    def read(self) -> list[dict[str, str]]:
        """Return the rows there are, as text; a row that was cut short is left out."""
        if not self.path.exists():
            return []
        whole, _, _ = self.path.read_text(encoding="utf-8").rpartition("\n")
        rows = list(csv.DictReader(io.StringIO(whole)))
        if rows and tuple(rows[0]) != COLUMNS:
            raise SettingsError(f"{self.path} has other columns; choose another --out")
        return rows

    def write(self, rows: Iterable[dict[str, str]]) -> None:
        """Replace the whole manifest, in one step."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        with replacing(self.path) as part:
            part.write_text(text.getvalue(), encoding="utf-8")

    def append(self, rows: Iterable[ManifestRow]) -> None:
        """Add rows at the end and see them to the disk."""
        text = io.StringIO()
        csv.DictWriter(text, COLUMNS, lineterminator="\n").writerows(map(as_text, rows))
        with self.path.open("a", encoding="utf-8") as file:
            file.write(text.getvalue())
            file.flush()
            os.fsync(file.fileno())


def as_text(row: ManifestRow) -> dict[str, str]:
    """Return a row's columns as they are written, numbers to four decimals."""
    return {name: cell(value) for name, value in asdict(row).items()}


def cell(value: float | str | None) -> str:
    if value is None:
        return ""
    return f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
