"""How much work one client may ask for."""

import time


class TokenBucket:
    """A bucket of seconds that fills with time: who takes more than is in it has to wait."""

    def __init__(self, rate: float, burst_seconds: float) -> None:
        """
        rate: seconds that come in each second.
        burst_seconds: what the bucket holds; it is full at the start.
        """
        self._rate = rate
        self._burst_seconds = self._left = burst_seconds
        self._filled = time.monotonic()

    def take(self, seconds: float) -> float:
        """Take from the bucket; return for how long to wait now."""
        now = time.monotonic()
        filled = self._left + self._rate * (now - self._filled)
        self._left = min(self._burst_seconds, filled) - seconds
        self._filled = now
        return max(0.0, -self._left / self._rate)
