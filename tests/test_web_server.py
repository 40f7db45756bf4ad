"""The page's server: what it answers, and what it refuses."""

import asyncio
import contextlib
import http.client
import io
import json
import socket
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from served_page import PASSWORD, Served, password_file, served, wav

pytest.importorskip("aiohttp")

import aiohttp

from firmware_py.errors import DeviceError, SettingsError
from firmware_py.monitor.broadcast import Broadcast
from firmware_py.settings.web import WebSettings
from firmware_py.web import connections
from firmware_py.web.access import COOKIE
from firmware_py.web.server import WebServer

API = [
    ("GET", "/api/status"),
    ("GET", "/api/live"),
    ("GET", "/api/journal"),
    ("GET", "/api/journal/1/clip.wav"),
    ("GET", "/api/journal/1/picture"),
    ("GET", "/api/export.zip"),
    ("POST", "/api/journal/1"),
    ("DELETE", "/api/journal/1"),
    ("DELETE", "/api/journal"),
    ("POST", "/api/sensitivity"),
    ("POST", "/api/listening"),
    ("POST", "/api/test"),
]


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as found:
        yield found


@pytest.fixture
def locked_page(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path, password_file=password_file(tmp_path)) as found:
        yield found


def test_the_page_and_all_its_files_are_served_and_nothing_else_is_loaded(page: Served) -> None:
    status, html = page.request("GET", "/")
    assert status == 200
    names = [b"/page.css", b"/page.js"]
    for name in names:
        assert name in html
        assert page.request("GET", name.decode())[0] == 200
    for path in (Path(connections.__file__).parent / "static").iterdir():
        status, content = page.request("GET", f"/{path.name}")
        assert (status, content) == (200, path.read_bytes())
        for far in (b"http://", b"https://", b"//cdn"):
            assert far not in content.replace(b"http://www.w3.org/", b"")


def test_the_journal_is_told_judged_played_drawn_and_deleted(page: Served) -> None:
    status, answer = page.request("GET", "/api/journal")
    assert [entry["id"] for entry in answer["entries"]] == [3, 2, 1]
    assert not answer["more"]
    assert page.request("GET", "/api/journal?before=3")[1]["entries"][0]["id"] == 2
    status, line = page.request("POST", "/api/journal/2", {"verdict": "wrong"})
    assert (status, line["verdict"]) == (200, "wrong")
    assert page.request("GET", "/api/journal/2/clip.wav") == (200, wav())
    drawn = page.request("GET", "/api/journal/2/picture")[1]
    assert (drawn["bins"], drawn["frames"]) == (40, 98)
    assert page.request("DELETE", "/api/journal/2")[0] == 200
    assert page.request("DELETE", "/api/journal/2")[0] == 404
    assert page.request("POST", "/api/journal/2", {"verdict": "right"})[0] == 404
    assert page.request("DELETE", "/api/journal") == (200, {"deleted": 2})
    assert page.request("GET", "/api/journal")[1]["entries"] == []


def test_the_export_is_a_zip_of_what_was_judged(page: Served) -> None:
    for number, verdict in ((1, "right"), (3, "wrong")):
        page.request("POST", f"/api/journal/{number}", {"verdict": verdict})
    status, content = page.request("GET", "/api/export.zip")
    assert status == 200
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        tops = sorted(name.partition("/")[0] for name in archive.namelist())
    assert tops == ["manifest.json", "negatives", "positives"]


