"""A URL that is told of each event."""

import json
import logging
import threading
import urllib.error
import urllib.request
from http.client import HTTPException

from firmware_py.errors import DeviceError
from firmware_py.outputs.event import Event
from firmware_py.outputs.worker import Output
from firmware_py.settings.outputs import WebhookSettings

log = logging.getLogger(__name__)


class Webhook(Output):
    """Posts events as JSON, and again where that failed."""

    def __init__(self, settings: WebhookSettings) -> None:
        self.settings = settings
        self._closing = threading.Event()

    def handle(self, event: Event) -> None:
        """Post the event; raises DeviceError after the last attempt."""
        for attempt in range(self.settings.retries + 1):
            if attempt and self._closing.wait(2.0 ** (attempt - 1)):
                return
            fault = self._post(event)
            if fault is None:
                return
            log.info("%s: attempt %d: %s", self.settings.url, attempt + 1, fault)
        raise DeviceError(f"{self.settings.url}: given up after {attempt + 1} attempts: {fault}")

    def interrupt(self) -> None:
        """Stop waiting for the next attempt."""
        self._closing.set()

    def _post(self, event: Event) -> str | None:
        """Post once; return what went wrong, if anything."""
        request = urllib.request.Request(
            self.settings.url,
            data=json.dumps(event.payload()).encode(),
            headers={"Content-Type": "application/json", **self.settings.headers},
            method="POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=self.settings.timeout_seconds):
                return None
        except (OSError, HTTPException) as error:
            return str(error) or type(error).__name__
