"""Programs that are run and URLs that are told, the bad ones included."""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from firmware_py.errors import DeviceError
from firmware_py.outputs.command import Command
from firmware_py.outputs.event import Event
from firmware_py.outputs.webhook import Webhook
from firmware_py.outputs.worker import OutputWorker, close_all
from firmware_py.settings.outputs import CommandSettings, WebhookSettings

EVENT = Event("activate", "model", 0.5, 12.5, "2026-01-01T00:00:00+00:00", 1.0)


def command(*program: str, timeout_seconds: float = 10.0) -> Command:
    return Command(CommandSettings(program=program, timeout_seconds=timeout_seconds))


def is_running(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().split()[2]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_the_event_is_in_the_environment(tmp_path: Path) -> None:
    target = tmp_path / "said"
    command("sh", "-c", f'env | grep ^TRIGGER_WORD_ | sort > "{target}"').handle(EVENT)
    assert target.read_text().splitlines() == [
        "TRIGGER_WORD_LABEL=activate",
        "TRIGGER_WORD_MODEL=model",
        "TRIGGER_WORD_SCORE=0.5",
        "TRIGGER_WORD_TIMESTAMP=2026-01-01T00:00:00+00:00",
        "TRIGGER_WORD_TIME_SECONDS=12.5",
    ]


def test_a_program_that_fails_or_is_missing() -> None:
    with pytest.raises(DeviceError, match="sh ended with 3: 'oh no'"):
        command("sh", "-c", "echo oh no >&2; exit 3").handle(EVENT)
    with pytest.raises(DeviceError, match="/no/such does not start: No such file"):
        command("/no/such").handle(EVENT)


def test_a_program_that_takes_too_long_dies_with_its_children(tmp_path: Path) -> None:
    child = tmp_path / "child"
    program = ("sh", "-c", f'sleep 60 & echo $! > "{child}"; wait')
    with pytest.raises(DeviceError, match=r"sh was killed after 0\.5 s"):
        command(*program, timeout_seconds=0.5).handle(EVENT)
    process_id = int(child.read_text())
    end = time.monotonic() + 5
    while is_running(process_id):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_what_runs_in_the_background_is_not_waited_for(tmp_path: Path) -> None:
    child = tmp_path / "child"
    program = ("sh", "-c", f'sleep 60 & echo $! > "{child}"; echo no >&2; exit 4')
    began = time.monotonic()
    with pytest.raises(DeviceError, match="sh ended with 4: 'no'"):
        command(*program, timeout_seconds=30.0).handle(EVENT)
    assert time.monotonic() - began < 15.0
    assert is_running(int(child.read_text()))
    os.kill(int(child.read_text()), signal.SIGKILL)


def test_only_the_last_words_of_a_long_complaint_are_told() -> None:
    with pytest.raises(DeviceError, match=r"sh ended with 1: '0{295}last'") as error:
        command(
            "sh", "-c", "head -c 200000 /dev/zero | tr '\\0' 0 >&2; echo last >&2; exit 1"
        ).handle(EVENT)
    assert len(str(error.value)) < 400


def test_closing_kills_a_running_program() -> None:
    worker = OutputWorker("command", command("sleep", "60", timeout_seconds=60))
    worker.put(EVENT)
    time.sleep(0.3)
    assert close_all([worker], 5.0) == []


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server = self.server
        assert isinstance(server, Server)
        server.received.append((dict(self.headers), json.loads(body)))
        self.send_response(500 if len(server.received) <= server.failures else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Server(HTTPServer):
    failures = 0
    received: list[tuple[dict[str, str], dict[str, object]]]


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Receiver)
    server.received = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def hook(port: int, **settings: object) -> Webhook:
    url = f"http://127.0.0.1:{port}/hook"
    return Webhook(WebhookSettings(url=url, **settings))  # type: ignore[arg-type]


def test_posts_json(server: Server) -> None:
    hook(server.server_port, headers={"Authorization": "Bearer x"}).handle(EVENT)
    ((headers, body),) = server.received
    assert body == EVENT.payload()
    assert headers["Content-Type"] == "application/json"
    assert headers["Authorization"] == "Bearer x"


def test_tries_again(server: Server) -> None:
    server.failures = 1
    hook(server.server_port).handle(EVENT)
    assert len(server.received) == 2


def test_gives_up(server: Server) -> None:
    server.failures = 9
    with pytest.raises(DeviceError, match=r"given up after 2 attempts: HTTP Error 500"):
        hook(server.server_port, retries=1).handle(EVENT)
    assert len(server.received) == 2


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(DeviceError, match="Connection refused"):
        hook(port, retries=0).handle(EVENT)


def test_a_server_that_hangs_is_left_after_the_time() -> None:
    """It accepts and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(DeviceError, match="timed out"):
            hook(port, retries=0, timeout_seconds=0.3).handle(EVENT)


def test_closing_does_not_wait_for_the_next_attempt() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    worker = OutputWorker("webhook", hook(port, retries=6))
    worker.put(EVENT)
    time.sleep(1.5)  # in the second pause, of 2 s
    assert close_all([worker], 1.0) == []
