"""Extrapolated thresholds against streams whose false accepts thin out as known."""

import numpy as np
import pytest

from firmware_py.policies.trigger import TriggerPolicy
from models.evaluation.metrics import Curve, logit_thresholds, sweep_triggers
from models.evaluation.rare_false_accepts import (
    FEWEST,
    extrapolated_threshold,
    is_told,
    rate_at,
    threshold_for,
)

SCALE = 1.5
RATE_ABOVE_ZERO = 40.0
"""Peaks an hour whose log-odds are above 0."""


def curve(hours: float, seed: int) -> Curve:
    """Return the curve of streams with exponentially distributed log-odds of their peaks."""
    rng = np.random.default_rng(seed)
    peaks = rng.exponential(SCALE, rng.poisson(RATE_ABOVE_ZERO * hours))
    stream = np.zeros(10 * len(peaks) + 10, np.float32)
    stream[5 : 5 + 10 * len(peaks) : 10] = 1 / (1 + np.exp(-peaks))
    thresholds = logit_thresholds()
    false_accepts = sweep_triggers([stream], TriggerPolicy(), thresholds).counts()
    return Curve(thresholds, np.zeros_like(false_accepts), 0, false_accepts, hours)


def true_threshold(rate: float) -> float:
    return float(1 / (1 + np.exp(-SCALE * np.log(RATE_ABOVE_ZERO / rate))))


def test_an_hour_tells_about_rates_below_one() -> None:
    odds = []
    for seed in range(40):
        found = extrapolated_threshold(curve(1.0, seed), 0.1)
        assert found is not None
        odds.append(np.log(found / (1 - found)))
    expected = SCALE * np.log(RATE_ABOVE_ZERO / 0.1)
    assert np.mean(odds) == pytest.approx(expected, rel=0.1)
    assert np.std(odds) < 0.35 * expected


def test_enough_audio_is_counted_instead() -> None:
    long = curve(100.0, 1)
    point = long.choose(0.5)
    assert point is not None
    assert threshold_for(long, 0.5) == point.threshold
    assert point.threshold == pytest.approx(true_threshold(0.5), abs=0.01)


def test_strict_is_above_default_where_nothing_can_be_counted() -> None:
    short = curve(0.5, 2)
    strict, default, sensitive = (threshold_for(short, rate) for rate in (0.1, 0.5, 2.0))
    assert sensitive < default < strict < 1


def test_too_few_false_accepts_leave_the_lowest_that_none_passes() -> None:
    thresholds = logit_thresholds()
    counts = np.where(thresholds < 0.3, 1, 0)
    quiet = Curve(thresholds, np.zeros(len(thresholds), int), 0, counts, 0.2)
    assert extrapolated_threshold(quiet, 0.5) is None
    assert threshold_for(quiet, 0.5) == thresholds[thresholds >= 0.3][0]
    assert threshold_for(quiet, 0.5, least=0.8) == 0.8


@pytest.mark.parametrize("threshold", [0.9, 0.97, 0.999])
def test_the_rate_at_a_threshold_is_the_way_back(threshold: float) -> None:
    for some in (curve(0.5, 2), curve(3.0, 5)):
        rate = rate_at(some, threshold)
        assert is_told(some)
        back = threshold_for(some, rate)
        counted = some.at(threshold).false_accepts >= FEWEST
        assert back == pytest.approx(threshold, abs=1e-9 if not counted else 0.02)
    long = curve(100.0, 1)
    assert rate_at(long, true_threshold(0.5)) == pytest.approx(0.5, rel=0.3)


def test_where_hardly_anything_fires_half_a_false_accept_stands_for_none() -> None:
    thresholds = logit_thresholds()
    counts = np.where(thresholds < 0.3, 1, 0)
    quiet = Curve(thresholds, np.zeros(len(thresholds), int), 0, counts, 0.2)
    assert not is_told(quiet)
    assert rate_at(quiet, 0.2) == pytest.approx(1 / 0.2)
    assert rate_at(quiet, 0.6) == pytest.approx(0.5 / 0.2)