def test_the_device_is_told(page: Served) -> None:
    for path, body in (
        ("sensitivity", {"model": "activate", "point": "strict"}),
        ("sensitivity", {"model": "activate", "point": None}),
        ("listening", {"listening": False}),
        ("test", {"what": "chime"}),
    ):
        assert page.request("POST", f"/api/{path}", body)[0] == 200
    assert page.device.told == [
        ("sensitivity", "activate", "strict"),
        ("sensitivity", "activate", None),
        ("listening", False),
        ("test", "chime"),
    ]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"verdict": "maybe"}, "must be 'right'"),
        ({"verdict": 1}, "verdict must be given, as str"),
        ({}, "verdict must be given"),
        ([1], "not a JSON object"),
    ],
)
def test_a_bad_request_is_one_line(page: Served, body: Any, words: str) -> None:
    status, answer = page.request("POST", "/api/journal/1", body)
    assert status == 400
    assert words in answer["error"]


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[" * 9000])
def test_what_is_no_json_is_one_line(page: Served, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    status, answer = page.request("POST", "/api/listening", content, headers)
    assert (status, answer) == (400, {"error": "this is not valid JSON"})
    assert page.request("POST", "/api/listening", b"{}")[0] == 415


# Who may come in.


@pytest.mark.parametrize(("method", "path"), API)
def test_without_a_password_nothing_is_told_or_done(
    locked_page: Served, method: str, path: str
) -> None:
    status, answer = locked_page.request(method, path, {} if method == "POST" else None)
    assert (status, answer) == (401, {"error": "log in first"})
    assert len(locked_page.device.journal) == 3
    assert not locked_page.device.told


def test_the_password_opens_and_a_log_out_closes(locked_page: Served) -> None:
    assert locked_page.request("GET", "/")[0] == 200
    assert locked_page.request("POST", "/api/login", {"password": "wrong horse"})[0] == 401
    assert locked_page.request("GET", "/api/status")[0] == 401
    assert locked_page.request("POST", "/api/login", {"password": PASSWORD})[0] == 200
    assert locked_page.request("GET", "/api/status")[0] == 200
    assert locked_page.request("POST", "/api/logout", {})[0] == 200
    assert locked_page.request("GET", "/api/status")[0] == 401


def test_the_cookie_is_for_this_page_alone(locked_page: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", locked_page.port)
    body = json.dumps({"password": PASSWORD})
    connection.request("POST", "/api/login", body, {"Content-Type": "application/json"})
    cookie = connection.getresponse().getheader("Set-Cookie") or ""
    connection.close()
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


def test_a_guesser_must_wait_and_the_right_password_too(locked_page: Served) -> None:
    statuses = [
        locked_page.request("POST", "/api/login", {"password": f"guess {n}"})[0] for n in range(8)
    ]
    assert statuses == [401] * 5 + [429] * 3
    assert locked_page.request("POST", "/api/login", {"password": PASSWORD})[0] == 429


def test_a_token_opens_for_programs_and_its_guesser_waits(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("0123456789" * 4)
    token.chmod(0o600)
    with served(tmp_path, token_file=str(token)) as page:

        def ask(word: str) -> int:
            return page.request("GET", "/api/status", headers={"Authorization": word})[0]

        assert ask(f"Bearer {'0123456789' * 4}") == 200
        assert ask("Basic 0123456789") == 401
        assert [ask(f"Bearer guess{n}") for n in range(7)] == [401] * 5 + [429] * 2


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost.evil"])
@pytest.mark.parametrize("path", ["/", "/api/status", "/nowhere"])
def test_a_name_that_is_not_ours_gets_nothing(page: Served, host: str, path: str) -> None:
    """DNS rebinding: a page elsewhere lets its own name point here."""
    status, answer = page.request("GET", path, headers={"Host": host})
    assert status == 421
    assert "web.names" in answer["error"]


@pytest.mark.parametrize(("method", "path"), [each for each in API if each[0] != "GET"])
def test_a_foreign_page_changes_nothing(page: Served, method: str, path: str) -> None:
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        assert page.request(method, path, {}, headers)[0] == 403
    assert len(page.device.journal) == 3
    assert not page.device.told


@pytest.mark.parametrize(
    "path",
    [
        "/../server.py",
        "/..%2fserver.py",
        "/%2e%2e/server.py",
        "/static/../server.py",
        "//etc/passwd",
        "/index.html/../../server.py",
        "/api/journal/../status.wav",
        "/api/journal/1/../../../etc/passwd",
        "/api/journal/-1/clip.wav",
        "/api/journal/99999999999/clip.wav",
        "/api/journal/%31%2f..%2f2/clip.wav",
        "/index.html%00.js",
        "/server.py",
        "/\\..\\server.py",
    ],
)
def test_no_path_leads_elsewhere(page: Served, path: str) -> None:
    with socket.create_connection(("127.0.0.1", page.port), timeout=60) as raw:
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert answer.split(b" ", 2)[1] in (b"404", b"400")
    assert b"root:" not in answer
    assert b"import" not in answer


# What a stranger may cost.


@pytest.mark.parametrize("path", ["/api/login", "/api/journal/1", "/nowhere"])
def test_a_gigabyte_is_refused_before_it_is_read(locked_page: Served, path: str) -> None:
    with socket.create_connection(("127.0.0.1", locked_page.port), timeout=60) as raw:
        raw.sendall(
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {1 << 30}\r\n\r\n".encode()
        )
        sent = 0
        with contextlib.suppress(ConnectionError, TimeoutError):
            while sent < 1 << 30:
                sent += raw.send(bytes(65536))
    assert sent < 32 << 20


def test_a_chunked_flood_is_refused(page: Served) -> None:
    with socket.create_connection(("127.0.0.1", page.port), timeout=60) as raw:
        raw.sendall(
            b"POST /api/listening HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        try:
            for _ in range(2000):
                raw.sendall(b"10000\r\n" + bytes(65536) + b"\r\n")
        except ConnectionError:
            return
        assert b" 413 " in raw.recv(1000)


SECRET = b'Content-Length: 22\r\n\r\n{"password": "\\ud800"}'


@pytest.mark.parametrize(
    "asked",
    [
        b"GET /api/status HTTP/1.1\r\nHost: localhost\r\nCookie: %s=1.\xff\r\n\r\n"
        % COOKIE.encode(),
        b"GET /api/status HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \xff\r\n\r\n",
        b"POST /api/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        + SECRET,
    ],
    ids=["cookie", "token", "password"],
)
def test_what_is_no_text_opens_nothing(asked: bytes, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("0123456789" * 4)
    token.chmod(0o600)
    files = {"token_file": str(token), "password_file": password_file(tmp_path)}
    with (
        served(tmp_path, **files) as page,
        socket.create_connection(("127.0.0.1", page.port), timeout=60) as raw,
    ):
        raw.sendall(asked)
        head, _, body = raw.recv(4000).partition(b"\r\n\r\n")
    assert head.split(b" ")[1] == b"400"
    assert b"Content-Security-Policy" in head
    assert json.loads(body) == {"error": "that is not text"}


def test_a_header_without_end_is_refused(page: Served) -> None:
    with socket.create_connection(("127.0.0.1", page.port), timeout=60) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 100_000)
        assert raw.recv(1000).split(b" ")[1] == b"400"


def test_who_says_nothing_or_too_slowly_is_cut_off(
    page: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "FIRST_REQUEST_SECONDS", 0.5)
    mute = socket.create_connection(("127.0.0.1", page.port), timeout=60)
    slow = socket.create_connection(("127.0.0.1", page.port), timeout=60)
    slow.sendall(b"GET / HTTP/1.1\r\n")
    for raw in (mute, slow):
        with contextlib.suppress(ConnectionResetError):
            assert raw.recv(100) == b""
        raw.close()


def test_who_takes_nothing_is_cut_off(page: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LONGEST_SECONDS", 1.0)
    page.device.journal.add(page.device.journal.lines()[0].entry, wav(600.0))
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.settimeout(60)
        raw.connect(("127.0.0.1", page.port))
        raw.sendall(b"GET /api/journal/4/clip.wav HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(4.0)
        taken = 0
        with contextlib.suppress(ConnectionResetError):
            while piece := raw.recv(1 << 20):
                taken += len(piece)
    assert taken < len(wav(600.0)) / 2


def test_two_hundred_connections_are_bounded_and_end(
    page: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "FIRST_REQUEST_SECONDS", 12.0)
    raws = [socket.create_connection(("127.0.0.1", page.port), timeout=60) for _ in range(200)]
    fewest = len(raws)
    while fewest > connections.MOST_FROM_ONE:
        time.sleep(0.5)
        fewest = sum(map(is_open, raws))
    assert fewest == connections.MOST_FROM_ONE
    end = time.monotonic() + 60
    while True:
        try:
            assert page.request("GET", "/api/status")[0] == 200
            break
        except (ConnectionError, http.client.BadStatusLine):
            assert time.monotonic() < end
            time.sleep(0.1)
    for raw in raws:
        raw.close()


def is_open(raw: socket.socket) -> bool:
    raw.setblocking(False)
    try:
        return raw.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionResetError:
        return False


# The stream.


def listen(page: Served, origin: str = "", path: str = "/api/live") -> Any:
    headers = {"Origin": origin} if origin else {}
    session = aiohttp.ClientSession()
    return session, session.ws_connect(f"http://127.0.0.1:{page.port}{path}", headers=headers)


def test_pages_get_what_is_heard_and_a_closed_one_costs_nothing(page: Served) -> None:
    async def look() -> None:
        broadcast = page.device.broadcast
        assert not broadcast.is_watched
        session, connecting = listen(page, f"http://127.0.0.1:{page.port}")
        async with session:
            first, second = await connecting, await listen_again(session)
            await until(lambda: broadcast.is_watched)
            await asyncio.sleep(1.0)
            broadcast.send({"type": "sound", "level": -30.0})
            for socket in (first, second):
                assert await socket.receive_json(timeout=60) == {"type": "sound", "level": -30.0}
            await first.close()
            await asyncio.sleep(0.1)
            assert broadcast.is_watched
            await second.close()
            await until(lambda: not broadcast.is_watched)

    async def listen_again(session: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
        return await session.ws_connect(f"http://127.0.0.1:{page.port}/api/live")

    asyncio.run(look())


async def until(condition: Any, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
def test_a_foreign_page_hears_nothing(page: Served, origin: str) -> None:
    async def look() -> None:
        session, connecting = listen(page, origin)
        async with session:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await connecting
            assert refused.value.status == 403

    asyncio.run(look())
    assert not page.device.broadcast.is_watched


def test_the_number_of_pages_is_bounded(tmp_path: Path) -> None:
    async def look(page: Served) -> None:
        url = f"http://127.0.0.1:{page.port}/api/live"
        async with aiohttp.ClientSession() as session:
            kept = [await session.ws_connect(url) for _ in range(2)]
            await asyncio.sleep(1.0)
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(url)
            assert refused.value.status == 503
            for each in kept:
                await each.close()

    with served(tmp_path, max_viewers=2) as page:
        asyncio.run(look(page))


def test_one_that_never_reads_holds_up_neither_the_sender_nor_the_others(page: Served) -> None:
    request = (
        "GET /api/live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n"
    )
    message = {"type": "sound", "data": "x" * 20_000}
    deaf = socket.create_connection(("127.0.0.1", page.port), timeout=60)
    deaf.sendall(request.encode())

    async def look() -> None:
        async with aiohttp.ClientSession() as session:
            reader = await session.ws_connect(f"http://127.0.0.1:{page.port}/api/live")
            await asyncio.sleep(0.3)
            longest = 0.0
            for number in range(400):
                began = time.thread_time()
                page.device.broadcast.send({**message, "number": number})
                longest = max(longest, time.thread_time() - began)
                assert (await reader.receive_json(timeout=60))["number"] == number
            assert longest < 0.05
            await reader.close()

    asyncio.run(look())
    deaf.close()


def test_a_flood_of_messages_from_a_page_is_no_way_in(page: Served) -> None:
    async def look(message: str) -> None:
        session, connecting = listen(page)
        async with session:
            live = await connecting
            await live.send_str(message)
            closed = await live.receive(timeout=60)
            assert closed.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)

    asyncio.run(look("x" * 100_000))
    asyncio.run(look("x"))  # it has nothing to say


# Opening.


def test_the_network_wants_a_secret() -> None:
    for host in ("0.0.0.0", "::", "192.168.1.7", "pi.local"):
        with pytest.raises(SettingsError, match="password_file or token_file"):
            WebSettings(host=host)
    assert WebSettings(host="0.0.0.0", password_file="/x").password_file == "/x"


def test_an_address_that_is_taken_is_one_line(page: Served) -> None:
    with pytest.raises(DeviceError, match=f"cannot listen on 127.0.0.1:{page.port}"):
        WebServer(WebSettings(port=page.port), page.device)


def test_a_secret_that_others_may_read_does_not_start(tmp_path: Path) -> None:
    path = password_file(tmp_path)
    Path(path).chmod(0o644)
    with (
        pytest.raises(SettingsError, match="others can use this secret"),
        served(tmp_path, password_file=path),
    ):
        pass


def test_nothing_is_computed_while_nobody_looks() -> None:
    assert not Broadcast().is_watched
