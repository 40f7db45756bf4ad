"""Detection metrics with exact intervals, at all thresholds at once.

A detector is judged by two numbers that move against each other with the threshold: the share
of words it misses and the false accepts in an hour of other sound. Frame accuracy is neither.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from firmware_py.policies.trigger import TriggerPolicy

BATCH_CELLS = 1 << 20
"""Streams times thresholds that are simulated side by side."""


def clopper_pearson(count: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a share, `count` of `trials` (Clopper and Pearson 1934)."""
    tail = (1.0 - confidence) / 2.0
    low = stats.beta.ppf(tail, count, trials - count + 1) if count else 0.0
    high = stats.beta.ppf(1.0 - tail, count + 1, trials - count) if count < trials else 1.0
    return float(low), float(high)


def poisson_interval(count: int, hours: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a rate per hour, `count` events in `hours` (Garwood 1936)."""
    tail = (1.0 - confidence) / 2.0
    low = stats.chi2.ppf(tail, 2 * count) / 2.0 if count else 0.0
    high = stats.chi2.ppf(1.0 - tail, 2 * count + 2) / 2.0
    if hours <= 0.0:
        return 0.0, float("inf")
    return float(low) / hours, float(high) / hours


def logit_thresholds(
    low: float = -7.0, high: float = 14.0, step: float = 0.05
) -> NDArray[np.float64]:
    """Return rising thresholds, float64 [n], even in log-odds: as fine near 1 as near 0.

    A network that is sure of itself has its working range above .99, where an even grid has
    hardly a point.
    """
    odds = np.arange(low, high + step / 2, step)
    thresholds: NDArray[np.float64] = np.unique(np.round(1.0 / (1.0 + np.exp(-odds)), 8))
    return thresholds


def smoothed(posteriors: NDArray[np.float32], smoothing: int) -> NDArray[np.float64]:
    """Return scores, float64 [steps]: the mean of the last `smoothing` posteriors, [steps].

    Before the first step there are zeros, as in `firmware_py.policies.trigger.Trigger`.
    """
    padded = np.concatenate((np.zeros(smoothing - 1), posteriors.astype(np.float64)))
    total = np.zeros(len(posteriors))
    for offset in range(smoothing):
        total += padded[offset : offset + len(posteriors)]
    return total / smoothing


@dataclass(frozen=True)
class TriggerSweep:
    """Every trigger of every stream at every threshold; parallel arrays, int64 [triggers]."""

    stream: NDArray[np.int64]
    step: NDArray[np.int64]
    threshold: NDArray[np.int64]
    """Index into the thresholds."""
    num_streams: int
    num_thresholds: int

    def counts(self) -> NDArray[np.int64]:
        """Return the triggers of all streams together, int64 [thresholds]."""
        return np.bincount(self.threshold, minlength=self.num_thresholds)

    def first_steps(self, not_before: Sequence[int]) -> NDArray[np.int64]:
        """Return the first trigger's step, int64 [streams, thresholds], -1 where there is none.

        not_before: steps [streams] before which triggers do not count.
        """
        late_enough = self.step >= np.asarray(not_before, np.int64)[self.stream]
        none = np.iinfo(np.int64).max
        first = np.full((self.num_streams, self.num_thresholds), none)
        cells = (self.stream[late_enough], self.threshold[late_enough])
        np.minimum.at(first, cells, self.step[late_enough])
        return np.where(first == none, -1, first)


def sweep_triggers(
    streams: Sequence[NDArray[np.float32]], policy: TriggerPolicy, thresholds: NDArray[np.float64]
) -> TriggerSweep:
    """Return what a `Trigger` would yield on each stream at each threshold.

    streams: posteriors of one label, float32 [steps] each. thresholds: float64 [thresholds].
    The policy's own threshold is not used. Streams are run side by side, step by step.
    """
    scores = [smoothed(stream, policy.smoothing) for stream in streams]
    found = [
        _triggers(scores, batch, policy, thresholds)
        for batch in _batches([len(score) for score in scores], len(thresholds))
    ]
    stream, step, threshold = np.concatenate([np.zeros((3, 0), np.int64), *found], axis=1)
    return TriggerSweep(stream, step, threshold, len(streams), len(thresholds))


def _batches(lengths: Sequence[int], num_thresholds: int) -> Iterator[NDArray[np.int64]]:
    """Yield indices of streams of similar length, a bounded number at a time."""
    order = np.argsort(lengths, kind="stable")
    size = max(1, BATCH_CELLS // num_thresholds)
    for start in range(0, len(order), size):
        yield order[start : start + size]


def _triggers(
    scores: Sequence[NDArray[np.float64]],
    batch: NDArray[np.int64],
    policy: TriggerPolicy,
    thresholds: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Return (stream, step, threshold) of each trigger, int64 [3, triggers]."""
    steps = max((len(scores[index]) for index in batch), default=0)
    padded = np.full((steps, len(batch), 1), -1.0)  # never above a threshold
    for row, index in enumerate(batch):
        padded[: len(scores[index]), row, 0] = scores[index]
    shape = (len(batch), len(thresholds))
    run = np.zeros(shape, np.int32)
    dead = np.zeros(shape, np.int32)
    held = np.zeros(shape, bool)
    found = []
    for step, column in enumerate(padded):
        above = column > thresholds
        held &= above
        run = (run + 1) * (above & ~held & (dead == 0))
        np.maximum(dead - 1, 0, out=dead)
        fires = run >= policy.patience
        if fires.any():
            run[fires] = 0
            dead[fires] = policy.refractory
            held |= fires & policy.release
            rows, columns = np.nonzero(fires)
            found.append(np.stack((batch[rows], np.full(len(rows), step), columns)))
    return np.concatenate([np.zeros((3, 0), np.int64), *found], axis=1)


@dataclass(frozen=True)
class Sweep:
    """A detector on recordings of a word and of other sound, at every threshold."""

    thresholds: NDArray[np.float64]
    """Rising, float64 [thresholds]."""
    found: NDArray[np.bool_]
    """Which words are found, [words, thresholds]."""
    false_accepts: NDArray[np.int64]
    """int64 [thresholds]"""
    hours: float
    """Audio in which the word is not said."""

    def curve(self, words: Sequence[int] | slice = slice(None)) -> "Curve":
        """Return misses and false accepts at every threshold; words: the rows that count."""
        found = self.found[words]
        misses = np.sum(~found, axis=0)
        return Curve(self.thresholds, misses, len(found), self.false_accepts, self.hours)


@dataclass(frozen=True)
class OperatingPoint:
    """What a detector does at one threshold."""

    threshold: float
    misses: int
    positives: int
    false_accepts: int
    hours: float

    @property
    def miss_rate(self) -> float:
        return self.misses / self.positives if self.positives else float("nan")

    @property
    def miss_rate_ci95(self) -> tuple[float, float]:
        return clopper_pearson(self.misses, self.positives)

    @property
    def false_accepts_per_hour(self) -> float:
        return self.false_accepts / self.hours if self.hours else float("nan")

    @property
    def false_accepts_per_hour_ci95(self) -> tuple[float, float]:
        return poisson_interval(self.false_accepts, self.hours)


@dataclass(frozen=True)
class Curve:
    """What a detector does at every threshold (ROC and DET are two drawings of it)."""

    thresholds: NDArray[np.float64]
    """Rising, float64 [n]."""
    misses: NDArray[np.int64]
    """Words not found, int64 [n]."""
    positives: int
    false_accepts: NDArray[np.int64]
    """int64 [n]"""
    hours: float
    """Audio in which the word is not said."""

    def point(self, index: int) -> OperatingPoint:
        return OperatingPoint(
            float(self.thresholds[index]),
            int(self.misses[index]),
            self.positives,
            int(self.false_accepts[index]),
            self.hours,
        )

    def points(self) -> list[OperatingPoint]:
        """Return the point of every threshold."""
        return [self.point(index) for index in range(len(self.thresholds))]

    def at(self, threshold: float) -> OperatingPoint:
        """Return the point of the threshold nearest to `threshold`."""
        return self.point(int(np.argmin(np.abs(self.thresholds - threshold))))

    def choose(self, false_accepts_per_hour: float) -> OperatingPoint | None:
        """Return the lowest threshold from which on the false accepts stay within a rate.

        None when even the highest threshold gives more.
        """
        within = self.false_accepts <= false_accepts_per_hour * self.hours
        stays = np.logical_and.accumulate(within[::-1])[::-1]
        return self.point(int(np.argmax(stays))) if stays.any() else None
