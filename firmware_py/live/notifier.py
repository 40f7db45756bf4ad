"""Talking to the service manager: ready, alive, status (the protocol of sd_notify(3))."""

import os
import socket
import time
from collections.abc import Mapping

STATUS_SECONDS = 10.0


class Notifier:
    """Sends to the socket that systemd names; without one it does nothing."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "").replace("@", "\0", 1)
        watchdog_seconds = int(environment.get("WATCHDOG_USEC", "0")) / 1e6
        self._ping_seconds = watchdog_seconds / 4
        self._last_ping = 0.0
        self._last_status = -STATUS_SECONDS
        self._ready = self._reloading = False

    def alive(self) -> None:
        """Say that a chunk was processed, ready at the first one."""
        now = time.monotonic()
        if not self._ready and not self._reloading:
            self._ready = True
            self._send("READY=1")
        if self._ping_seconds and now - self._last_ping >= self._ping_seconds:
            self._last_ping = now
            self._send("WATCHDOG=1")

    @property
    def status_is_due(self) -> bool:
        """Whether somebody should be told how it goes."""
        return bool(self._address) and time.monotonic() - self._last_status >= STATUS_SECONDS

    def status(self, text: str) -> None:
        """Tell a person how it goes."""
        self._last_status = time.monotonic()
        self._send(f"STATUS={text}")

    def reloading(self) -> None:
        """Say that the settings are read again; the first `alive` after `reloaded` ends it."""
        microseconds = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send(f"RELOADING=1\nMONOTONIC_USEC={microseconds}")
        self._ready = False
        self._reloading = True

    def reloaded(self) -> None:
        """Note that the settings have been read, whether or not they could be used."""
        self._reloading = False

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def _send(self, state: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.settimeout(1.0)
            try:
                sender.sendto(state.encode(), self._address)
            except OSError:
                # A service manager that does not listen must not stop us.
                return
