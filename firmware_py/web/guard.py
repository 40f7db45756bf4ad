"""What every request must pass before anything is done for it."""

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from typing import TypeVar

from aiohttp import web

from firmware_py.errors import SettingsError
from firmware_py.web.access import COOKIE, Guesses, Sessions, is_our_host, is_our_origin
from firmware_py.web.connections import Connections
from firmware_py.web.credentials import PasswordHash

ANSWER_SECONDS = 20.0
"""The whole of a request, its body included, but streams."""
MOST_WAITING = 4
"""Passwords that wait to be checked: each costs 16 MB for a moment, one after the other."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src"
    " 'self' data:; media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; form-action"
    " 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

Method = TypeVar("Method", bound=Callable[..., Awaitable[web.StreamResponse]])

log = logging.getLogger(__name__)


def open_to_all(method: Method) -> Method:
    """Mark a handler that answers strangers too."""
    method.is_open_to_all = True  # type: ignore[attr-defined]
    return method


def streaming(method: Method) -> Method:
    """Mark a handler that answers for as long as its reader wants."""
    method.is_stream = True  # type: ignore[attr-defined]
    return method


class Guard:
    """Lets requests through that come to our name, from our page, from somebody we know."""

    def __init__(
        self,
        names: frozenset[str],
        password: PasswordHash | None,
        token: str | None,
        connections: Callable[[], Connections],
    ) -> None:
        """
        password, token: either opens; without both everybody who can reach the page may come in.
        """
        self._names = names
        self._password = password
        self._token = token
        self._connections = connections
        key = repr((password.line() if password else "", token or "")).encode()
        self._sessions = Sessions(key)
        self._guesses = Guesses()
        self._checking = ThreadPoolExecutor(1, "web password")
        self._num_waiting = 0

    @property
    def asks(self) -> bool:
        """Whether somebody must say who it is."""
        return bool(self._password or self._token)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._connections().asked(request)
        try:
            response = await self._answer(request, handler)
        except web.HTTPException as error:
            response = refusal(error.status, error.reason)
            kept = ("Allow", "Retry-After")
            response.headers.update({k: v for k, v in error.headers.items() if k in kept})
        except TimeoutError:
            response = refusal(408, "that took too long")
            response.force_close()
        except SettingsError as error:
            response = refusal(400, str(error))
        except KeyError:
            response = refusal(404, "it is gone")
        except UnicodeError:  # of names, passwords and cookies
            response = refusal(400, "that is not text")
        except OSError as error:
            log.error("web: %s", error)
            response = refusal(507, f"it cannot be kept: {error.strerror or error}")
        if not response.prepared:
            response.headers.update(HEADERS)
        return response

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._check_source(request)
        target = request.match_info.handler
        if not getattr(target, "is_open_to_all", False):
            self._check_visitor(request)
        if getattr(target, "is_stream", False):
            return await handler(request)
        async with asyncio.timeout(ANSWER_SECONDS):
            return await handler(request)

    def _check_visitor(self, request: web.Request) -> None:
        """Raise 401 for whom we do not know, 429 for one who guesses."""
        if not self.asks or self._sessions.is_open(request.cookies.get(COOKIE, "")):
            return
        scheme, _, word = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._token:
            self._check_pace(request)
            if hmac.compare_digest(word.strip().encode(), self._token.encode()):
                return
            self._guesses.failed(request.remote or "")
        raise web.HTTPUnauthorized(reason="log in first")

    async def log_in(self, request: web.Request, secret: str) -> str:
        """Return a new session's cookie for the right password or token; raises 401 and 429."""
        self._check_pace(request)
        if self._num_waiting >= MOST_WAITING:
            raise web.HTTPTooManyRequests(headers={"Retry-After": "5"}, reason="too many at once")
        self._num_waiting += 1
        try:
            loop = asyncio.get_running_loop()
            known = await loop.run_in_executor(self._checking, self._is_known, secret)
        finally:
            self._num_waiting -= 1
        address = request.remote or ""
        if not known:
            self._guesses.failed(address)
            log.warning("web: a wrong password from %s", address)
            raise web.HTTPUnauthorized(reason="that is not the password")
        self._guesses.succeeded(address)
        return self._sessions.new()

    def _is_known(self, secret: str) -> bool:
        if self._token and hmac.compare_digest(secret.encode(), self._token.encode()):
            return True
        return bool(self._password and self._password.fits(secret))

    def _check_source(self, request: web.Request) -> None:
        if not is_our_host(request.headers.get("Host", ""), self._names):
            raise web.HTTPMisdirectedRequest(
                reason="this name is not mine: add it to web.names in the settings"
            )
        reads = request.method in ("GET", "HEAD") and "Upgrade" not in request.headers
        site = None if reads else request.headers.get("Sec-Fetch-Site")
        origin = None if reads else request.headers.get("Origin")
        if not is_our_origin(origin, request.headers["Host"], site):
            raise web.HTTPForbidden(reason="another page asked for this")

    def _check_pace(self, request: web.Request) -> None:
        wait = self._guesses.wait_seconds(request.remote or "")
        if wait > 0.0:
            raise web.HTTPTooManyRequests(
                headers={"Retry-After": str(ceil(wait))},
                reason=f"too many wrong passwords: wait {ceil(wait)} s",
            )


def refusal(status: int, text: str) -> web.Response:
    """Return an answer that says no, and why."""
    return web.json_response({"error": text}, status=status)
