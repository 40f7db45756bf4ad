"""Finds lost samples by the time at which the others arrive."""

TOLERANCE_SECONDS = 0.08
"""Less is taken for a late driver, not for a loss."""
SETTLING_SECONDS = 1.0
"""A delay that lasts this long will not be caught up."""
DRIFT_WEIGHT = 0.02
"""How fast the usual lag follows the sound card's own clock."""


class ArrivalClock:
    """Compares the samples of a stream with the time that passed.

    Each chunk's lag is its arrival less the duration of all samples so far. Drivers deliver late
    and then catch up, so the lag jumps up and down above its smallest value. Lost samples raise
    that smallest value for good. A driver that reports an overflow has thrown its buffer away,
    so what comes next is fresh and its lag counts at once.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate = sample_rate_hz
        self._heard_seconds = 0.0
        self._usual: float | None = None
        self._late_since: float | None = None
        self._least_late = 0.0

    def lost_samples(self, arrived: float, num_samples: int, overflowed: bool) -> int:
        """Note a chunk; return how many samples are missing before it, 0 as a rule.

        arrived: seconds on a steady clock. The caller fills in what is missing.
        """
        self._heard_seconds += num_samples / self._rate
        lag = arrived - self._heard_seconds
        if self._usual is None or lag < self._usual:
            self._usual = lag
        late = lag - self._usual
        if overflowed:
            return self._fill(late)
        if late < TOLERANCE_SECONDS:
            self._usual += DRIFT_WEIGHT * late * num_samples / self._rate
            self._late_since = None
            return 0
        if self._late_since is None:
            self._late_since, self._least_late = arrived, late
        self._least_late = min(self._least_late, late)
        if arrived - self._late_since < SETTLING_SECONDS:
            return 0
        return self._fill(self._least_late)

    def _fill(self, seconds: float) -> int:
        samples = round(seconds * self._rate)
        self._heard_seconds += samples / self._rate
        self._late_since = None
        return samples
