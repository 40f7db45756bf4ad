"""Events for a smart home over MQTT."""

import json
import re
import socket
from collections.abc import Sequence

from firmware_py.errors import DeviceError
from firmware_py.outputs.broker import Broker
from firmware_py.outputs.event import Event
from firmware_py.outputs.ghosts import Ghosts
from firmware_py.outputs.home_assistant import discovery_payload, topics
from firmware_py.outputs.worker import Output
from firmware_py.settings.outputs import MqttSettings


class Mqtt(Output):
    """Publishes each event at least once; those that the broker has not confirmed wait for it."""

    def __init__(self, settings: MqttSettings, labels: Sequence[str], version: str) -> None:
        """
        labels: all that can be detected.
        Raises SettingsError for files that cannot be used.
        """
        self.settings = settings
        self.device_id = settings.device_id or _identifier(socket.gethostname())
        self.topics = topics(settings, self.device_id)
        self._discovery = discovery_payload(settings, self.device_id, labels, version)
        self._sent_events = self._sent_states = 0
        self._ghosts = Ghosts(self.topics, self._subscribe, self._remove)
        self.broker = Broker(
            settings,
            self.device_id,
            self.topics.availability,
            connected=self._connected,
            heard=self._ghosts.hear,
        )
        self.broker.start()

    @property
    def waiting(self) -> int:
        """Messages that the broker has not confirmed."""
        return self._sent_events + self._sent_states - self.broker.confirmed

    @property
    def refused(self) -> int:
        """Messages that the broker did not want."""
        return self.broker.refused

    def handle(self, event: Event) -> None:
        """Publish the event or queue it for the broker; raises DeviceError when too many wait."""
        if self.waiting >= self.settings.queue_length:
            raise DeviceError(
                f"{self.settings.host} is away and {self.waiting} events wait for it already;"
                f" {event.label!r} is lost"
            )
        payload = json.dumps({"event_type": event.label, **event.payload()})
        self._sent_events += 1
        self.broker.publish(self.topics.event, payload)

    def close(self) -> None:
        """Say goodbye, if the broker is there."""
        last = None
        if self.broker.is_connected:
            self._sent_states += 1
            last = self.broker.publish(self.topics.availability, "offline", retain=True)
        self.broker.close(last)

    def _connected(self) -> None:
        if self.topics.discovery:
            self._retain(self.topics.discovery, json.dumps(self._discovery))
        self._retain(self.topics.availability, "online")
        self._ghosts.look(self.settings.discovery_prefix)

    def _retain(self, topic: str, payload: str) -> None:
        self._sent_states += 1
        self.broker.publish(topic, payload, retain=True)

    def _remove(self, topic: str) -> None:
        self._retain(topic, "")

    def _subscribe(self, topic: str) -> None:
        self.broker.subscribe(topic)


def _identifier(host_name: str) -> str:
    return "trigger-word-" + re.sub(r"[^A-Za-z0-9_-]", "-", host_name)
