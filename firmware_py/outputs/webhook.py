"""A URL that is told of each event."""

import base64
import json
import logging
import socket
import threading
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import quote, unquote, urlsplit

from firmware_py.errors import DeviceError
from firmware_py.outputs.connection_faults import why_not
from firmware_py.outputs.event import Event
from firmware_py.outputs.worker import Output
from firmware_py.settings.outputs import WebhookSettings
from firmware_py.settings.secret_files import is_this_machine
from firmware_py.sound.background_call import BackgroundCall

KEPT = "/%:@!$&'()*+,;=~?"
"""What a path and a query hold as it is; the rest is percent-encoded."""
LOOK_SECONDS = 0.1
"""How often a pending answer is looked at."""

log = logging.getLogger(__name__)


class Webhook(Output):
    """Posts events as JSON, and again where that failed. No redirect is followed.

    A redirect would turn the POST into a GET without a body, or hand our headers to another host.
    """

    def __init__(self, settings: WebhookSettings) -> None:
        self.settings = settings
        self._url = urlsplit(settings.url)
        self._closing = threading.Event()
        self._call: BackgroundCall[tuple[int, str]] | None = None
        host = self._url.hostname or ""
        if settings.has_secret and self._url.scheme == "http" and not is_this_machine(host):
            log.warning(
                "webhook %s: the password in it goes through the network unencrypted; use https",
                settings.address,
            )

    def handle(self, event: Event) -> None:
        """Post the event; raises DeviceError after the last attempt."""
        address = self.settings.address
        body = json.dumps(event.payload()).encode()
        for attempt in range(self.settings.retries + 1):
            if attempt and self._closing.wait(2.0 ** (attempt - 1)):
                return
            fault = self._attempt(body)
            if fault is None or self._closing.is_set():
                return
            log.info("%s: attempt %d: %s", address, attempt + 1, fault)
        raise DeviceError(f"{address}: given up after {attempt + 1} attempts: {fault}")

    def reach(self) -> None:
        """Connect to the server and hang up; raises DeviceError."""
        connection = self._open()
        call = BackgroundCall(connection.connect)
        timeout_seconds = self.settings.timeout_seconds
        if not call.wait(timeout_seconds):
            raise DeviceError(f"not done within {timeout_seconds:g} s")
        try:
            call.result()
        except OSError as error:
            raise DeviceError(why_not(error, connection.host, connection.port)) from error
        finally:
            connection.close()

    def interrupt(self) -> None:
        """Stop waiting for an answer or the next attempt."""
        self._closing.set()

    def _attempt(self, body: bytes) -> str | None:
        """Post once, within the time; return what went wrong, if anything."""
        if self._call and not self._call.wait(0.0):
            return "the last attempt hangs still"
        connection = self._open()
        self._call = BackgroundCall(lambda: self._exchange(connection, body))
        while not self._call.wait(LOOK_SECONDS):
            if self._closing.is_set() or self._call.age_seconds > self.settings.timeout_seconds:
                _cut(connection)
                return f"not done within {self.settings.timeout_seconds:g} s"
        try:
            status, location = self._call.result()
        except OSError as error:
            return why_not(error, connection.host, connection.port)
        except (HTTPException, ValueError) as error:
            return f"an answer that is not HTTP: {error!r:.100}"
        if 300 <= status < 400:
            raise DeviceError(
                f"{self.settings.address} has moved (status {status}) to {location!r:.200}; put"
                " that address into the settings if you trust it"
            )
        return None if status < 300 else f"status {status}"

    def _open(self) -> HTTPConnection:
        kind = HTTPSConnection if self._url.scheme == "https" else HTTPConnection
        timeout_seconds = self.settings.timeout_seconds
        return kind(self._url.hostname or "", self._url.port, timeout=timeout_seconds)

    def _exchange(self, connection: HTTPConnection, body: bytes) -> tuple[int, str]:
        """Return the status, and where the server sends us."""
        query = f"?{self._url.query}" if self._url.query else ""
        target = quote((self._url.path or "/") + query, safe=KEPT)
        try:
            connection.request("POST", target, body, self._headers())
            answer: HTTPResponse = connection.getresponse()
            return answer.status, answer.getheader("Location", "")
        finally:
            connection.close()

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        if self._url.username is not None:
            user = f"{unquote(self._url.username)}:{unquote(self._url.password or '')}"
            headers["Authorization"] = f"Basic {base64.b64encode(user.encode()).decode()}"
        return {**headers, **self.settings.headers}


def _cut(connection: HTTPConnection) -> None:
    """End an exchange that lasts, from another thread."""
    if connection.sock:
        with suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)
