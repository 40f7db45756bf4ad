"""What a model may cost on a board."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware_py.errors import SettingsError
from firmware_py.reading.files import read_file, refused_as, shown
from firmware_py.reading.toml import MOST_BYTES, read_toml
from firmware_py.schema import from_mapping


@dataclass(frozen=True)
class Budget:
    """The most that is allowed; None: anything."""

    core_percent: float | None = None
    """Of one core."""
    rss_mb: float | None = None
    """Memory of the whole process, in 10^6 bytes."""

    def excesses(self, core_percent: float, rss_mb: float) -> tuple[str, ...]:
        """Return what is over, in words."""
        over = []
        if self.core_percent is not None and core_percent > self.core_percent:
            over.append(f"{core_percent:.2f} % of one core, {self.core_percent:g} % allowed")
        if self.rss_mb is not None and rss_mb > self.rss_mb:
            over.append(f"{rss_mb:.1f} MB, {self.rss_mb:g} MB allowed")
        return tuple(over)


def read_budgets(path: Path) -> dict[str, Budget]:
    """Return budgets by the name of the model, from the table `budget` of a TOML or JSON file.

    [budget.activate]
    core_percent = 10
    rss_mb = 60

    Other tables are left alone, so that a board's profile will do. Raises SettingsError.
    """
    content = (
        _read_json(path) if path.suffix == ".json" else read_toml(path, "budget", SettingsError)
    )
    table = content.get("budget") if isinstance(content, dict) else None
    if not isinstance(table, dict) or not table:
        raise SettingsError(f"{path} has no budget; add [budget.MODEL] with core_percent or rss_mb")
    return {
        name: from_mapping(Budget, row, f"{path}: budget.{name}") for name, row in table.items()
    }


def _read_json(path: Path) -> Any:
    text = read_file(path, "budget", MOST_BYTES, SettingsError)
    with refused_as(SettingsError, f"{shown(path)}: not a valid JSON file"):
        return json.loads(text)
