"""The server of measurements, opened where the settings want one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from firmware_py.live.metrics.exposition import Metric

if TYPE_CHECKING:
    from firmware_py.live.metrics.server import MetricsServer


class MetricsService:
    """Opens, changes and closes the server; port 0: there is none."""

    def __init__(self, port: int, measure: Callable[[], list[Metric]]) -> None:
        self._measure = measure
        self._port = port
        self._server = self._open(port)

    @contextmanager
    def changing(self, port: int) -> Iterator[None]:
        """Go over to another port, unless what is done meanwhile raises: then the old one stays."""
        if port == self._port:
            yield
            return
        server = self._open(port)
        try:
            yield
        except BaseException:
            if server:
                server.close()
            raise
        if self._server:
            self._server.close()
        self._server, self._port = server, port

    def _open(self, port: int) -> "MetricsServer | None":
        if not port:
            return None
        from firmware_py.live.metrics.server import MetricsServer  # takes 3 MB

        return MetricsServer(port, self._measure)
