"""The places of a service: a bounded number, and none is lost to a client that has gone quiet."""

import asyncio
import time

SILENT_SECONDS = 1.0
"""Who has not sent a whole message by then may lose its place."""
QUIET_SECONDS = 5.0
"""Who has sent nothing for this long may lose its place. One that streams sends all the time, and
one that does not connects again when it needs to."""


class Place:
    """What the service knows of one connection."""

    def __init__(self, task: "asyncio.Task[None]") -> None:
        self.task = task
        self.since = time.monotonic()
        """When it last sent a whole message, or connected."""
        self.has_spoken = False

    def heard(self) -> None:
        """Note a whole message."""
        self.since = time.monotonic()
        self.has_spoken = True

    @property
    def overdue_seconds(self) -> float:
        """For how long it has been quiet beyond what it may; negative: it may go on so."""
        allowed = QUIET_SECONDS if self.has_spoken else SILENT_SECONDS
        return time.monotonic() - self.since - allowed


class Places:
    """Gives places out; used from one thread."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._taken: list[Place] = []

    def __len__(self) -> int:
        return len(self._taken)

    def enter(self, task: "asyncio.Task[None]") -> Place | None:
        """Return a place for a connection, if need be that of one that is quiet; None: full."""
        if len(self._taken) >= self.limit:
            quietest = max(self._taken, key=lambda place: place.overdue_seconds)
            if quietest.overdue_seconds < 0:
                return None
            self.leave(quietest)
            quietest.task.cancel()
        place = Place(task)
        self._taken.append(place)
        return place

    def leave(self, place: Place) -> None:
        """Give a place back; again, nothing happens."""
        if place in self._taken:
            self._taken.remove(place)
