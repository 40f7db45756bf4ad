"""Announcing a service on the local network (mDNS), where Home Assistant finds it."""

import socket

from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

WYOMING = "_wyoming._tcp.local."
ANYWHERE = ("0.0.0.0", "::", "")
MULTICAST_DNS = ("224.0.0.251", 5353)


class Announcement:
    """A Wyoming service that is announced until it is closed."""

    def __init__(self, name: str, host: str, port: int) -> None:
        """
        host: the address that the service listens on.
        """
        address = own_address() if host in ANYWHERE else socket.gethostbyname(host)
        self._zeroconf = AsyncZeroconf()
        self._info = AsyncServiceInfo(
            WYOMING, f"{name}.{WYOMING}", addresses=[socket.inet_aton(address)], port=port
        )

    async def start(self) -> None:
        await self._zeroconf.async_register_service(self._info, allow_name_change=True)

    async def close(self) -> None:
        """Take the announcement back."""
        await self._zeroconf.async_unregister_all_services()
        await self._zeroconf.async_close()


def own_address() -> str:
    """Return the address of the interface that reaches the local network; raises OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(MULTICAST_DNS)  # sends nothing
        return str(probe.getsockname()[0])
