"""What the page asks for, and what it may change."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, TypeVar, cast, get_args

from aiohttp import web

from firmware_py.errors import SettingsError
from firmware_py.monitor.clip_files import Verdict
from firmware_py.monitor.control import Control
from firmware_py.monitor.export import export
from firmware_py.monitor.journal import JournalLine
from firmware_py.monitor.picture import spectrogram_picture
from firmware_py.web.access import COOKIE, SESSION_SECONDS
from firmware_py.web.assets import START, read_assets
from firmware_py.web.guard import Guard, open_to_all, streaming
from firmware_py.web.live_stream import LiveStream, Page

PING_SECONDS = 20.0
SEND_SECONDS = 20.0
"""A page that takes nothing for so long is closed."""
MOST_LINES = 200
UNCACHED = {"Cache-Control": "no-store"}

T = TypeVar("T")


class Routes:
    """The handlers of one server."""

    def __init__(
        self,
        device: Control,
        guard: Guard,
        stream: LiveStream,
        max_viewers: int,
        streams: Callable[[web.Request], None],
    ) -> None:
        """
        streams: told of a request that lives as long as its page.
        """
        self._device = device
        self._guard = guard
        self._stream = stream
        self._max_viewers = max_viewers
        self._streams = streams
        self._assets = read_assets()

    def table(self) -> list[web.AbstractRouteDef]:
        """Return what is answered, and by what."""
        return [
            web.get("/", self.asset),
            web.get("/{name:[a-z-]+[.][a-z]+}", self.asset),
            web.post("/api/login", self.log_in),
            web.post("/api/logout", self.log_out),
            web.get("/api/live", self.live),
            web.get("/api/status", self.status),
            web.post("/api/sensitivity", self.set_sensitivity),
            web.post("/api/listening", self.set_listening),
            web.post("/api/test", self.test),
            web.get("/api/journal", self.journal),
            web.delete("/api/journal", self.delete_everything),
            web.post(r"/api/journal/{id:\d{1,9}}", self.judge),
            web.delete(r"/api/journal/{id:\d{1,9}}", self.delete),
            web.get(r"/api/journal/{id:\d{1,9}}/clip.wav", self.clip),
            web.get(r"/api/journal/{id:\d{1,9}}/picture", self.picture),
            web.get("/api/export.zip", self.export),
        ]

    @open_to_all
    async def asset(self, request: web.Request) -> web.StreamResponse:
        """Answer with a file of the page."""
        asset = self._assets.get(request.match_info.get("name", START))
        if not asset:
            raise web.HTTPNotFound(reason="there is no such page")
        return asset.response(request)

    @open_to_all
    async def log_in(self, request: web.Request) -> web.StreamResponse:
        """Take {"password": ...}; the cookie is for this page alone."""
        password = _field(await _body(request), "password", str)
        cookie = await self._guard.log_in(request, password)
        response = web.json_response({})
        response.set_cookie(
            COOKIE,
            cookie,
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="Strict",
            secure=request.secure,
        )
        return response

    @open_to_all
    async def log_out(self, _request: web.Request) -> web.StreamResponse:
        response = web.json_response({})
        response.del_cookie(COOKIE)
        return response

    async def status(self, _request: web.Request) -> web.StreamResponse:
        status = await asyncio.to_thread(self._device.status)
        return web.json_response({**status, "has_login": self._guard.asks})

    @streaming
    async def live(self, request: web.Request) -> web.StreamResponse:
        """Send what is heard as it is heard, until the page closes."""
        if len(self._stream) >= self._max_viewers:
            raise web.HTTPServiceUnavailable(reason="too many pages are open")
        socket = web.WebSocketResponse(
            heartbeat=PING_SECONDS, max_msg_size=1024, compress=False, timeout=1.0
        )
        await socket.prepare(request)
        self._streams(request)
        with self._stream.page() as page:
            sending = asyncio.create_task(_send(socket, page))
            receiving = asyncio.create_task(socket.receive())  # a page has nothing to say
            tasks = (sending, receiving)
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if request.transport and not socket.closed:
            request.transport.abort()
        return socket

    async def set_sensitivity(self, request: web.Request) -> web.StreamResponse:
        """Take {"model": ..., "point": ... or null}."""
        body = await _body(request)
        point = None if body.get("point") is None else _field(body, "point", str)
        model = _field(body, "model", str)
        await asyncio.to_thread(self._device.set_sensitivity, model, point)
        return await self.status(request)

    async def set_listening(self, request: web.Request) -> web.StreamResponse:
        """Take {"listening": ...}."""
        listening = _field(await _body(request), "listening", bool)
        await asyncio.to_thread(self._device.set_listening, listening)
        return await self.status(request)

    async def test(self, request: web.Request) -> web.StreamResponse:
        """Take {"what": ...}."""
        await asyncio.to_thread(self._device.test, _field(await _body(request), "what", str))
        return web.json_response({})

    async def journal(self, request: web.Request) -> web.StreamResponse:
        """Answer with the newest entries, or those before the number `before`."""
        before = request.query.get("before", "")
        lines = self._device.journal.lines()
        if before.isdecimal() and len(before) < 10:
            lines = [line for line in lines if line.number < int(before)]
        return web.json_response(
            {
                "entries": [line.as_json() for line in lines[:MOST_LINES]],
                "more": len(lines) > MOST_LINES,
            }
        )

    async def judge(self, request: web.Request) -> web.StreamResponse:
        """Take {"verdict": "right", "wrong" or ""}; the answer comes when it is on the disk."""
        verdict = _verdict(_field(await _body(request), "verdict", str))
        journal = self._device.journal
        line = await asyncio.to_thread(journal.judge, self._line(request).number, verdict)
        return web.json_response(line.as_json())

    async def delete(self, request: web.Request) -> web.StreamResponse:
        await asyncio.to_thread(self._device.journal.delete, self._line(request).number)
        return web.json_response({})

    async def delete_everything(self, _request: web.Request) -> web.StreamResponse:
        count = await asyncio.to_thread(self._device.journal.delete_everything)
        return web.json_response({"deleted": count})

    async def clip(self, request: web.Request) -> web.StreamResponse:
        line = self._line(request)
        if not line.clip:
            raise web.HTTPNotFound(reason="no clip of it is kept")
        content = await asyncio.to_thread(line.clip.read_bytes)
        return web.Response(body=content, content_type="audio/wav", headers=UNCACHED)

    async def picture(self, request: web.Request) -> web.StreamResponse:
        line = self._line(request)
        if not line.clip:
            raise web.HTTPNotFound(reason="no clip of it is kept")
        drawn = await asyncio.to_thread(spectrogram_picture, line.clip)
        return web.json_response(drawn, headers=UNCACHED)

    @streaming
    async def export(self, request: web.Request) -> web.StreamResponse:
        """Answer with all judged clips as a ZIP, a clip at a time."""
        response = web.StreamResponse(
            headers={
                "Content-Type": "application/zip",
                "Content-Disposition": 'attachment; filename="trigger-word-clips.zip"',
                **UNCACHED,
            }
        )
        await response.prepare(request)
        pieces = export(self._device.journal.lines())
        while piece := await asyncio.to_thread(next, pieces, b""):
            await response.write(piece)
        await response.write_eof()
        return response

    def _line(self, request: web.Request) -> JournalLine:
        line = self._device.journal.find(int(request.match_info["id"]))
        if not line:
            raise web.HTTPNotFound(reason="it is gone")
        return line


def _verdict(text: str) -> Verdict:
    for verdict in get_args(Verdict):
        if text == verdict:
            return cast(Verdict, verdict)
    raise SettingsError(f"verdict is {text!r}; it must be 'right', 'wrong' or ''")


async def _send(socket: web.WebSocketResponse, page: Page) -> None:
    async for text in page.messages():
        async with asyncio.timeout(SEND_SECONDS):
            await socket.send_str(text)


async def _body(request: web.Request) -> dict[str, Any]:
    """Return the JSON object of a request; raises SettingsError for anything else."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(reason="send application/json")
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError) as error:
        raise SettingsError("this is not valid JSON") from error
    if not isinstance(body, dict):
        raise SettingsError("this is not a JSON object")
    return body


def _field(body: dict[str, Any], name: str, kind: type[T]) -> T:
    value = body.get(name)
    if not isinstance(value, kind):
        raise SettingsError(f"{name} must be given, as {kind.__name__}")
    return value
