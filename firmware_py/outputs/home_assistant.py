"""How Home Assistant finds this device over MQTT.

Discovery: https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload and
https://www.home-assistant.io/integrations/event.mqtt/
"""

import hashlib
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware_py.settings.outputs import MqttSettings

ORIGIN = "trigger-word"
AT_LEAST_ONCE = 1
"""The quality of service that Home Assistant asks for."""
MACHINE_ID = Path("/etc/machine-id")


@dataclass(frozen=True)
class Topics:
    """Where a device speaks."""

    event: str
    availability: str
    discovery: str
    """Empty: no discovery."""


def topics(settings: MqttSettings, device_id: str) -> Topics:
    """Return the topics of a device."""
    base = f"{settings.topic_prefix}/{device_id}"
    discovery = f"{settings.discovery_prefix}/device/{device_id}/config"
    return Topics(
        f"{base}/event", f"{base}/availability", discovery if settings.discovery_prefix else ""
    )


def discovery_payload(
    settings: MqttSettings, device_id: str, labels: Sequence[str], version: str
) -> dict[str, Any]:
    """Return what Home Assistant is told: a device with one event entity."""
    ours = topics(settings, device_id)
    name = settings.device_name or f"Trigger word {socket.gethostname()}"
    return {
        "device": {
            "identifiers": [device_id],
            "name": name,
            "model": "trigger-word",
            "sw_version": version,
            **({"serial_number": serial} if (serial := machine_serial()) else {}),
        },
        "origin": {"name": ORIGIN, "sw_version": version},
        "components": {
            "detection": {
                "platform": "event",
                "unique_id": f"{device_id}_detection",
                "name": "Detection",
                "icon": "mdi:microphone-message",
                "event_types": list(labels),
                "state_topic": ours.event,
            }
        },
        "availability_topic": ours.availability,
        "qos": AT_LEAST_ONCE,
    }


def machine_serial() -> str:
    """Return what tells this machine from others, or '' where it has no identity.

    Not the identity itself, which is not for others: machine-id(5).
    """
    try:
        identity = MACHINE_ID.read_text().strip()
    except (OSError, ValueError):
        return ""
    return hashlib.sha256(f"trigger-word {identity}".encode()).hexdigest()[:12] if identity else ""
