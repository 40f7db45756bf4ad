"""An earlier run of the bench, to compare with."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware_py.bench.report import Report
from firmware_py.errors import SettingsError
from firmware_py.reading.files import read_file, refused_as, shown

MOST_BYTES = 2**24

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
    content = read_file(path, "earlier run", MOST_BYTES, SettingsError)
    fault = f"{shown(path)}: no output of `trigger-word bench --json`; write it again"
    with refused_as(SettingsError, fault):
        rows = [json.loads(line) for line in content.decode().splitlines() if line]
        costs = {_key(row): float(row["cost"]["total"]) for row in rows}
        machines = frozenset(str(row["machine"]["model"]) for row in rows)
    if not costs:
        raise SettingsError(f"{path}: no measurement in it; write it again")
    return Earlier(path, costs, machines)


def key_of(report: Report) -> Key:
    """Return what tells two measurements apart."""
    return report.name, report.mode, report.runtime, report.num_threads


def _key(row: dict[str, Any]) -> Key:
    return str(row["name"]), str(row["mode"]), str(row["runtime"]), int(row["num_threads"])
