"""What people changed while it ran, kept over restarts and upgrades in a file of its own.

The settings file belongs to its author and is never rewritten.
"""

import json
import logging
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from firmware_py.durable_file import write_durably
from firmware_py.errors import SettingsError
from firmware_py.schema import from_mapping, to_mapping

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class State:
    """Choices made on the page, in Home Assistant or by another program."""

    listening: bool = True
    """False: the microphone stays closed until somebody switches it on again."""
    sensitivity: Mapping[str, str] = field(default_factory=dict)
    """The operating point of a model, by the model's name; absent: what the settings say."""

    def with_sensitivity(self, model: str, point: str | None) -> "State":
        """Return the state with another operating point for a model; None: the settings' own."""
        others = {name: chosen for name, chosen in self.sensitivity.items() if name != model}
        return replace(self, sensitivity=others if point is None else {**others, model: point})


class StateFile:
    """The state, in memory and on disk. Any thread may call; changes follow one another."""

    def __init__(self, path: Path | None) -> None:
        """Read `path`. What cannot be read is said in the log and counts as no choice made.

        path: None: choices are kept in memory only.
        """
        self.path = path
        self._lock = threading.Lock()
        self._state = _read(path) if path else State()

    @property
    def state(self) -> State:
        return self._state

    def change(self, edit: Callable[[State], State]) -> State:
        """Apply `edit` and return the new state, which is on the disk by then.

        Raises OSError, with the state as it was, when it cannot be written.
        """
        with self._lock:
            changed = edit(self._state)
            if self.path and changed != self._state:
                text = json.dumps(to_mapping(changed), indent=1, ensure_ascii=False)
                write_durably(self.path, f"{text}\n".encode())
            self._state = changed
            return changed


def state_path(
    chosen: str, settings_path: Path | None, environment: Mapping[str, str] = os.environ
) -> Path:
    """Return where the state lies: as the settings say, where the service manager made room, or
    beside the settings.
    """
    if chosen:
        return Path(chosen)
    for folder in environment.get("STATE_DIRECTORY", "").split(":"):
        if Path(folder).name == "state":
            return Path(folder) / "state.json"
    if settings_path is None:
        home = environment.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        return Path(home) / "trigger-word.json"
    return settings_path.with_suffix(".state.json")


def _read(path: Path) -> State:
    try:
        return from_mapping(State, json.loads(path.read_bytes()), str(path))
    except FileNotFoundError:
        return State()
    except (OSError, ValueError, RecursionError, SettingsError) as error:
        log.error("%s: cannot read the state, the settings count: %s", path, error)
        return State()
