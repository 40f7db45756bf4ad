"""Intervals against scipy's own, the threshold sweep against the device's trigger."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from firmware_py.policies.trigger import Trigger, TriggerPolicy
from models.evaluation import metrics
from models.evaluation.metrics import Curve, Sweep, clopper_pearson, poisson_interval


@pytest.mark.parametrize(("count", "trials"), [(0, 17), (1, 17), (20, 22), (22, 22), (3, 4000)])
def test_clopper_pearson_is_scipys_exact_interval(count: int, trials: int) -> None:
    exact = stats.binomtest(count, trials).proportion_ci(0.95, method="exact")
    assert clopper_pearson(count, trials) == pytest.approx((exact.low, exact.high), rel=1e-9)


@pytest.mark.parametrize("count", [0, 1, 2, 10, 250])
def test_poisson_interval_leaves_two_and_a_half_percent_on_each_side(count: int) -> None:
    hours = 2.5
    low, high = poisson_interval(count, hours)
    assert stats.poisson.cdf(count, high * hours) == pytest.approx(0.025)
    if count:
        assert stats.poisson.sf(count - 1, low * hours) == pytest.approx(0.025)
    else:
        assert low == 0.0


def test_no_audio_bounds_nothing() -> None:
    assert poisson_interval(0, 0.0) == (0.0, float("inf"))
    assert clopper_pearson(0, 0) == (0.0, 1.0)


def test_thresholds_are_dense_near_one() -> None:
    thresholds = metrics.logit_thresholds()
    assert len(thresholds) > 200
    assert np.all(np.diff(thresholds) > 0)
    assert np.sum(thresholds > 0.999) > 100
    assert 0.0 < thresholds[0] < 0.001
    assert thresholds[-1] < 1.0


def random_streams(seed: int) -> list[NDArray[np.float32]]:
    """Posteriors that wander through the whole range, with words and flutter."""
    random = np.random.default_rng(seed)
    streams = []
    for length in (0, 1, 7, 200, 900):
        walk = np.cumsum(random.normal(0, 1.5, length)) - 0.02 * np.arange(length)
        noisy = np.abs(walk) % 12 - 4 + random.normal(0, 1, length)
        streams.append((1 / (1 + np.exp(-noisy))).astype(np.float32))
    return streams


POLICIES = [
    TriggerPolicy(),
    TriggerPolicy(smoothing=4, patience=3, refractory=25),
    TriggerPolicy(smoothing=2, patience=1, refractory=10, release=False),
    TriggerPolicy(smoothing=1, patience=5, refractory=0, release=False),
    TriggerPolicy(smoothing=7, patience=2, refractory=3, release=True),
]


@pytest.mark.parametrize("policy", POLICIES)
def test_sweep_equals_the_trigger_at_every_threshold(
    policy: TriggerPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "BATCH_CELLS", 250)  # several batches
    streams = random_streams(seed=policy.smoothing)
    thresholds = metrics.logit_thresholds(-4, 9, 0.13)
    sweep = metrics.sweep_triggers(streams, policy, thresholds)
    expected = {
        (number, step, column)
        for number, stream in enumerate(streams)
        for column, threshold in enumerate(thresholds)
        for step, _ in _trigger(policy, float(threshold)).process(stream.tolist())
    }
    found = list(zip(sweep.stream, sweep.step, sweep.threshold, strict=True))
    assert set(found) == expected
    assert len(found) == len(expected) > 500
    assert sweep.counts().sum() == len(expected)


def _trigger(policy: TriggerPolicy, threshold: float) -> Trigger:
    return Trigger(
        TriggerPolicy(
            threshold, policy.smoothing, policy.patience, policy.refractory, policy.release
        )
    )


def test_first_steps_leave_early_triggers_out() -> None:
    stream = np.zeros(20, np.float32)
    stream[[3, 12]] = 0.9
    sweep = metrics.sweep_triggers([stream, stream], TriggerPolicy(), np.array([0.5, 0.95]))
    assert sweep.first_steps([0, 4]).tolist() == [[3, -1], [12, -1]]
    assert sweep.counts().tolist() == [4, 0]


def test_a_curve_counts_misses_of_the_chosen_words() -> None:
    found = np.array([[True, False, False], [True, True, False], [False, False, False]])
    sweep = Sweep(np.array([0.3, 0.5, 0.9]), found, np.array([1, 1, 0]), hours=0.5)
    assert sweep.curve().misses.tolist() == [1, 2, 3]
    assert sweep.curve([]).positives == 0
    curve = sweep.curve([0, 1])
    assert curve.misses.tolist() == [0, 1, 2]
    assert curve.false_accepts.tolist() == [1, 1, 0]
    point = curve.at(0.51)
    assert (point.miss_rate, point.false_accepts_per_hour) == (0.5, 2.0)
    assert point.miss_rate_ci95 == clopper_pearson(1, 2)
    assert point.false_accepts_per_hour_ci95 == poisson_interval(1, 0.5)


def made_curve(false_accepts: list[int]) -> Curve:
    size = len(false_accepts)
    return Curve(
        np.linspace(0.1, 0.9, size), np.arange(size), size, np.array(false_accepts), hours=10.0
    )


def test_chosen_threshold_is_the_lowest_that_stays_within_the_target() -> None:
    curve = made_curve([50, 4, 6, 5, 0])  # not monotone: the second point is luck
    chosen = [curve.choose(rate) for rate in (0.5, 5.0, 0.0)]
    assert [point and point.threshold for point in chosen] == pytest.approx([0.7, 0.1, 0.9])


def test_an_unreachable_target_chooses_nothing() -> None:
    assert made_curve([9, 8, 7]).choose(0.5) is None
