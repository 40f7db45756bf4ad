"""The results: what was measured, on what, and when."""

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from board.benchmarks.benchmark import BenchmarkRow
from board.benchmarks.emulated import Count

NUMBERS, PICTURE = "results.json", "results.png"
PACKAGES = ("numpy", "tflite-runtime", "ai-edge-litert", "tensorflow", "keras")


@dataclass(frozen=True)
class Results:
    """One run."""

    machine: str
    rounds: int
    seconds: float
    rows: list[BenchmarkRow]
    counts: list[Count] = field(default_factory=list)
    date: str = field(default_factory=lambda: datetime.now(UTC).date().isoformat())

    def group(self, name: str) -> list[BenchmarkRow]:
        return [row for row in self.rows if row.group == name]

    def cheapest(self, name: str) -> BenchmarkRow | None:
        """Return the cheapest of our rows whose name begins so, or None without any."""
        rows = [row for row in self.group("ours") if row.name.startswith(name)]
        return min(rows, key=lambda row: row.cpu, default=None)

    def cheapest_of_each(self) -> list[BenchmarkRow]:
        """Return the cheapest of our rows of each model on each interpreter."""
        names = dict.fromkeys(row.name for row in self.group("ours"))
        return [row for name in names if (row := self.cheapest(name))]

    @property
    def model_names(self) -> list[str]:
        return list(dict.fromkeys(row.name.partition(" on ")[0] for row in self.group("ours")))


def this_machine() -> str:
    """Return processor, system and versions in one line."""
    processor = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
        if line.startswith("model name"):
            processor = line.partition(":")[2].strip()
    packages = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return f"{processor}, {system}, Python {platform.python_version()}, {packages}"


def write_results(results: Results, folder: Path) -> None:
    """Write the numbers."""
    content = json.dumps(asdict(results), indent=1) + "\n"
    (folder / NUMBERS).write_text(content, encoding="utf-8")


def read_results(folder: Path) -> Results:
    """Return the numbers of the last run."""
    content = json.loads((folder / NUMBERS).read_text(encoding="utf-8"))
    rows = [BenchmarkRow(**row) for row in content["rows"]]
    counts = [Count(**count) for count in content["counts"]]
    return Results(**{**content, "rows": rows, "counts": counts})


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"
