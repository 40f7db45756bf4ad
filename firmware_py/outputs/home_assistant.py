"""How Home Assistant finds this device over MQTT.

Discovery: https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload and
https://www.home-assistant.io/integrations/event.mqtt/
"""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from firmware_py.settings.outputs import MqttSettings

AT_LEAST_ONCE = 1
"""The quality of service of all messages."""


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
        },
        "origin": {"name": "trigger-word", "sw_version": version},
        "components": {
            "detection": {
                "platform": "event",
                "unique_id": f"{device_id}_detection",
                "name": "Detection",
                "icon": "mdi:microphone-message",
                "event_types": list(labels),
                "state_topic": ours.event,
            },
        },
        "availability_topic": ours.availability,
        "qos": AT_LEAST_ONCE,
    }
