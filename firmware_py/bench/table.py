"""The bench's reports for people."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from firmware_py.bench.machine import Machine
from firmware_py.bench.report import Report
from firmware_py.bench.soak import Soak
from firmware_py.bench.trial import SecondStageCost
from firmware_py.bench.word_latency import WordLatency
from firmware_py.board_state import BoardState

if TYPE_CHECKING:
    from firmware_py.bench.loopback import Loopback

BAR_LENGTH = 20
"""Characters of a whole core."""
_EIGHTHS = " ▏▎▍▌▋▊▉█"
Columns = Mapping[str, Callable[[Report], str]]
"""What stands at the head of each, and how a report fills it."""
WHICH: Columns = {
    "model": lambda r: r.name,
    "mode": lambda r: r.mode,
    "interpreter": lambda r: r.runtime,
}


def share_bar(share: float) -> str:
    """Return a bar for a share of one core, from 0 to 1; anything above 0 shows."""
    eighths = min(8 * BAR_LENGTH, round(8 * BAR_LENGTH * share))
    if share > 0:
        eighths = max(1, eighths)
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + (_EIGHTHS[rest] if rest else "")).ljust(BAR_LENGTH, "·")


def describe_machine(machine: Machine) -> str:
    """Return one line."""
    versions = ", ".join(f"{name} {number}" for name, number in machine.versions.items())
    return (
        f"{machine.model}, {machine.architecture}, {machine.num_cores} cores;"
        f" Python {machine.python}, {versions}"
    )


def describe_state(state: BoardState) -> str:
    """Return what the sensors say, in a few words."""
    facts = []
    if state.temperature_celsius is not None:
        facts.append(f"{state.temperature_celsius:.0f} °C")
    if state.cpu_clock_hz is not None:
        facts.append(f"{state.cpu_clock_hz / 1e6:.0f} MHz")
    if state.throttling is not None:
        facts.append(", ".join(state.throttling) or "no throttling")
    return ", ".join(facts) or "no sensors"


def cost_table(reports: Sequence[Report]) -> str:
    """Return what the stages cost, with a bar for the share of one core."""
    columns: Columns = {
        **WHICH,
        "of one core": lambda r: share_bar(r.cost.total),
        "%": lambda r: f"{r.core_percent:.2f}",
        "CPU s/s": lambda r: f"{r.cost.total:.5f}",
        "front end": lambda r: f"{r.cost.front_end:.5f}",
        "network": lambda r: f"{r.cost.network:.5f}",
        "decision": lambda r: f"{r.cost.decision:.5f}",
    }
    return _table(columns, reports, num_texts=4)


def latency_table(reports: Sequence[Report]) -> str:
    """Return how long a chunk takes, and how long after a word the outputs are called."""
    columns: Columns = {
        **WHICH,
        "a chunk of": lambda r: f"{r.call_ms.budget:g} ms",
        "p50 ms": lambda r: f"{r.call_ms.p50:.3f}",
        "p95 ms": lambda r: f"{r.call_ms.p95:.3f}",
        "p99 ms": lambda r: f"{r.call_ms.p99:.3f}",
        "worst ms": lambda r: f"{r.call_ms.worst:.2f}",
        "after the word ms": _latency,
    }
    return _table(columns, reports, num_texts=3)


def process_table(reports: Sequence[Report]) -> str:
    """Return start-up, memory and, where there is an earlier run, the ratio to its cost."""
    columns: Columns = {
        **WHICH,
        "load CPU s": lambda r: f"{r.load_cpu_seconds:.3f}",
        "start CPU s": lambda r: f"{r.start_cpu_seconds:.3f}",
        "MB": lambda r: f"{r.rss_mb:.1f}",
        "over Python": lambda r: f"{r.rss_over_interpreter_mb:.1f}",
        "threads": lambda r: str(r.process_threads),
        "ratio": lambda r: "-" if r.ratio is None else f"{r.ratio:.2f}",
    }
    return _table(columns, reports, num_texts=3)


def describe_second_stage(cost: SecondStageCost) -> str:
    """Return one line."""
    firing = "" if cost.firing_ms is None else f", {cost.firing_ms:.2f} ms a candidate"
    return (
        f"second stage: {cost.first_look_ms:.2f} ms a first look, {cost.next_look_ms:.2f} ms a"
        f" further one; {cost.looks} looks at {cost.candidates} candidates{firing}"
    )


def describe_soak(soak: Soak) -> str:
    """Return one line."""
    facts = [
        f"{soak.seconds:.0f} s at full load",
        f"real-time factor at first {soak.first_factor:.4f}, at worst {soak.worst_factor:.4f}",
        f"at last {soak.last_factor:.4f}",
        f"memory grew by {soak.rss_growth_mb:.1f} MB",
    ]
    if soak.hottest_celsius is not None:
        facts.append(f"at most {soak.hottest_celsius:.0f} °C")
    if soak.slowest_clock_hz is not None:
        facts.append(f"at least {soak.slowest_clock_hz / 1e6:.0f} MHz")
    return "; ".join([*facts, *soak.throttling])


def describe_loopback(loopback: "Loopback") -> str:
    """Return one line."""
    way = f"from {loopback.speaker!r} to {loopback.microphone!r}"
    if loopback.sound_ms is None:
        return f"{way}: nothing of it was heard; turn the speaker up, or bring the two together"
    return (
        f"{way}: sound {loopback.sound_ms:.0f} ms, end of a word to outputs"
        f" {_in_words(loopback.word_latency_ms)} ms"
    )


def _latency(report: Report) -> str:
    return "-" if report.word_latency_ms is None else _in_words(report.word_latency_ms)


def _in_words(latency: WordLatency) -> str:
    heard = f"{latency.num_heard} of {latency.num_words}"
    if latency.median is None:
        return heard
    return f"{latency.median:.0f}, at most {latency.worst:.0f} ({heard})"


def _table(columns: Columns, reports: Sequence[Report], num_texts: int) -> str:
    """Return a row for each report; the first columns are texts, the others numbers."""
    cells = [[cell(report) for cell in columns.values()] for report in reports]
    rows = [list(columns), *cells]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if index < num_texts else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join(lines)
