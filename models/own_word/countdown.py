"""How long it still takes: guesses for what is to come, corrected by what was measured."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

log = logging.getLogger(__name__)


class Countdown:
    """Follows work in phases whose lengths were guessed."""

    def __init__(self, guesses: Mapping[str, float]) -> None:
        """guesses: seconds of each phase, in their order; 0 for what is done already."""
        self._guesses = dict(guesses)
        self._spent = self._guessed = 0.0
        self._phase = ""

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Announce a phase, and learn from how long it takes."""
        self._phase = name
        number = list(self._guesses).index(name) + 1
        left = in_words(self.left(self._pace * self._guesses[name]))
        log.info("%d of %d: %s (%s)", number, len(self._guesses), name, left)
        started = time.monotonic()
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
        return self._spent / self._guessed if self._guessed else 1.0


def in_words(seconds: float) -> str:
    """Return "about 1 h 20 min left" or the like."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute left"
    hours, minutes = divmod(minutes, 60)
    return f"about {hours} h {minutes:02d} min left" if hours else f"about {minutes} min left"
