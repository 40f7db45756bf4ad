"""What people see of a listening device and may change, on the page or elsewhere."""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from firmware_py.board_state import read_board_state
from firmware_py.ensemble import Model
from firmware_py.errors import SettingsError
from firmware_py.monitor.broadcast import Broadcast
from firmware_py.monitor.journal import JournalLine, open_journal
from firmware_py.monitor.microphone_health import diagnose, peak_dbfs
from firmware_py.monitor.observation import Observation, Observer
from firmware_py.monitor.picture import encoded
from firmware_py.monitor.sensitivity import SETTINGS_POINT, model_status, policy_at
from firmware_py.monitor.watch_socket import WatchSocket
from firmware_py.outputs.event import Event
from firmware_py.settings import ClipSettings, Settings
from firmware_py.settings.state import StateFile

HEALTH_SECONDS = 4.0
"""The sound from which the microphone is judged."""
JUDGED_SECONDS = 2.0
"""So long a judgement holds, however many pages ask for it."""
DARKEST, BRIGHTEST = -1.5, 3.0
"""Deviations from a bin's mean that are drawn black and white."""

log = logging.getLogger(__name__)


class Loop(Protocol):
    """What is asked of the loop that listens. Any thread may call."""

    @property
    def settings(self) -> Settings: ...

    @property
    def models_as_set(self) -> Sequence[Model]:
        """The models as the settings have them, without what people chose."""

    @property
    def rate_hz(self) -> int: ...

    @property
    def microphone_name(self) -> str: ...

    @property
    def microphone_fault(self) -> str:
        """What is wrong with the microphone's channels, in words; empty: nothing."""

    @property
    def tests(self) -> list[str]: ...

    def test(self, kind: str) -> None: ...

    def figures(self) -> dict[str, float]: ...

    def observe(self, observer: Observer) -> Callable[[], None]: ...

    def adapt(self) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...


