"""Programs that are run and URLs that are told, the bad ones included."""

import base64
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from made_servers import served

from firmware_py.errors import DeviceError, SettingsError
from firmware_py.outputs.command import Command
from firmware_py.outputs.event import Event
from firmware_py.outputs.webhook import Webhook
from firmware_py.outputs.worker import OutputWorker, close_all
from firmware_py.settings import read_settings
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
    with pytest.raises(DeviceError, match=r"sh was killed after 3 s"):
        command(*program, timeout_seconds=3.0).handle(EVENT)
    process_id = int(child.read_text())
    end = time.monotonic() + 60
    while is_running(process_id):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_what_runs_in_the_background_is_not_waited_for(tmp_path: Path) -> None:
    child = tmp_path / "child"
    program = ("sh", "-c", f'sleep 60 & echo $! > "{child}"; echo no >&2; exit 4')
    began = time.monotonic()
    with pytest.raises(DeviceError, match="sh ended with 4: 'no'"):
        command(*program, timeout_seconds=30.0).handle(EVENT)
    assert time.monotonic() - began < 30.0
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
    assert close_all([worker], 30.0) == []


def test_closing_kills_a_program_that_is_just_starting(monkeypatch: pytest.MonkeyPatch) -> None:
    starting, go_on = threading.Event(), threading.Event()
    real = subprocess.Popen

    def slow(*arguments: object, **options: object) -> "subprocess.Popen[bytes]":
        starting.set()
        go_on.wait(60)
        return real(*arguments, **options)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr("firmware_py.outputs.command.subprocess.Popen", slow)
    worker = OutputWorker("command", command("sleep", "600", timeout_seconds=600))
    worker.put(EVENT)
    assert starting.wait(60)
    worker.close()
    go_on.set()
    assert worker.join(60.0)


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
    with pytest.raises(DeviceError, match=r"given up after 2 attempts: status 500"):
        hook(server.server_port, retries=1).handle(EVENT)
    assert len(server.received) == 2


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(DeviceError, match="nothing listens on"):
        hook(port, retries=0).handle(EVENT)


def test_a_server_that_hangs_is_left_after_the_time() -> None:
    """It accepts and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(DeviceError, match=r"not done within 0\.3 s|does not answer"):
            hook(port, retries=0, timeout_seconds=0.3).handle(EVENT)


def test_closing_does_not_wait_for_the_next_attempt() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    worker = OutputWorker("webhook", hook(port, retries=6))
    worker.put(EVENT)
    time.sleep(1.5)  # in the second pause, of 2 s; all six last a minute
    assert close_all([worker], 20.0) == []


def answering(answer: bytes, pause_seconds: float = 0.0) -> "AbstractContextManager[int]":
    return served(lambda connection: say(connection, answer, pause_seconds))


def say(connection: socket.socket, answer: bytes, pause_seconds: float) -> None:
    received.append(connection.recv(65536))
    if not pause_seconds:
        connection.sendall(answer)
        return
    for number in range(len(answer)):
        connection.sendall(answer[number : number + 1])
        time.sleep(pause_seconds)


received: list[bytes] = []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_that_names_the_place(server: Server, status: int) -> None:
    """Nothing goes to the other place, and it is not tried again."""
    there = f"http://127.0.0.1:{server.server_port}/new"
    answer = f"HTTP/1.1 {status} Moved\r\nLocation: {there}\r\nContent-Length: 0\r\n\r\n"
    received.clear()
    with (
        answering(answer.encode()) as port,
        pytest.raises(DeviceError, match=rf"has moved \(status {status}\) to '{there}'"),
    ):
        hook(port, retries=3, headers={"Authorization": "Bearer x"}).handle(EVENT)
    assert len(received) == 1
    assert server.received == []


def test_a_server_that_drips_is_cut_off() -> None:
    answer = b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 10_000
    began = time.monotonic()
    with (
        answering(answer, 0.05) as port,
        pytest.raises(DeviceError, match=r"not done within 3 s"),
    ):
        hook(port, retries=0, timeout_seconds=3.0).handle(EVENT)
    assert time.monotonic() - began < 120.0  # 500 s would be the whole answer


@pytest.mark.parametrize("answer", [b"SSH-2.0\r\n", b"", b"HTTP/1.1 abc\r\n\r\n"])
def test_what_is_no_http_is_a_failure(answer: bytes) -> None:
    with answering(answer) as port, pytest.raises(DeviceError, match="given up after 1 attempts"):
        hook(port, retries=0).handle(EVENT)


def test_user_and_password_of_the_url(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    settings = WebhookSettings(url=f"http://pi:s%40cret@127.0.0.1:{server.server_port}/a b?k=1")
    Webhook(settings).handle(EVENT)
    ((headers, _),) = server.received
    assert headers["Authorization"] == "Basic " + base64.b64encode(b"pi:s@cret").decode()
    assert settings.address == f"http://127.0.0.1:{server.server_port}/a b"
    assert settings.has_secret
    broken = WebhookSettings(url="http://pi:s3cret@127.0.0.1:1/hook?token=s3cret", retries=0)
    with pytest.raises(DeviceError) as error:
        Webhook(broken).handle(EVENT)
    assert "s3cret" not in str(error.value) + caplog.text


def test_a_password_in_the_clear_is_said(caplog: pytest.LogCaptureFixture) -> None:
    Webhook(WebhookSettings(url="http://u:p@192.0.2.1/"))
    Webhook(WebhookSettings(url="http://192.0.2.2/", headers={"X-Api-Key": "k"}))
    Webhook(WebhookSettings(url="https://u:p@192.0.2.3/"))
    Webhook(WebhookSettings(url="http://localhost/", headers={"Authorization": "k"}))
    assert [record.args for record in caplog.records] == [
        ("http://192.0.2.1/",),
        ("http://192.0.2.2/",),
    ]


@pytest.mark.parametrize(
    "url",
    ["ftp://a/b", "file:///etc/passwd", "http:///x", "http://a:port/", "http://a:99999/", "a", ""],
)
def test_only_web_addresses(url: str) -> None:
    with pytest.raises(SettingsError, match="must be an http or https address"):
        WebhookSettings(url=url)
    WebhookSettings(url="HTTPS://[::1]:8123/küche")


@pytest.mark.parametrize("headers", [{"X": "a\nb"}, {"a b": "c"}, {"X": "€"}, {"": "x"}])
def test_headers_that_cannot_be_sent(headers: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="headers is "):
        WebhookSettings(url="http://a/", headers=headers)
    WebhookSettings(url="http://a/", headers={"X-Room": "Küche"})


def test_settings_with_a_secret_are_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text("[[webhook]]\nurl = 'http://a/'\nheaders = {Authorization = 'Bearer x'}\n")
    path.chmod(0o644)
    with pytest.raises(SettingsError, match=r"site\.toml: others can use this secret"):
        read_settings(path)
    path.chmod(0o640)
    assert read_settings(path).webhook
    path.write_text("[[webhook]]\nurl = 'http://a/'\nheaders = {X-Room = 'hall'}\n")
    path.chmod(0o644)
    assert read_settings(path).webhook


def test_closing_cuts_off_a_server_that_hangs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        worker = OutputWorker("webhook", hook(listener.getsockname()[1], timeout_seconds=60.0))
        worker.put(EVENT)
        with listener.accept()[0]:
            assert close_all([worker], 20.0) == []
