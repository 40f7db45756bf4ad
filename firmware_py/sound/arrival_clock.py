"""How much a driver has lost when it says that it lost something."""

DRIFT_WEIGHT = 0.02
"""How fast the usual lag follows the sound card's own clock."""


class ArrivalClock:
    """Compares the samples of a stream with the time that passed.

    Each chunk's lag is its arrival less the duration of all samples so far. Drivers deliver late
    and then catch up, so the lag alone tells nothing: late samples are not lost ones. A driver
    that reports an overflow has thrown its buffer away, so what comes next is fresh, and what its
    lag exceeds the usual one by is lost.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate = sample_rate_hz
        self._heard_seconds = 0.0
        self._usual_lag: float | None = None

    def lost_samples(self, arrived: float, num_samples: int, overflowed: bool) -> int:
        """Note a chunk; return how many samples are missing before it, 0 as a rule.

        arrived: seconds on a steady clock. num_samples: those dropped on purpose included.
        """
        seconds = num_samples / self._rate
        self._heard_seconds += seconds
        lag = arrived - self._heard_seconds
        if self._usual_lag is None:
            self._usual_lag = lag
        late = lag - self._usual_lag
        if overflowed and late > 0:
            lost = round(late * self._rate)
            self._heard_seconds += lost / self._rate
            return lost
        self._usual_lag += late if late < 0 else DRIFT_WEIGHT * late * seconds
        return 0
