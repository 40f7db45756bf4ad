"""Saying what was lost: at once, and then as a sum each minute."""

import logging
import time

REPORT_SECONDS = 60.0

log = logging.getLogger(__name__)


class LossReport:
    """Adds up losses of one kind and logs them, not more often than once a minute."""

    def __init__(self, message: str) -> None:
        """
        message: with %.2f for the seconds.
        """
        self._message = message
        self._unreported_seconds = 0.0
        self._next = 0.0

    def add(self, seconds: float) -> None:
        """Note a loss."""
        self._unreported_seconds += seconds

    def say(self) -> None:
        """Log what is not yet reported, if it is time to; to be called again and again."""
        if self._unreported_seconds and time.monotonic() >= self._next:
            self._next = time.monotonic() + REPORT_SECONDS
            log.warning(self._message, self._unreported_seconds)
            self._unreported_seconds = 0.0
