"""Announcing a service on the local network (mDNS), where Home Assistant finds it."""

import asyncio
import logging
import socket

from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

WYOMING = "_wyoming._tcp.local."
ANYWHERE = ("0.0.0.0", "::", "")
MULTICAST_DNS = ("224.0.0.251", 5353)
LOOK_SECONDS = 10.0
"""How often the address is looked at."""
LONGEST_NAME = 63
"""Bytes of a name in the DNS."""

log = logging.getLogger(__name__)


class Announcer:
    """Announces a service whenever there is a network, at the address that it then has."""

    def __init__(self, name: str, host: str, port: int) -> None:
        """
        host: the address that the service listens on.
        """
        self._name = name.encode()[:LONGEST_NAME].decode(errors="ignore")
        self._host = host
        self._port = port
        self._announced_at = ""
        self._zeroconf: AsyncZeroconf | None = None
        self._fault = ""

    async def run(self) -> None:
        """Follow the network until cancelled; what fails is said once and tried again."""
        while True:
            try:
                await self._follow()
                self._fault = ""
            except Exception as error:
                # Whatever the library raises, the service itself goes on.
                await self._withdraw()
                self._say(str(error) or type(error).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    async def close(self) -> None:
        """Take the announcement back."""
        await self._withdraw()

    async def _follow(self) -> None:
        address = await asyncio.to_thread(_address, self._host)
        if address == self._announced_at:
            return
        await self._withdraw()
        self._zeroconf = AsyncZeroconf()
        info = AsyncServiceInfo(
            WYOMING,
            f"{self._name}.{WYOMING}",
            addresses=[socket.inet_aton(address)],
            port=self._port,
        )
        await self._zeroconf.async_register_service(info, allow_name_change=True)
        self._announced_at = address
        log.info("wyoming: announced as %r at %s", self._name, address)

    async def _withdraw(self) -> None:
        zeroconf, self._zeroconf, self._announced_at = self._zeroconf, None, ""
        if not zeroconf:
            return
        try:
            await zeroconf.async_unregister_all_services()
        except Exception as error:
            log.debug("wyoming: the announcement is not taken back: %r", error)
        await zeroconf.async_close()

    def _say(self, fault: str) -> None:
        if fault != self._fault:
            log.warning("wyoming: cannot be announced now: %s; it follows later", fault)
        self._fault = fault


def _address(host: str) -> str:
    return own_address() if host in ANYWHERE else socket.gethostbyname(host)


def own_address() -> str:
    """Return the address of the interface that reaches the local network; raises OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(MULTICAST_DNS)  # sends nothing
        return str(probe.getsockname()[0])
