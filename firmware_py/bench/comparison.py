"""An earlier run of the bench, to compare with."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware_py.bench.report import Report
from firmware_py.errors import SettingsError

Key = tuple[str, str, str, int]
"""Name of the model, mode, interpreter, threads."""


@dataclass(frozen=True)
class Earlier:
    """What a run wrote with --json."""

    path: Path
    costs: dict[Key, float]
    """CPU seconds for each second of audio."""
    machines: frozenset[str]


def read_earlier(path: Path) -> Earlier:
    """Return the costs in a file of JSON lines; raises SettingsError."""
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
        costs = {_key(row): float(row["cost"]["total"]) for row in rows}
        machines = frozenset(str(row["machine"]["model"]) for row in rows)
    except OSError as error:
        raise SettingsError(f"{path}: cannot read the earlier run: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(
            f"{path}: no output of `trigger-word bench --json` ({error}); write it again"
        ) from error
    if not costs:
        raise SettingsError(f"{path}: no measurement in it; write it again")
    return Earlier(path, costs, machines)


def key_of(report: Report) -> Key:
    """Return what tells two measurements apart."""
    return report.name, report.mode, report.runtime, report.num_threads


def _key(row: dict[str, Any]) -> Key:
    return str(row["name"]), str(row["mode"]), str(row["runtime"]), int(row["num_threads"])
