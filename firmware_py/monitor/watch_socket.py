"""What the device hears, for terminals: one JSON object a line over a local socket."""

import json
import os
import queue
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from firmware_py.errors import DeviceError
from firmware_py.monitor.broadcast import Broadcast

MODE = 0o660
MOST_WATCHERS = 4
QUEUE_LENGTH = 20
SEND_SECONDS = 5.0
MOST_LINE = 1 << 20


def socket_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where a service of this user, or the machine's, is watched."""
    if folder := environment.get("RUNTIME_DIRECTORY"):
        return Path(folder) / "watch.sock"
    if folder := environment.get("XDG_RUNTIME_DIR"):
        return Path(folder) / "trigger-word.sock"
    return Path("/run/trigger-word/watch.sock")


class WatchSocket:
    """Serves watchers in threads of their own; nothing waits for them."""

    def __init__(self, path: Path, broadcast: Broadcast) -> None:
        """Raises OSError where no socket can be made; one that nobody serves is replaced."""
        self.path = path
        self._broadcast = broadcast
        self._places = threading.Semaphore(MOST_WATCHERS)
        if _is_served(path):
            raise OSError(f"{path}: another service is watched there")
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        path.chmod(MODE)  # nobody can connect before `listen`
        self._listener.listen(MOST_WATCHERS)
        threading.Thread(target=self._accept, name="watch", daemon=True).start()

    def close(self) -> None:
        self.path.unlink(missing_ok=True)
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if not self._places.acquire(blocking=False):
                connection.close()
                continue
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        waiting: queue.Queue[dict[str, Any]] = queue.Queue(QUEUE_LENGTH)

        def deliver(message: dict[str, Any]) -> None:
            with suppress(queue.Full):
                waiting.put_nowait(message)

        connection.settimeout(SEND_SECONDS)
        self._broadcast.add(deliver)
        try:
            while True:
                try:
                    message = waiting.get(timeout=SEND_SECONDS)
                except queue.Empty:
                    message = {"type": "nothing"}  # tells whether the watcher is still there
                shown = {key: value for key, value in message.items() if key != "data"}
                connection.sendall(json.dumps(shown).encode() + b"\n")
        except OSError:
            return
        finally:
            self._broadcast.remove(deliver)
            self._places.release()
            connection.close()


def watch(path: Path) -> Iterator[dict[str, Any]]:
    """Yield what a running service hears; raises DeviceError where none may be watched."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(str(path))
        except PermissionError as error:
            raise DeviceError(f"{path}: you may not watch this service; try sudo") from error
        except OSError as error:
            raise DeviceError(f"{path}: no service is watched there: {error.strerror}") from error
        with connection.makefile("rb") as lines:
            while line := lines.readline(MOST_LINE):
                yield json.loads(line)


def _is_served(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
