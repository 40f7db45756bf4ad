"""One thing to measure, and running it in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from firmware_py.reading.lines import last_line

WORKLOADS = Path(__file__).parent / "workloads"
ROOT = Path(__file__).resolve().parent.parent.parent
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class BenchmarkError(Exception):
    """A measurement failed; the message says which and why."""


@dataclass(frozen=True)
class BenchmarkRow:
    """A result. Times are CPU seconds for each second of audio."""

    group: str
    """ours, naive, floor, peer, models, chunk or stream."""
    name: str
    detail: str
    cpu: float
    network: float | None = None
    """The part of the network alone, where it is known."""
    rss_mb: float | None = None

    def lowest(self, other: "BenchmarkRow") -> "BenchmarkRow":
        """Return the lower of the same measurement's costs, each by itself."""
        network = None
        if self.network is not None and other.network is not None:
            network = min(self.network, other.network)
        return replace(self, cpu=min(self.cpu, other.cpu), network=network)


@dataclass(frozen=True)
class Benchmark:
    """Something that can be measured again and again."""

    group: str
    name: str
    details: tuple[str, ...]
    """One for each row that it gives."""
    measure: Callable[[], Sequence[Mapping[str, Any]]]
    """Returns, for each row, cpu and, where they are known, network and rss_mb."""

    def run(self) -> list[BenchmarkRow]:
        """Return the rows; raises BenchmarkError."""
        answers = zip(self.details, self.measure(), strict=True)
        return [BenchmarkRow(self.group, self.name, detail, **answer) for detail, answer in answers]


def single(
    group: str, name: str, detail: str, measure: Callable[[], Mapping[str, Any]]
) -> Benchmark:
    """Return a benchmark of one row."""
    return Benchmark(group, name, (detail,), lambda: [measure()])


def run_workload(script: str, *arguments: object, python: Path | str = sys.executable) -> Any:
    """Run a script of `workloads`; return the JSON value that it prints last."""
    return _json_of([str(python), str(WORKLOADS / script), *map(str, arguments)])


def run_bench(*arguments: object) -> dict[str, Any]:
    """Run `trigger-word bench --json` for one measurement; return what the table needs."""
    command = [sys.executable, "-m", "firmware_py", "bench", "--json", *map(str, arguments)]
    report = _json_of(command)
    cost = report["cost"]
    return {"cpu": cost["total"], "network": cost["network"], "rss_mb": report["rss_mb"]}


def _json_of(command: Sequence[str]) -> Any:
    environment = {**os.environ, **ONE_THREAD, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        reason = last_line(done.stderr, "no output")
        raise BenchmarkError(f"{' '.join(command[1:4])}: {reason}")
    return json.loads(lines[-1])
