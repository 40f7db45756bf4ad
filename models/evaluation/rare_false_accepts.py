"""Thresholds for rates of false accepts too low to be counted in the audio there is."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.evaluation.metrics import Curve

MOST = 20
"""False accepts, the highest first, that show how they thin out."""
FEWEST = 4
HALF_A_ONE = 0.5
MOST_SCALES = 50.0
"""Further up nothing is told from nothing."""


def threshold_for(curve: Curve, false_accepts_per_hour: float, least: float = 0.0) -> float:
    """Return the threshold, from `least` on, for a rate of false accepts.

    Counted where the audio lets at least FEWEST of them pass, extrapolated where it is too short
    for that; the lowest threshold that none passes where too few are seen at any threshold.
    """
    point = curve.choose(false_accepts_per_hour) or curve.point(-1)
    if false_accepts_per_hour * curve.hours >= FEWEST:
        return max(least, point.threshold)
    return max(least, extrapolated_threshold(curve, false_accepts_per_hour) or point.threshold)


def extrapolated_threshold(curve: Curve, false_accepts_per_hour: float) -> float | None:
    """Return the threshold at which false accepts are expected at a rate; None: too few seen.

    Above a high threshold the log-odds of false accepts fall off about exponentially (peaks over
    a threshold: Pickands, 1975; its scale is their mean excess: Hill, 1975). So `count` false
    accepts above the log-odds `least` become `count` exp(-(x - `least`) / scale) above x.
    """
    tail = _tail_of(curve)
    if tail is None:
        return None
    wanted = false_accepts_per_hour * curve.hours
    x = tail.least + tail.scale * math.log(tail.count / wanted)
    return 1.0 / (1.0 + math.exp(-x))


def rate_at(curve: Curve, threshold: float) -> float:
    """Return the false accepts an hour to expect at a threshold: `threshold_for` the other way.

    Counted where at least FEWEST pass, extrapolated where fewer do; where too few are seen at any
    threshold, what was counted, and half a one for none.
    """
    count = curve.at(threshold).false_accepts
    tail = _tail_of(curve)
    if count >= FEWEST or not 0.0 < threshold < 1.0 or tail is None:
        return max(count, HALF_A_ONE) / curve.hours
    above = math.log(threshold / (1.0 - threshold)) - tail.least
    return tail.count * math.exp(-min(MOST_SCALES, above / tail.scale)) / curve.hours


def is_told(curve: Curve) -> bool:
    """Tell whether enough false accepts are seen at some threshold to know how they thin out."""
    return _tail_of(curve) is not None


@dataclass(frozen=True)
class _Tail:
    """How false accepts thin out: `count` above the log-odds `least`, exponentially by `scale`."""

    least: float
    count: int
    scale: float


def _tail_of(curve: Curve) -> _Tail | None:
    log_odds = _falling_log_odds(curve)
    if len(log_odds) < FEWEST:
        return None
    tail = _Tail(
        float(log_odds[-1]), len(log_odds) - 1, float(np.mean(log_odds[:-1]) - log_odds[-1])
    )
    return tail if tail.scale > 0.0 else None


def _falling_log_odds(curve: Curve) -> NDArray[np.float64]:
    """Return the log-odds of the highest thresholds with 1, 2, ... MOST + 1 false accepts.

    float64 [at most MOST + 1], falling.
    """
    inside = (curve.thresholds > 0.0) & (curve.thresholds < 1.0)
    thresholds, counts = curve.thresholds[inside], curve.false_accepts[inside]
    odds = np.log(thresholds / (1.0 - thresholds))
    highest = (odds[counts >= number].max(initial=-np.inf) for number in range(1, MOST + 2))
    return np.array([value for value in highest if np.isfinite(value)])
