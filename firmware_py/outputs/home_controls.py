"""What Home Assistant may see and change beside the event: listening, sensitivity, tests, figures.

Schemas: https://www.home-assistant.io/integrations/switch.mqtt/, select.mqtt, button.mqtt,
sensor.mqtt and binary_sensor.mqtt.
"""

import json
import logging
import re
import threading
from collections.abc import Callable
from typing import Any, Protocol

from firmware_py.errors import TriggerWordError

STATUS_SECONDS = 60.0
"""How often what is measured is told."""
LOOK_SECONDS = 5.0
"""How often it is looked whether something else has changed, which is told at once."""
MEASURED_NAMES = frozenset({"load", "level", "temperature"})
MOST_COMMAND = 200
ON, OFF = "ON", "OFF"
MEASURED = {"state_class": "measurement", "entity_category": "diagnostic"}
"""Of sensors whose values Home Assistant keeps statistics of."""

log = logging.getLogger(__name__)


class Home(Protocol):
    """What is asked of the device, as `monitor.control.Control` answers it."""

    changed: list[Callable[[], None]]

    def status(self) -> dict[str, Any]: ...

    def set_sensitivity(self, model: str, point: str | None) -> None: ...

    def set_listening(self, listening: bool) -> None: ...

    def test(self, what: str) -> None: ...


class HomeControls:
    """Entities of one device, under the topic `base`."""

    def __init__(
        self, home: Home, base: str, device_id: str, retain: Callable[[str, str], None]
    ) -> None:
        """
        retain: publishes a payload at a topic, for those who come later too.
        """
        self._home = home
        self._base = base
        self._device_id = device_id
        self._retain = retain
        self._ended = threading.Event()
        self._told: dict[str, Any] = {}
        self._models = {_slug(model["name"]): model["name"] for model in home.status()["models"]}
        home.changed.append(self.tell)
        threading.Thread(target=self._tell_often, name="mqtt status", daemon=True).start()

    @property
    def commands(self) -> str:
        """What is to be subscribed to."""
        return f"{self._base}/set/#"

    def close(self) -> None:
        self._ended.set()
        self._home.changed.remove(self.tell)

    def components(self) -> dict[str, Any]:
        """Return the entities as discovery announces them."""
        status = self._home.status()
        found: dict[str, Any] = {
            "listening": self._entity("switch", "listening", "Listening", "mdi:microphone")
            | {"command_topic": f"{self._base}/set/listening"},
            "problem": self._entity("binary_sensor", "problem", "Problem", "")
            | {"device_class": "problem", "entity_category": "diagnostic"},
            "load": self._entity("sensor", "load", "Load", "mdi:gauge")
            | {"unit_of_measurement": "%", **MEASURED},
            "level": self._entity("sensor", "level", "Level", "mdi:volume-medium")
            | {"unit_of_measurement": "dBFS", **MEASURED},
            "detections_today": self._entity(
                "sensor", "detections_today", "Detections today", "mdi:counter"
            )
            | {"state_class": "total_increasing"},
        }
        if status["temperature_celsius"] is not None:
            found["temperature"] = self._entity("sensor", "temperature", "Temperature", "") | {
                "device_class": "temperature",
                "unit_of_measurement": "°C",
                **MEASURED,
            }
        for model in status["models"]:
            key = f"sensitivity_{_slug(model['name'])}"
            found[key] = self._entity("select", key, f"Sensitivity {model['name']}", "mdi:tune") | {
                "command_topic": f"{self._base}/set/{key}",
                "options": [point["name"] for point in model["points"]],
                "entity_category": "config",
            }
        for kind in status["tests"]:
            found[f"test_{kind}"] = {
                "platform": "button",
                "unique_id": f"{self._device_id}_test_{kind}",
                "name": f"Test {kind}",
                "command_topic": f"{self._base}/set/test",
                "payload_press": kind,
                "entity_category": "diagnostic",
            }
        return found

    def hear(self, topic: str, payload: bytes) -> bool:
        """Do what a message asks for; return whether it was one for us."""
        begin, _, name = topic.partition("/set/")
        if begin != self._base:
            return False
        try:
            self._do(name, payload[:MOST_COMMAND].decode())
        except (TriggerWordError, OSError, UnicodeDecodeError) as error:
            log.warning("mqtt: %s: %s", topic, error)
            self.tell()
        return True

    def tell(self) -> None:
        """Publish how it is."""
        self._told = self._how_it_is()
        self._retain(f"{self._base}/status", json.dumps(self._told))

    def _how_it_is(self) -> dict[str, Any]:
        status = self._home.status()
        told = {
            "listening": ON if status["listening"] else OFF,
            "problem": ON if status["faults"] else OFF,
            "problems": [fault["text"] for fault in status["faults"]],
            "load": round(100.0 * status["real_time_factor"], 2),
            "level": round(status["level_dbfs"], 1) if status["listening"] else None,
            "detections_today": status["detections_today"],
            "temperature": status["temperature_celsius"],
        }
        for model in status["models"]:
            told[f"sensitivity_{_slug(model['name'])}"] = model["current"]
        return told

    def _has_changed(self) -> bool:
        now = self._how_it_is()
        return any(now[name] != self._told.get(name) for name in now.keys() - MEASURED_NAMES)

    def _do(self, name: str, value: str) -> None:
        slug = name.removeprefix("sensitivity_")
        if name == "listening" and value in (ON, OFF):
            self._home.set_listening(value == ON)
        elif name == "test":
            self._home.test(value)
        elif slug != name and slug in self._models:
            self._home.set_sensitivity(self._models[slug], value)
        else:
            log.warning("mqtt: %r is not a command for %r", value, name[:MOST_COMMAND])

    def _entity(self, platform: str, key: str, name: str, icon: str) -> dict[str, Any]:
        return {
            "platform": platform,
            "unique_id": f"{self._device_id}_{key}",
            "name": name,
            "state_topic": f"{self._base}/status",
            "value_template": f"{{{{ value_json.{key} }}}}",
            **({"icon": icon} if icon else {}),
        }

    def _tell_often(self) -> None:
        untold_seconds = 0.0
        while not self._ended.wait(LOOK_SECONDS):
            untold_seconds += LOOK_SECONDS
            try:
                if untold_seconds >= STATUS_SECONDS or self._has_changed():
                    self.tell()
                    untold_seconds = 0.0
            except Exception:
                log.exception("mqtt: the status cannot be told")


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "_", name.lower())
