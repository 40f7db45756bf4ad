"""What the bench says of one artefact on one interpreter."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from firmware_py.bench.machine import Machine
from firmware_py.bench.soak import Soak
from firmware_py.bench.trial import CallTimes, Cost, SecondStageCost
from firmware_py.bench.word_latency import WordLatency
from firmware_py.board_state import BoardState
from firmware_py.interpreter import Runtime

if TYPE_CHECKING:
    from firmware_py.bench.loopback import Loopback

BYTES_PER_MB = 1e6


@dataclass(frozen=True)
class Report:
    """One JSON object of `trigger-word bench --json`."""

    model: str
    """Path of the artefact."""
    name: str
    mode: str
    sha256: str
    runtime: Runtime
    num_threads: int
    audio_seconds: float
    cost: Cost
    real_time_factor: float
    call_ms: CallTimes
    load_cpu_seconds: float
    start_cpu_seconds: float
    rss_mb: float
    rss_over_interpreter_mb: float
    process_threads: int
    machine: Machine
    before: BoardState
    after: BoardState
    word_latency_ms: WordLatency | None = None
    second_stage: SecondStageCost | None = None
    soak: Soak | None = None
    loopback: "Loopback | None" = None
    ratio: float | None = None
    """Cost over that of the earlier run."""
    excesses: tuple[str, ...] = ()
    """What is over the budget or past the tolerance, in words."""

    @property
    def core_percent(self) -> float:
        """How much of one core a live stream takes."""
        return 100.0 * self.cost.total
