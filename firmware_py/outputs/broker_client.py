"""What the MQTT client of the library lacks: bounds, two versions, a thread that survives."""

import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from paho.mqtt import client as paho
from paho.mqtt.enums import MQTTErrorCode, MQTTProtocolVersion

from firmware_py.errors import SettingsError
from firmware_py.settings.outputs import MqttSettings
from firmware_py.settings.secret_files import refuse_open_file

LARGEST_PACKET = 1 << 20
"""Bytes; a broker that announces more is hung up on."""
MOST_HALF_DONE = 20
"""Messages that a broker may begin to hand over (exactly once, which nobody asked for) and not
end; the library keeps each."""
MOST_ANSWERS = 10_000
"""Packets that wait for a broker to read them."""
PAUSE_SECONDS = 1.0
"""After an error of the library's."""


class BrokerClient(paho.Client):
    """The library's client with bounds for packets and a thread that survives what it raises."""

    fault: Callable[[Exception], None]
    has_answered = False
    """Whether the broker has answered on this connection."""
    last_fault = ""

    def reconnect(self) -> MQTTErrorCode:
        self.has_answered = False
        self.last_fault = ""
        return super().reconnect()

    def loop_forever(
        self, timeout: float = 1.0, retry_first_connection: bool = False
    ) -> MQTTErrorCode:
        while True:
            try:
                return super().loop_forever(timeout, retry_first_connection)
            except Exception as error:
                # Whatever a broker's packets or a callback bring about, the thread goes on.
                self.fault(error)
                time.sleep(PAUSE_SECONDS)
                with suppress(OSError, ValueError):
                    self.reconnect()

    def loop_stop(self) -> MQTTErrorCode:
        """End the thread, and close what the library leaves to the garbage collector: a pair of
        sockets, and the connection of a handshake that failed."""
        ended = super().loop_stop()
        self._reset_sockets()
        return ended

    def speak_other_version(self) -> bool:
        """Try the other version next time, as the library itself does from 3.1.1 to 3.1."""
        if self._protocol == MQTTProtocolVersion.MQTTv5:
            self._protocol = MQTTProtocolVersion.MQTTv311
            self._clean_session = True
            return True
        self._protocol = MQTTProtocolVersion.MQTTv5
        return False

    def _sock_recv(self, bufsize: int) -> bytes:
        if bufsize > LARGEST_PACKET:
            self._hang_up(f"it announces a packet of {bufsize} bytes")
        if len(self._in_messages) > MOST_HALF_DONE:
            with self._in_message_mutex:
                self._in_messages.clear()  # else they would be waited for on the next connection
            self._hang_up(f"it leaves more than {MOST_HALF_DONE} messages half done")
        if len(self._out_packet) > MOST_ANSWERS:
            self._hang_up(f"it reads none of {MOST_ANSWERS} answers")
        return super()._sock_recv(bufsize)

    def _hang_up(self, fault: str) -> NoReturn:
        self.last_fault = fault
        raise ConnectionError(fault)


class _TlsContext(ssl.SSLContext):
    """Expects a name of its own in the certificate, where it is given one."""

    name = ""

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        if self.name:
            options["server_hostname"] = self.name
        return super().wrap_socket(*args, **options)


def tls_context(settings: MqttSettings) -> ssl.SSLContext:
    context = _TlsContext(ssl.PROTOCOL_TLS_CLIENT)
    context.name = settings.certificate_name
    if settings.key_file:
        refuse_open_file(Path(settings.key_file))
    try:
        if settings.ca_file:
            context.load_verify_locations(settings.ca_file)
        else:
            context.load_default_certs()
        if settings.certificate_file:
            context.load_cert_chain(settings.certificate_file, settings.key_file)
    except (OSError, ssl.SSLError) as error:
        files = [settings.ca_file, settings.certificate_file, settings.key_file]
        named = ", ".join(file for file in files if file)
        raise SettingsError(f"mqtt: cannot use the certificates {named}: {error}") from error
    return context
