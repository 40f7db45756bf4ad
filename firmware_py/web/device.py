"""What the page needs of the device that it shows."""

from typing import Any, Protocol

from firmware_py.monitor.broadcast import Broadcast
from firmware_py.monitor.journal import Journal


class Device(Protocol):
    """A listening device. Any thread may call; calls may take a while."""

    @property
    def broadcast(self) -> Broadcast:
        """What it hears, as it hears it."""

    @property
    def journal(self) -> Journal:
        """What it heard and nearly heard."""

    def status(self) -> dict[str, Any]:
        """Return what changes seldom, JSON-ready: microphone, models, sensitivity, clips."""

    def set_sensitivity(self, model: str, point: str | None) -> None:
        """Choose a model's operating point; None: as the settings say.

        Raises SettingsError for an unknown one, OSError when the choice cannot be kept.
        """

    def set_listening(self, listening: bool) -> None:
        """Close the microphone, or open it again; raises OSError when that cannot be kept."""

    def test(self, what: str) -> None:
        """Let the outputs answer as if a word had been heard; raises SettingsError for none."""
