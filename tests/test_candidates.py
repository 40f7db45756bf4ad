"""The second stage's looks and fused scores, against the rules written out over whole streams."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from firmware_py.errors import SettingsError
from firmware_py.policies.candidates import (
    LEAST_POSTERIOR,
    Candidates,
    Counts,
    LookPolicy,
    logit,
    sigmoid,
)
from models.evaluation.metrics import smoothed

POLICIES = {
    "default": LookPolicy(),
    "smoothed": LookPolicy(candidate_threshold=0.4, smoothing=5, spacing=2, looks=4, peak=3),
    "every step": LookPolicy(candidate_threshold=0.6, spacing=1, looks=2, peak=1),
}


def wandering(seed: int) -> NDArray[np.float32]:
    """Return 4000 posteriors that cross any threshold often, float32 [steps]."""
    rng = np.random.default_rng(seed)
    walk = 2 * np.convolve(rng.standard_normal(4000), np.ones(9) / 3, "same") - 3
    return (1 / (1 + np.exp(-walk))).astype(np.float32)


def run(
    policy: LookPolicy, first: NDArray[np.float32], second: NDArray[np.float32]
) -> tuple[list[int], list[float], Counts]:
    """Return the steps looked at, the score at each step, and the counts at threshold 0.5."""
    candidates = Candidates(policy, 0.5)
    looked, scores = [], []
    for step, posterior in enumerate(first.tolist()):
        if candidates.advance(posterior):
            looked.append(step)
            candidates.look(float(second[step]))
        scores.append(candidates.score)
    return looked, scores, candidates.counts


@pytest.mark.parametrize("name", POLICIES)
def test_as_written_out_over_the_whole_stream(name: str) -> None:
    policy = POLICIES[name]
    first, second = wandering(1), wandering(2)
    score = smoothed(first, policy.smoothing)
    tail = (policy.looks - 1) * policy.spacing
    high = score >= policy.candidate_threshold
    active = np.array([high[max(0, step - tail) : step + 1].any() for step in range(len(first))])
    starts = np.flatnonzero(active & ~np.pad(active, (1, 0))[:-1])
    ends = np.append(np.flatnonzero(~active), len(first))
    expected_looks, expected = [], np.zeros(len(first))
    refused = 0
    for start in starts:
        end = ends[ends > start][0]
        steps = list(range(start, end, policy.spacing))
        expected_looks += steps
        for number, step in enumerate(steps[1:], start=1):
            logits = np.sort([logit(p) for p in second[steps[: number + 1][-policy.looks :]]])
            peak = score[max(0, step - policy.peak + 1) : step + 1].max()
            fused = math.log(peak / (1 - peak)) + logits[-2:].mean()
            expected[step : min(end, step + policy.spacing)] = 1 / (1 + math.exp(-fused))
        refused += end < len(first) and not (expected[start:end] > 0.5).any()
    looked, scores, counts = run(policy, first, second)
    assert looked == expected_looks
    np.testing.assert_allclose(scores, expected, rtol=1e-9)
    assert (counts.candidates, counts.refused) == (len(starts), refused)
    assert len(starts) > 20
    assert 0 < refused < len(starts)


def test_one_step_is_looked_at_as_often_as_looks_count() -> None:
    first = np.zeros(40, np.float32)
    first[10] = 0.06
    looked, scores, _ = run(LookPolicy(looks=3, spacing=4), first, np.full(40, 0.9, np.float32))
    assert looked == [10, 14, 18]
    assert np.flatnonzero(scores).tolist() == list(range(14, 19))


def test_what_the_stages_say_is_added_as_log_odds() -> None:
    first = np.array([0.3, 0.8, 0.0, 0.0], np.float32)
    second = np.array([0.9, 0.0, 0.6, 0.0], np.float32)
    _, scores, _ = run(LookPolicy(spacing=2), first, second)
    odds = (0.8 / 0.2) * math.sqrt((0.9 / 0.1) * (0.6 / 0.4))
    assert scores[1:] == pytest.approx([0.0, odds / (1 + odds), odds / (1 + odds)], rel=1e-5)


@pytest.mark.parametrize("posterior", [0.0, 1.0, float(np.float16(1) - np.float16(2**-11))])
def test_log_odds_are_finite(posterior: float) -> None:
    assert abs(logit(posterior)) <= -math.log(LEAST_POSTERIOR)
    assert sigmoid(logit(posterior)) == pytest.approx(posterior, abs=2 * LEAST_POSTERIOR)


def test_reset_forgets_the_candidate() -> None:
    candidates = Candidates(LookPolicy(), 0.5)
    for _ in range(7):
        if candidates.advance(0.9):
            candidates.look(0.9)
    assert candidates.score > 0.9
    candidates.reset()
    assert candidates.score == 0.0
    assert candidates.advance(0.01) is False


@pytest.mark.parametrize(
    "values",
    [{"candidate_threshold": 0.0}, {"looks": 1}, {"frames": 0}, {"spacing": 0}, {"peak": 1001}],
)
def test_wrong_values_are_named(values: dict[str, int]) -> None:
    with pytest.raises(SettingsError, match=f"{next(iter(values))} is"):
        LookPolicy(**values)  # type: ignore[arg-type]


def test_it_says_what_it_does() -> None:
    assert LookPolicy().describe(0.04, 0.01) == (
        "from 0.05 on (mean of 1), the last 1.5 s every 120 ms; the best 2 of 3 looks and the first"
        " stage's best of 400 ms count"
    )