class Control:
    """What people see and change of a loop. Calls, from any thread, may take a while."""

    def __init__(self, live: Loop, state: StateFile, clips: ClipSettings | None) -> None:
        self._live = live
        self._state = state
        self._watch_socket: WatchSocket | None = None
        self._end_observing: Callable[[], None] | None = None
        self._recent: deque[NDArray[np.int16]] = deque()
        self._recent_samples = 0
        self._judged: list[dict[str, str]] = []
        self._judged_until = 0.0
        self.broadcast = Broadcast(self._begin_looking, self._end_looking)
        self.journal = open_journal(clips)
        self.changed: list[Callable[[], None]] = []
        """Called after each change that somebody made."""

    def let_watch(self, path: Path) -> None:
        """Let terminals of this machine look on, where a socket can be made."""
        try:
            self._watch_socket = WatchSocket(path, self.broadcast)
        except OSError as error:
            log.debug("nobody can watch from a terminal: %s", error)

    def close(self) -> None:
        if self._watch_socket:
            self._watch_socket.close()

    @property
    def listening(self) -> bool:
        return self._state.state.listening

    def status(self) -> dict[str, Any]:
        """Return what changes seldom, JSON-ready: microphone, models, sensitivity, clips."""
        models, chosen = self._live.models_as_set, self._state.state.sensitivity
        lines = self.journal.lines()
        return {
            "listening": self.listening,
            "microphone": self._live.microphone_name,
            "faults": self._faults(),
            "models": [model_status(model, chosen.get(model.name), lines) for model in models],
            "clips": _clips_status(self._live.settings, len([line for line in lines if line.clip])),
            "tests": self._live.tests,
            "detections_today": _detections_today(lines),
            **self._live.figures(),
            "temperature_celsius": read_board_state().temperature_celsius,
        }

    def set_sensitivity(self, model: str, point: str | None) -> None:
        """Choose a model's operating point; None: as the settings say.

        Raises SettingsError for an unknown one, OSError when the choice cannot be kept.
        """
        found = next((each for each in self._live.models_as_set if each.name == model), None)
        if not found:
            raise SettingsError(f"no model is called {model!r}")
        if point == SETTINGS_POINT:
            point = None
        if point is not None:
            policy_at(found.artefact.metadata, point)
        self._state.change(lambda state: state.with_sensitivity(model, point))
        log.info("sensitivity of %s: %s", model, point or "as the settings say")
        self._live.adapt()
        self._tell_of_change()

    def set_listening(self, listening: bool) -> None:
        """Close the microphone, or open it again; raises OSError when that cannot be kept."""
        self._state.change(lambda state: replace(state, listening=listening))
        log.info("listening is switched %s", "on" if listening else "off")
        if listening:
            self._live.resume()
        else:
            self._live.pause()
        self._tell_of_change()

    def test(self, what: str) -> None:
        """Let some outputs answer as if a word had been heard; raises SettingsError for none."""
        if what not in self._live.tests:
            raise SettingsError(f"there is no {what!r} to test; there is {self._live.tests}")
        log.info("a test of %s", what)
        self._live.test(what)

    def detected(self, event: Event) -> None:
        """Tell who looks of a detection, at once."""
        if self.broadcast.is_watched:
            self.broadcast.send({"type": "detection", **event.payload()})

    def noted(self, line: JournalLine) -> None:
        """Tell who looks of a new line of the journal."""
        if self.broadcast.is_watched:
            self.broadcast.send({"type": "entry", "entry": line.as_json()})

    def _tell_of_change(self) -> None:
        self.broadcast.send({"type": "changed"})
        for tell in self.changed:
            tell()

    def _begin_looking(self) -> None:
        self._end_observing = self._live.observe(self._observe)

    def _end_looking(self) -> None:
        if self._end_observing:
            self._end_observing()
        self._recent.clear()
        self._recent_samples = 0

    def _observe(self, observation: Observation) -> None:
        """Hand what was heard to those who look; runs in the thread that listens."""
        samples = observation.samples
        self._recent.append(samples)
        self._recent_samples += len(samples)
        while self._recent_samples - len(self._recent[0]) > HEALTH_SECONDS * self._live.rate_hz:
            self._recent_samples -= len(self._recent.popleft())
        self.broadcast.send(
            {
                "type": "sound",
                "seconds": len(samples) / self._live.rate_hz,
                "level": round(observation.level_dbfs, 1),
                "peak": round(peak_dbfs(samples), 1),
                "scores": [asdict(score) for score in observation.scores],
                **encoded(self._shown(observation.features), DARKEST, BRIGHTEST),
            }
        )

    def _shown(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return features as the first model sees them: about 0 in the mean, 1 in deviation."""
        front_end = self._live.models_as_set[0].artefact.metadata.front_end
        if front_end.log_epsilon is None:
            features = np.log(features + np.float32(1e-6))
        if front_end.mean:
            return front_end.normalise(features)
        return (features - np.float32(5.0)) / np.float32(3.0)

    def _faults(self) -> list[dict[str, str]]:
        if not self.listening:
            return []
        if not self._live.microphone_name:
            text = "No microphone is open: is one plugged in, and free? The log says more."
            return [{"fault": "missing", "text": text}]
        if fault := self._live.microphone_fault:
            return [
                {"fault": "channel", "text": f"Microphone: {fault}" + "." * fault[-1].isalnum()}
            ]
        now = time.monotonic()
        if now >= self._judged_until:
            self._judged_until = now + JUDGED_SECONDS
            samples = np.concatenate([np.zeros(0, np.int16), *list(self._recent)])
            self._judged = [asdict(each) for each in diagnose(samples, self._live.rate_hz)]
        return self._judged


def _detections_today(lines: list[JournalLine]) -> int:
    """Count the detections since midnight, as far as the journal reaches."""
    today = datetime.now().astimezone().date()
    return sum(
        line.entry.kind == "detection"
        and datetime.fromisoformat(line.entry.timestamp).astimezone().date() == today
        for line in lines
    )


def _clips_status(settings: Settings, count: int) -> dict[str, Any]:
    clips = settings.clips
    if not clips:
        return {"kept": False, "count": 0}
    return {
        "kept": True,
        "count": count,
        "folder": clips.folder,
        "max_clips": clips.max_clips,
        "max_days": clips.max_days,
        "seconds_before": clips.seconds_before,
        "seconds_after": clips.seconds_after,
        "close_misses": clips.close_misses,
    }
