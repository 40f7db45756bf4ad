"""A connection to an MQTT broker that is kept for ever: MQTT 5, or 3.1.1 where that is unknown."""

import logging
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from firmware_py.outputs.broker_client import LARGEST_PACKET, BrokerClient, tls_context
from firmware_py.outputs.connection_faults import why_not
from firmware_py.outputs.home_assistant import AT_LEAST_ONCE
from firmware_py.settings.outputs import MqttSettings
from firmware_py.settings.secret_files import is_this_machine, read_credentials

RECONNECT_SECONDS = (1, 60)
"""First and longest pause before the broker is tried again."""
TWIN_SECONDS = 60
"""Pause where another client has taken our name: each would throw the other out at once."""
MANY_LOSSES, LOSSES_SECONDS = 3, 600.0
"""So many connections lost within this time, and a twin is the likely cause: few brokers say it."""
GOODBYE_SECONDS = 0.5
REPEAT_SECONDS = 60.0
"""After which the same trouble is said again."""
UNSUPPORTED_VERSION, SESSION_TAKEN_OVER = 132, 142
"""Reason codes of MQTT 5, section 2.4."""
WRONG_PASSWORD = (134, 135)

log = logging.getLogger(__name__)


class Broker:
    """Publishes at least once; what the broker has not confirmed waits for it."""

    def __init__(
        self,
        settings: MqttSettings,
        client_id: str,
        will_topic: str,
        connected: Callable[[], None],
        heard: Callable[[str, bytes], None],
    ) -> None:
        """
        will_topic: where the broker says "offline" when this client has died.
        connected: called each time that the broker has accepted us.
        heard: called with topic and payload of each message subscribed to.
        Raises SettingsError for files that cannot be used.
        """
        self.settings = settings
        self.client_id = client_id
        self.confirmed = 0
        """Messages that the broker has answered, refused ones included."""
        self.refused = 0
        self._connected = connected
        self._heard = heard
        self._is_accepted = False
        self._losses: deque[float] = deque(maxlen=MANY_LOSSES)
        self._said = ("", 0.0)
        client = BrokerClient(
            CallbackAPIVersion.VERSION2, client_id, protocol=MQTTProtocolVersion.MQTTv5
        )
        self._client = client
        client.fault = lambda error: self._say(f"the connection failed: {error!r:.200}")
        client.max_queued_messages_set(0)
        client.reconnect_delay_set(*RECONNECT_SECONDS)
        client.will_set(will_topic, "offline", AT_LEAST_ONCE, retain=True)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = lambda _client, _data, message: self._on_message(message)
        self._secure()
        limits = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        limits.MaximumPacketSize = LARGEST_PACKET
        client.connect_async(
            settings.host, settings.broker_port, settings.keepalive_seconds, properties=limits
        )

    def start(self) -> None:
        """Begin to connect, in a thread of its own."""
        self._client.loop_start()

    @property
    def trouble(self) -> str:
        """What was last said of what fails."""
        return self._said[0]

    @property
    def is_connected(self) -> bool:
        return self._client.is_connected()

    def publish(self, topic: str, payload: str, *, retain: bool = False) -> paho.MQTTMessageInfo:
        """Send now, or when the broker is there."""
        return self._client.publish(topic, payload, AT_LEAST_ONCE, retain)

    def subscribe(self, topic: str) -> None:
        """Hear what is published there, until the connection is lost."""
        self._client.subscribe(topic, AT_LEAST_ONCE)

    def unsubscribe(self, topic: str) -> None:
        self._client.unsubscribe(topic)

    def close(self, last: paho.MQTTMessageInfo | None) -> None:
        """Hang up, when the last message is out or soon in any case."""
        if last:
            with suppress(RuntimeError, ValueError):
                last.wait_for_publish(GOODBYE_SECONDS)
        self._client.disconnect()
        self._client.loop_stop()

    def _secure(self) -> None:
        settings = self.settings
        if settings.credentials_file:
            credentials = read_credentials(Path(settings.credentials_file))
            self._client.username_pw_set(credentials.username, credentials.password)
            if not settings.tls and not is_this_machine(settings.host):
                log.warning(
                    "mqtt: the password goes to %s unencrypted, for all in the network to read;"
                    " set tls = true",
                    settings.host,
                )
        if settings.tls:
            self._client.tls_set_context(tls_context(settings))

    def _on_connect(
        self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        self._client.has_answered = True
        if reason.is_failure:
            self._refused(reason)
            return
        version = "5" if self._client.protocol == MQTTProtocolVersion.MQTTv5 else "3.1.1"
        log.info("mqtt: connected to %s as %s, MQTT %s", self._host, self.client_id, version)
        self._is_accepted = True
        self._connected()

    def _refused(self, reason: ReasonCode) -> None:
        if reason.value == UNSUPPORTED_VERSION and self._client.speak_other_version():
            log.info("mqtt: %s does not speak MQTT 5; MQTT 3.1.1 is tried", self._host)
            return
        remedy = "; check credentials_file" if reason.value in WRONG_PASSWORD else ""
        self._say(f"{self._host} refuses us: {reason}{remedy}", logging.ERROR)

    def _on_connect_fail(self, _client: Any, _data: Any) -> None:
        settings = self.settings
        self._say(why_not(sys.exception(), settings.host, settings.broker_port))

    def _on_disconnect(
        self, _client: Any, _data: Any, flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        self._client.reconnect_delay_set(*RECONNECT_SECONDS)
        if flags.is_disconnect_packet_from_server and reason.value == SESSION_TAKEN_OVER:
            self._twin("has the client id")
        elif not reason.is_failure:
            return
        elif not self._client.has_answered:
            self._client.speak_other_version()
            tls = "" if self.settings.tls else "; is it a port for TLS? Then set tls = true"
            self._say(f"{self._host} hangs up without an answer{tls}")
        elif self._is_lost_often():
            self._twin("may have the client id")
        else:
            self._say(f"lost {self._host}: {self._client.last_fault or reason}")

    def _is_lost_often(self) -> bool:
        """Note that an accepted connection is lost; return whether that happens again and again."""
        now = time.monotonic()
        if self._is_accepted:
            self._losses.append(now)
        self._is_accepted = False
        return len(self._losses) == MANY_LOSSES and now - self._losses[0] < LOSSES_SECONDS

    def _twin(self, has: str) -> None:
        self._client.reconnect_delay_set(TWIN_SECONDS, TWIN_SECONDS)
        self._say(
            f"{self._host} hangs up: another client {has} {self.client_id!r} too; each device needs"
            " a device_id of its own",
            logging.ERROR,
        )

    def _on_publish(
        self, _client: Any, _data: Any, _message_id: int, reason: ReasonCode, _properties: Any
    ) -> None:
        if reason.is_failure:
            self.refused += 1
            self._say(
                f"{self._host} refuses what we publish: {reason}; let this user write to"
                f" {self.settings.topic_prefix}/{self.client_id}/#, and to the discovery's topic",
                logging.ERROR,
            )
        self.confirmed += 1

    def _on_message(self, message: paho.MQTTMessage) -> None:
        try:
            self._heard(message.topic, bytes(message.payload))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            self._say(f"a message that cannot be understood came: {error!r:.200}")

    @property
    def _host(self) -> str:
        return f"{self.settings.host}:{self.settings.broker_port}"

    def _say(self, text: str, level: int = logging.WARNING) -> None:
        """Log what is new, and again what has been so for a while."""
        said, when = self._said
        now = time.monotonic()
        if text != said or now - when >= REPEAT_SECONDS:
            self._said = (text, now)
            log.log(level, "mqtt: %s", text)
