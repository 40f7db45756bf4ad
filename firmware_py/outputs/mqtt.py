"""Events for a smart home over MQTT."""

import json
import os
import re
import socket
import time
from collections.abc import Sequence

from firmware_py.errors import DeviceError
from firmware_py.outputs.broker import Broker
from firmware_py.outputs.event import Event
from firmware_py.outputs.ghosts import Ghosts
from firmware_py.outputs.home_assistant import discovery_payload, topics
from firmware_py.outputs.home_controls import Home, HomeControls
from firmware_py.outputs.worker import Output
from firmware_py.settings.outputs import MqttSettings

ONCE_SECONDS = 10.0
TROUBLE_SECONDS = 3.0
"""It may pass: a broker of the older version hangs up once."""


class Mqtt(Output):
    """Publishes each event at least once; those that the broker has not confirmed wait for it."""

    def __init__(
        self, settings: MqttSettings, labels: Sequence[str], version: str, home: Home | None = None
    ) -> None:
        """
        labels: all that can be detected.
        home: what Home Assistant may see and change beside the events; None: nothing.
        Raises SettingsError for files that cannot be used.
        """
        self.settings = settings
        self.device_id = device_id_of(settings)
        self.topics = topics(settings, self.device_id)
        self._discovery = discovery_payload(settings, self.device_id, labels, version)
        self._sent_events = self._sent_states = 0
        base = self.topics.event.removesuffix("/event")
        self._controls = HomeControls(home, base, self.device_id, self._retain) if home else None
        self._ghosts = Ghosts(self.topics, self._subscribe, self._remove)
        self.broker = Broker(
            settings,
            self.device_id,
            self.topics.availability,
            connected=self._connected,
            heard=self._hear,
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
        self._sent_events += 1
        self.broker.publish(self.topics.event, event_payload(event))

    def close(self) -> None:
        """Say goodbye, if the broker is there."""
        last = None
        if self._controls:
            self._controls.close()
        if self.broker.is_connected:
            self._sent_states += 1
            last = self.broker.publish(self.topics.availability, "offline", retain=True)
        self.broker.close(last)

    def _hear(self, topic: str, payload: bytes) -> None:
        if not (self._controls and self._controls.hear(topic, payload)):
            self._ghosts.hear(topic, payload)

    def _connected(self) -> None:
        if self._controls:
            self._discovery["components"] |= self._controls.components()
            self._subscribe(self._controls.commands)
            self._controls.tell()
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


def device_id_of(settings: MqttSettings) -> str:
    """Return the chosen name of the device, or one of the host's name."""
    host = re.sub(r"[^A-Za-z0-9_-]", "-", socket.gethostname())
    return settings.device_id or f"trigger-word-{host}"


def event_payload(event: Event) -> str:
    """Return an event as it is published."""
    return json.dumps({"event_type": event.label, **event.payload()})


def publish_once(settings: MqttSettings, what: str, payload: str) -> str:
    """Publish on a topic of this device, under a client id of our own; return the topic.

    A service that runs is not disturbed. Raises DeviceError when the broker does not take it.
    """
    topic = f"{settings.topic_prefix}/{device_id_of(settings)}/{what}"
    client_id = f"{device_id_of(settings)[:50]}-test-{os.getpid()}"
    broker = Broker(settings, client_id, f"{topic}/gone", lambda: None, lambda *_: None)
    broker.start()
    message = broker.publish(topic, payload)
    end, troubled = time.monotonic() + ONCE_SECONDS, False
    try:
        while not broker.confirmed and time.monotonic() < end:
            time.sleep(0.05)
            if broker.trouble and not troubled:
                troubled = True
                end = min(end, time.monotonic() + TROUBLE_SECONDS)
        if broker.refused or not broker.confirmed:
            raise DeviceError(broker.trouble or f"{settings.host} does not answer")
    finally:
        broker.close(message if broker.confirmed else None)
    return topic
