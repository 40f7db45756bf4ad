"""The page of a device that only pretends to listen, for tests."""

import http.client
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from firmware_py.errors import SettingsError
from firmware_py.monitor.broadcast import Broadcast
from firmware_py.monitor.clip_files import JournalEntry
from firmware_py.monitor.journal import Journal
from firmware_py.settings.web import WebSettings
from firmware_py.web.credentials import hash_password
from firmware_py.web.server import WebServer

PASSWORD = "correct horse"
ENTRY = JournalEntry(
    "detection", "activate", "activate", 0.95, 0.93, "2026-01-02T03:04:05.678+00:00"
)


@dataclass
class PretendedDevice:
    """Keeps what it is told."""

    broadcast: Broadcast
    journal: Journal
    told: list[tuple[Any, ...]] = field(default_factory=list)

    def status(self) -> dict[str, Any]:
        return {"listening": True}

    def set_sensitivity(self, model: str, point: str | None) -> None:
        if model != "activate":
            raise SettingsError(f"no model is called {model!r}")
        self.told.append(("sensitivity", model, point))

    def set_listening(self, listening: bool) -> None:
        self.told.append(("listening", listening))

    def test(self, what: str) -> None:
        self.told.append(("test", what))


@dataclass
class Served:
    """A page that is served, and what stands behind it."""

    device: PretendedDevice
    port: int
    cookie: str = ""

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        host: str = "127.0.0.1",
    ) -> tuple[int, Any]:
        """Return status and content; JSON is read. body: JSON-ready, or bytes as they are."""
        connection = http.client.HTTPConnection(host, self.port, timeout=20)
        sent = {"Cookie": self.cookie} if self.cookie else {}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        connection.request(method, path, body, {**sent, **(headers or {})})
        response = connection.getresponse()
        content = response.read()
        connection.close()
        if cookie := response.getheader("Set-Cookie"):
            self.cookie = cookie.partition(";")[0]
        is_json = (response.getheader("Content-Type") or "").startswith("application/json")
        return response.status, json.loads(content) if is_json else content


def wav(seconds: float = 1.0) -> bytes:
    content = io.BytesIO()
    noise = np.random.default_rng(1).normal(0, 3000, round(16000 * seconds)).astype(np.int16)
    soundfile.write(content, noise, 16000, "PCM_16", format="WAV")
    return content.getvalue()


def password_file(folder: Path) -> str:
    path = folder / "password"
    path.write_text(hash_password(PASSWORD).line())
    path.chmod(0o600)
    return str(path)


@contextmanager
def served(folder: Path, **settings: Any) -> Iterator[Served]:
    """Serve a page on a free port of the loopback address; three clips lie in `folder`."""
    journal = Journal(folder / "clips", 100, 30.0)
    for _ in range(3):
        journal.add(ENTRY, wav())
    device = PretendedDevice(Broadcast(), journal)
    server = WebServer(WebSettings(port=0, **settings), device)
    try:
        yield Served(device, server.port)
    finally:
        assert server.close(60.0)
