"""The page's server: a thread and an event loop of its own, which the listening never waits for."""

import asyncio
import contextlib
import logging
import socket
import ssl
import threading
from pathlib import Path

from aiohttp import web

from firmware_py.errors import DeviceError, SettingsError
from firmware_py.monitor.control import Control
from firmware_py.settings.web import WebSettings
from firmware_py.web.access import host_names
from firmware_py.web.connections import Connections
from firmware_py.web.credentials import read_password_file, read_token_file
from firmware_py.web.guard import Guard
from firmware_py.web.live_stream import LiveStream
from firmware_py.web.routes import Routes

MOST_BODY = 16_384
MOST_HEADER = 4096
KEEP_ALIVE_SECONDS = 30.0
CLOSE_SECONDS = 0.5

log = logging.getLogger(__name__)
logging.getLogger("firmware_py.web.http").setLevel(logging.CRITICAL)  # a traceback a request


class WebServer:
    """Serves the page of a device until it is closed."""

    def __init__(self, settings: WebSettings, device: Control) -> None:
        """Raises SettingsError for secrets that cannot be used, DeviceError for the address."""
        self._settings = settings
        self._device = device
        password_file, token_file = settings.password_file, settings.token_file
        self._password = read_password_file(Path(password_file)) if password_file else None
        self._token = read_token_file(Path(token_file)) if token_file else None
        self._tls = _tls(settings)
        self._listener = _listen(settings)
        self.port = int(self._listener.getsockname()[1])
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)
        self._thread.start()
        self._say_where()

    def close(self, timeout_seconds: float = CLOSE_SECONDS) -> bool:
        """Close all pages; return whether that ended in time."""
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except Exception:
            log.exception("web: the page has failed; listening goes on")
        finally:
            self._listener.close()
            self._loop.close()

    async def _serve(self) -> None:
        stream = LiveStream(self._device.broadcast, self._loop)
        guard = Guard(
            host_names(self._settings.names), self._password, self._token, lambda: connections
        )
        routes = Routes(
            self._device,
            guard,
            stream,
            self._settings.max_viewers,
            lambda request: connections.streams(request),
        )
        app = web.Application(middlewares=[guard.middleware], client_max_size=MOST_BODY)
        app.add_routes(routes.table())
        runner = web.AppRunner(
            app,
            handle_signals=False,
            access_log=None,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            max_line_size=MOST_HEADER,
            max_field_size=MOST_HEADER,
            lingering_time=0.0,
            logger=logging.getLogger("firmware_py.web.http"),
            shutdown_timeout=0.1,
        )
        await runner.setup()
        assert runner.server
        connections = Connections(runner.server, self._tls)
        accepting = asyncio.create_task(connections.accept(self._listener))
        await self._stop.wait()
        accepting.cancel()
        stream.close()
        await runner.cleanup()

    def _say_where(self) -> None:
        scheme = "https" if self._tls else "http"
        host = self._settings.host
        log.info("web: the page is at %s://%s:%d", scheme, _in_address(host), self.port)
        if not self._settings.is_loopback and not self._tls:
            log.warning(
                "web: without web.certificate_file the password and what is heard cross the network"
                " unencrypted: open the page in a network that you trust only"
            )


def _listen(settings: WebSettings) -> socket.socket:
    try:
        found = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(64)
            listener.setblocking(False)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        where = f"{_in_address(settings.host)}:{settings.port}"
        raise DeviceError(f"web: cannot listen on {where}: {error.strerror}") from error
    return listener


def _tls(settings: WebSettings) -> ssl.SSLContext | None:
    if not settings.certificate_file:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(settings.certificate_file, settings.key_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"web: cannot use {settings.certificate_file} with {settings.key_file}: {error}"
        ) from error
    return context


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host
