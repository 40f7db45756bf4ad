"""How long it still takes: guesses for what is to come, corrected by what was measured."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from models.progress import sign_of_life

TRUSTED_SECONDS = 10.0
"""Of guessed work that the first pace counts as: what is measured soon outweighs it."""
PACE_SECONDS = 0.115
"""What `measured_pace` does, on an idle x86-64 of 2 GHz."""

log = logging.getLogger(__name__)


class Countdown:
    """Follows work in phases whose lengths were guessed."""

    def __init__(self, guesses: Mapping[str, float], pace: float = 1.0) -> None:
        """guesses: seconds of each phase, in their order; 0 for what is done already.

        pace: how many times longer than guessed work takes, until more is measured.
        """
        self._guesses = dict(guesses)
        self._spent, self._guessed = TRUSTED_SECONDS * pace, TRUSTED_SECONDS
        self._phase = ""

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Announce a phase, and learn from how long it takes."""
        self._phase = name
        number = list(self._guesses).index(name) + 1
        left = in_words(self.left(self._pace * self._guesses[name]))
        log.info("%d of %d: %s (%s)", number, len(self._guesses), name, left)
        started = time.monotonic()
        with sign_of_life(name):
            yield
        self._spent += time.monotonic() - started
        self._guessed += self._guesses[name]

    def left(self, seconds: float) -> float:
        """Return how long everything still takes when this phase still takes `seconds`.

        Later phases take their guesses, times how much longer than guessed the earlier ones took.
        """
        names = list(self._guesses)
        later = sum(self._guesses[name] for name in names[names.index(self._phase) + 1 :])
        return seconds + self._pace * later

    def remark(self, seconds: float) -> str:
        """Return what stands beside a progress bar; `seconds` are left in this phase."""
        return f"({in_words(self.left(seconds))})" if seconds == seconds else ""  # not NaN

    @property
    def _pace(self) -> float:
        return self._spent / self._guessed


def measured_pace() -> float:
    """Return how many times longer work takes here and now than where the guesses were made."""
    rows = np.random.default_rng(0).normal(size=(400, 4096))
    started = time.monotonic()
    for _ in range(12):
        np.abs(np.fft.rfft(rows))
    return (time.monotonic() - started) / PACE_SECONDS


def in_words(seconds: float) -> str:
    """Return "about 1 h 20 min left" or the like."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute left"
    hours, minutes = divmod(minutes, 60)
    return f"about {hours} h {minutes:02d} min left" if hours else f"about {minutes} min left"
