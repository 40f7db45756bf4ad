"""Events for a smart home over MQTT."""

import json
import logging
import re
import socket
import ssl
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from firmware_py.errors import DeviceError, SettingsError
from firmware_py.outputs.event import Event
from firmware_py.outputs.home_assistant import AT_LEAST_ONCE, discovery_payload, topics
from firmware_py.outputs.worker import Output
from firmware_py.settings.outputs import MqttSettings

RECONNECT_SECONDS = (1, 60)
"""First and longest pause before the broker is tried again."""
GOODBYE_SECONDS = 0.5

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Credentials:
    """The content of a credentials file."""

    username: str
    password: str


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
        self._sent_events = self._sent_states = self._confirmed_messages = 0
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=self.device_id)
        self._client.max_queued_messages_set(0)
        self._client.reconnect_delay_set(*RECONNECT_SECONDS)
        self._client.will_set(self.topics.availability, "offline", AT_LEAST_ONCE, retain=True)
        self._client.on_connect = self._connected
        self._client.on_connect_fail = self._not_connected
        self._client.on_disconnect = self._disconnected
        self._client.on_publish = self._confirmed
        self._secure()
        self._client.connect_async(settings.host, settings.broker_port, settings.keepalive_seconds)
        self._client.loop_start()

    @property
    def waiting(self) -> int:
        """Messages that the broker has not confirmed."""
        return self._sent_events + self._sent_states - self._confirmed_messages

    def handle(self, event: Event) -> None:
        """Publish the event or queue it for the broker; raises DeviceError when too many wait."""
        if self.waiting >= self.settings.queue_length:
            raise DeviceError(
                f"{self.settings.host} is away and {self.waiting} events wait for it already;"
                f" {event.label!r} is lost"
            )
        payload = json.dumps({"event_type": event.label, **event.payload()})
        self._sent_events += 1
        self._client.publish(self.topics.event, payload, AT_LEAST_ONCE)

    def close(self) -> None:
        """Say goodbye, if the broker is there."""
        if self._client.is_connected():
            self._publish_retained(self.topics.availability, "offline").wait_for_publish(
                GOODBYE_SECONDS
            )
        self._client.disconnect()
        self._client.loop_stop()

    def _secure(self) -> None:
        settings = self.settings
        if settings.credentials_file:
            credentials = read_credentials(Path(settings.credentials_file))
            self._client.username_pw_set(credentials.username, credentials.password)
        if not settings.tls:
            return
        try:
            self._client.tls_set(
                settings.ca_file or None,
                settings.certificate_file or None,
                settings.key_file or None,
            )
        except (OSError, ssl.SSLError) as error:
            files = [settings.ca_file, settings.certificate_file, settings.key_file]
            named = ", ".join(file for file in files if file)
            raise SettingsError(f"mqtt: cannot use the certificates {named}: {error}") from error

    def _publish_retained(self, topic: str, payload: str) -> paho.MQTTMessageInfo:
        self._sent_states += 1
        return self._client.publish(topic, payload, AT_LEAST_ONCE, retain=True)

    def _connected(
        self,
        _client: paho.Client,
        _data: Any,
        _flags: Any,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            log.error("mqtt: %s refuses us: %s", self.settings.host, reason)
            return
        log.info("mqtt: connected to %s as %s", self.settings.host, self.device_id)
        if self.topics.discovery:
            self._publish_retained(self.topics.discovery, json.dumps(self._discovery))
        self._publish_retained(self.topics.availability, "online")

    def _not_connected(self, _client: paho.Client, _data: Any) -> None:
        log.warning("mqtt: %s:%d does not answer", self.settings.host, self.settings.broker_port)

    def _disconnected(
        self,
        _client: paho.Client,
        _data: Any,
        _flags: Any,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            log.warning("mqtt: lost %s: %s", self.settings.host, reason)

    def _confirmed(self, *_: Any) -> None:
        self._confirmed_messages += 1


def read_credentials(path: Path) -> Credentials:
    """Return user name and password; raises SettingsError, without the content in its words."""
    try:
        mapping = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot read the credentials: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: this is no TOML file with username and password") from error
    if path.stat().st_mode & 0o007:
        log.warning("%s: every user of this machine can use this file: chmod o= it", path)
    strings = all(isinstance(mapping.get(name), str) for name in ("username", "password"))
    if not strings or len(mapping) != 2:
        raise SettingsError(f'{path}: give username = "..." and password = "...", nothing else')
    return Credentials(mapping["username"], mapping["password"])


def _identifier(host_name: str) -> str:
    return "trigger-word-" + re.sub(r"[^A-Za-z0-9_-]", "-", host_name)
