"""What the service manager and Prometheus are told."""

import json
import logging
import socket
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from firmware_py.board_state import throttling_words
from firmware_py.live.metrics import server as metrics_server
from firmware_py.live.metrics.exposition import Metric, exposition
from firmware_py.live.metrics.server import MetricsServer
from firmware_py.live.notifier import Notifier
from firmware_py.logs import JsonFormatter


class Manager:
    """A socket as systemd opens it."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address.replace("@", "\0", 1))
        self.socket.settimeout(0.2)
        self.environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "400000"}

    def told(self) -> list[str]:
        messages = []
        try:
            while True:
                messages.append(self.socket.recv(4096).decode())
        except TimeoutError:
            return messages


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_ready_alive_status_stopping(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("firmware_py.live.notifier.time.monotonic", lambda: now[0])
    manager = Manager(str(tmp_path / "notify") if kind == "path" else f"@{tmp_path.name}-notify")
    notifier = Notifier(manager.environment)
    assert manager.told() == []
    assert notifier.status_is_due
    notifier.alive()
    notifier.alive()
    assert manager.told() == ["READY=1", "WATCHDOG=1"]  # pings are a quarter of its time apart
    now[0] += 0.1
    notifier.alive()
    notifier.status("fine")
    notifier.alive()
    assert not notifier.status_is_due
    assert manager.told() == ["WATCHDOG=1", "STATUS=fine"]
    notifier.reloading()
    (message,) = manager.told()
    assert message.startswith("RELOADING=1\nMONOTONIC_USEC=")
    notifier.alive()
    assert "READY=1" not in manager.told()  # it listens meanwhile
    notifier.reloaded()
    notifier.alive()
    notifier.stopping()
    first, *_, last = manager.told()
    assert (first, last) == ("READY=1", "STOPPING=1")
    manager.socket.close()


def test_without_a_service_manager_nothing_happens(tmp_path: Path) -> None:
    Notifier({}).alive()
    assert not Notifier({}).status_is_due
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).stopping()


METRICS = [
    Metric("trigger_word_uptime_seconds", "gauge", "Time since the start.", 12.5),
    Metric(
        "trigger_word_detections_total",
        "counter",
        "Detections.",
        [("activate", 3), ('odd "\\\n name', 1)],
        "label",
    ),
    Metric("trigger_word_empty_total", "counter", "Nothing yet.", [], "label"),
]


def test_prometheus_reads_it() -> None:
    parser = pytest.importorskip("prometheus_client.parser")
    families = {
        family.name: family for family in parser.text_string_to_metric_families(exposition(METRICS))
    }
    (uptime,) = families["trigger_word_uptime_seconds"].samples
    assert uptime.value == 12.5
    detections = families["trigger_word_detections"]
    assert detections.type == "counter"
    assert {sample.labels["label"]: sample.value for sample in detections.samples} == {
        "activate": 3.0,
        'odd "\\\n name': 1.0,
    }


def test_the_endpoint() -> None:
    server = MetricsServer(0, lambda: METRICS)
    base = f"http://127.0.0.1:{server.port}"
    with urllib.request.urlopen(f"{base}/metrics") as answer:
        assert answer.read().decode() == exposition(METRICS)
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    with pytest.raises(urllib.error.HTTPError, match="404") as error:
        urllib.request.urlopen(f"{base}/etc/passwd")
    error.value.close()
    server.close()


def answered(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        return str(answer.read().decode())


def test_a_port_in_use_is_said_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(metrics_server, "RETRY_SECONDS", 0.05)
    first = MetricsServer(0, lambda: METRICS)
    second = MetricsServer(first.port, lambda: [])
    assert f"metrics_port: cannot listen on 127.0.0.1:{first.port}" in caplog.text
    assert answered(first.port) == exposition(METRICS)
    first.close()
    end = time.monotonic() + 60
    while not second._server:
        assert time.monotonic() < end
        time.sleep(0.02)
    assert answered(second.port) == "\n"
    second.close()


def test_hundreds_of_idle_connections() -> None:
    """They hold a few threads, and whoever asks is answered."""
    server = MetricsServer(0, lambda: METRICS)
    place = ("127.0.0.1", server.port)
    idle = [socket.create_connection(place, 20) for _ in range(400)]
    assert answered(server.port) == exposition(METRICS)
    workers = [each for each in threading.enumerate() if "process_request" in each.name]
    assert len(workers) <= 2 * metrics_server.MOST_CONNECTIONS
    for connection in idle:
        connection.close()
    server.close()


def drip(connection: socket.socket) -> None:
    for _ in range(200):
        connection.sendall(b"G")
        time.sleep(0.1)


def test_a_connection_that_lasts_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that sends a byte now and then, too."""
    monkeypatch.setattr(metrics_server, "CONNECTION_SECONDS", 0.3)
    server = MetricsServer(0, lambda: METRICS)
    with (
        socket.create_connection(("127.0.0.1", server.port), 20) as connection,
        pytest.raises(ConnectionError),
    ):
        drip(connection)
    server.close()


def test_json_logs() -> None:
    record = logging.LogRecord("a.b", logging.WARNING, "", 1, "lost %d\nlines", (3,), None)
    fields = json.loads(JsonFormatter().format(record))
    assert (fields["level"], fields["logger"], fields["message"]) == (
        "warning",
        "a.b",
        "lost 3\nlines",
    )


def test_throttling_flags() -> None:
    assert throttling_words(0) == ()
    assert throttling_words(0x50005) == (
        "under-voltage now",
        "throttled now",
        "under-voltage since the start",
        "throttled since the start",
    )
