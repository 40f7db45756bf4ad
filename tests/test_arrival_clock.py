"""What a driver says it lost is measured by the arrival; late samples are not taken for lost."""

import numpy as np
import pytest

from firmware_py.sound.arrival_clock import ArrivalClock

RATE_HZ = 16000
CHUNK = 640


def feed(clock: ArrivalClock, arrivals: np.ndarray, overflowed_at: int = -1) -> list[int]:
    return [
        clock.lost_samples(arrived, CHUNK, index == overflowed_at)
        for index, arrived in enumerate(arrivals.tolist())
    ]


def on_time(count: int, drift: float = 0.0) -> np.ndarray:
    return 1000.0 + np.arange(1, count + 1) * CHUNK / RATE_HZ * (1 + drift)


def test_jitter_and_bursts_lose_nothing() -> None:
    arrivals = on_time(5000) + np.random.default_rng(1).uniform(0, 0.06, 5000)
    for start in (500, 2000, 2100):
        late = arrivals[start : start + 60]
        late[:] = np.maximum(late, late[0] + 2.0)  # stalls 2 s, then everything at once
    assert sum(feed(ArrivalClock(RATE_HZ), np.maximum.accumulate(arrivals))) == 0


@pytest.mark.parametrize("drift", [-2e-4, 2e-4])
def test_a_sound_card_of_another_speed_loses_nothing(drift: float) -> None:
    """200 ppm over three hours are 2 s; crystals are better than 100 ppm."""
    arrivals = on_time(270_000, drift) + np.random.default_rng(2).uniform(0, 0.03, 270_000)
    assert sum(feed(ArrivalClock(RATE_HZ), arrivals)) == 0


def test_a_late_start_is_no_loss() -> None:
    arrivals = on_time(500)
    arrivals[:50] = arrivals[50]  # a sound server hands over its first two seconds at once
    assert sum(feed(ArrivalClock(RATE_HZ), arrivals)) == 0


@pytest.mark.parametrize("seconds", [0.1, 0.7, 5.0, 50.0])
def test_late_samples_are_not_lost_ones(seconds: float) -> None:
    """A source that falls behind for good, and says nothing of an overflow, has lost nothing."""
    arrivals = on_time(1000) + np.random.default_rng(3).uniform(0, 0.02, 1000)
    arrivals[400:] += seconds
    assert sum(feed(ArrivalClock(RATE_HZ), arrivals)) == 0


def test_a_source_slower_than_time_loses_nothing() -> None:
    assert sum(feed(ArrivalClock(RATE_HZ), on_time(5000, drift=0.5))) == 0


def test_an_overflow_that_the_driver_reports_is_filled_at_once() -> None:
    arrivals = on_time(1000)
    arrivals[400:] += 0.25
    lost = feed(ArrivalClock(RATE_HZ), arrivals, overflowed_at=400)
    assert np.flatnonzero(lost).tolist() == [400]
    assert lost[400] == 0.25 * RATE_HZ


def test_a_short_overflow_counts_too() -> None:
    arrivals = on_time(1000)
    arrivals[400:] += 0.05
    assert sum(feed(ArrivalClock(RATE_HZ), arrivals, overflowed_at=400)) == 0.05 * RATE_HZ


def test_two_losses_add_up() -> None:
    arrivals = on_time(1000)
    arrivals[300:] += 0.5
    arrivals[600:] += 0.3
    clock = ArrivalClock(RATE_HZ)
    lost = [
        clock.lost_samples(arrived, CHUNK, index in (300, 600))
        for index, arrived in enumerate(arrivals.tolist())
    ]
    assert sum(lost) / RATE_HZ == pytest.approx(0.8, abs=0.001)
