"""When the microphone must not hear the speaker."""

import math
import time


class Mute:
    """The last time span in which the speaker could be heard, set by one thread, read by others."""

    def __init__(self) -> None:
        self._span = (math.inf, -math.inf)

    def begin(self) -> None:
        """Mute from now on."""
        self._span = (time.monotonic(), math.inf)

    def end(self, tail_seconds: float) -> None:
        """Unmute after the tail."""
        self._span = (self._span[0], time.monotonic() + tail_seconds)

    def covers(self, since: float, until: float) -> bool:
        """Return whether any of the time from `since` to `until` (`time.monotonic`) is muted."""
        begin, end = self._span
        return begin <= until and since <= end
