"""What became of a device."""

from dataclasses import dataclass
from typing import Literal

State = Literal[
    "installed",
    "upgraded",
    "unchanged",
    "planned",
    "restart",
    "rolled-back",
    "not-ready",
    "failed",
    "unreachable",
]

GOOD: tuple[State, ...] = ("installed", "upgraded", "unchanged", "planned", "restart")


@dataclass(frozen=True)
class ProvisionOutcome:
    """How provisioning one device ended."""

    target: str
    state: State
    before: str = ""
    """Version that was installed; empty: none."""
    after: str = ""
    """Version that is installed now."""
    message: str = ""
    """Why, and what to do."""
    steps: tuple[str, ...] = ()
    """What was done, or would be."""

    @property
    def exit_code(self) -> int:
        """Return 0 if the device is as asked, 1 if it works but is not, 2 if it was not reached."""
        if self.state in GOOD:
            return 0
        return 2 if self.state == "unreachable" else 1
