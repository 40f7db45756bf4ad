"""Sustained load: does the board become slower, does the process grow?"""

from dataclasses import dataclass

from firmware_py.bench.trial import SoakSample
from firmware_py.board_state import BoardState


@dataclass(frozen=True)
class Soak:
    """How it went under full load."""

    seconds: float
    first_factor: float
    """Real-time factor in the first ten seconds."""
    worst_factor: float
    last_factor: float
    rss_growth_mb: float
    hottest_celsius: float | None
    slowest_clock_hz: int | None
    throttling: tuple[str, ...]
    """Everything that slowed the board down meanwhile."""


def summarise(samples: list[SoakSample], states: list[BoardState]) -> Soak:
    """Return the summary of at least one sample, each with the board's state at its end."""
    factors = [sample.real_time_factor for sample in samples]
    heat = [s.temperature_celsius for s in states if s.temperature_celsius is not None]
    clocks = [state.cpu_clock_hz for state in states if state.cpu_clock_hz is not None]
    words = dict.fromkeys(word for state in states for word in state.throttling or ())
    return Soak(
        seconds=samples[-1].elapsed_seconds,
        first_factor=factors[0],
        worst_factor=max(factors),
        last_factor=factors[-1],
        rss_growth_mb=(samples[-1].rss_bytes - samples[0].rss_bytes) / 1e6,
        hottest_celsius=max(heat, default=None),
        slowest_clock_hz=min(clocks, default=None),
        throttling=tuple(words),
    )
