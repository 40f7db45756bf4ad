"""Who may use the page: names that it answers to, pages that may ask, sessions, guesses."""

import hashlib
import hmac
import ipaddress
import math
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

SESSION_SECONDS = 30 * 86400
COOKIE = "trigger_word_session"

FREE_FAILURES = 5
"""Wrong passwords of one address before it must wait."""
FIRST_WAIT_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 900.0
"""The wait doubles from the first to the longest with each further wrong one."""
FORGET_SECONDS = 3600.0
MOST_ADDRESSES = 1000
EVERYBODY = "everybody"
EVERYBODY_FACTOR = 10
"""So many times the failures of one address are borne from all together."""


def host_names(chosen: Collection[str]) -> frozenset[str]:
    """Return the names that the page answers to, those that the settings add included."""
    own = socket.gethostname().lower()
    short = own.partition(".")[0]
    return frozenset({"localhost", own, short, f"{short}.local", *map(str.lower, chosen)})


def is_our_host(host: str, names: Collection[str]) -> bool:
    """Return whether a Host header names us: by an address or by one of the names.

    A page elsewhere whose name was made to point here (DNS rebinding) comes with that name.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return name.rstrip(".") in names
    return True


def is_our_origin(origin: str | None, host: str, site: str | None = None) -> bool:
    """Return whether a request comes from our own page, or from no page at all.

    origin, host, site: the headers Origin, Host and Sec-Fetch-Site; None: absent.
    """
    if site not in (None, "same-origin", "none"):
        return False
    if origin is None:
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()


class Sessions:
    """Cookies that say until when somebody may come in; nothing of them is kept here.

    A cookie is the time of its end and an HMAC of that under a key that is made of the secrets: it
    outlives a restart, and a new password ends all.
    """

    def __init__(self, key: bytes, now: Callable[[], float] = time.time) -> None:
        self._key = hashlib.sha256(b"trigger-word session" + key).digest()
        self._now = now

    def new(self) -> str:
        """Return a cookie's value."""
        end = str(int(self._now() + SESSION_SECONDS))
        return f"{end}.{self._mac(end)}"

    def is_open(self, cookie: str) -> bool:
        end, _, mac = cookie[:200].partition(".")
        genuine = hmac.compare_digest(mac.encode(), self._mac(end).encode())
        return genuine and self._now() < int(end)

    def _mac(self, end: str) -> str:
        return hmac.new(self._key, end.encode(), hashlib.sha256).hexdigest()


class Guesses:
    """Makes who gave wrong passwords wait, each address by itself and all of them together."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._failures: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """By address: how many, and when was the last."""

    def wait_seconds(self, address: str) -> float:
        """Return how long this address must wait before its next try."""
        return max(self._wait(_network(address), 1), self._wait(EVERYBODY, EVERYBODY_FACTOR))

    def failed(self, address: str) -> None:
        """Note a wrong password."""
        for key in (_network(address), EVERYBODY):
            count, last = self._failures.pop(key, (0.0, 0.0))
            if self._now() - last > FORGET_SECONDS:
                count = 0.0
            self._failures[key] = (count + 1, self._now())
        while len(self._failures) > MOST_ADDRESSES:
            self._failures.popitem(last=False)

    def succeeded(self, address: str) -> None:
        self._failures.pop(_network(address), None)

    def _wait(self, key: str, factor: int) -> float:
        count, last = self._failures.get(key, (0.0, 0.0))
        beyond = (count - FREE_FAILURES * factor) / factor
        if beyond < 0:
            return 0.0
        wait = min(math.ldexp(FIRST_WAIT_SECONDS, int(min(beyond, 20))), LONGEST_WAIT_SECONDS)
        return max(0.0, last + wait - self._now())


def _network(address: str) -> str:
    """Return what counts as one address: for IPv6 the network of 64 bits."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False))
