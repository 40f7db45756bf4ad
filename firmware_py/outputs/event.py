"""What is told to the outputs."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Event:
    """A detection on the live stream."""

    label: str
    model: str
    score: float
    time_seconds: float
    """Audio time since listening began."""
    timestamp: str
    """Time of day, ISO 8601, UTC."""
    refractory_seconds: float
    """How long the model stays deaf after it."""

    def payload(self) -> dict[str, Any]:
        """Return the event as it is sent in JSON."""
        return asdict(self)
