"""The counters over HTTP, on the loopback address: few connections, each for a short time.

Imported only where somebody wants it: `http.server` takes 3 MB.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from firmware_py.live.metrics.exposition import CONTENT_TYPE, Metric, exposition

LOOPBACK = "127.0.0.1"
MOST_CONNECTIONS = 8
"""A further one takes the place of the oldest."""
CONNECTION_SECONDS = 10.0
"""A connection that lasts longer is cut off."""
RETRY_SECONDS = 5.0
"""Until it is tried again to listen where that failed."""

log = logging.getLogger(__name__)

Measure = Callable[[], Sequence[Metric]]


class MetricsServer:
    """Answers GET /metrics in threads of its own."""

    def __init__(self, port: int, measure: Measure) -> None:
        """Start to listen, or go on trying to; port 0: any free one."""
        self._closing = threading.Event()
        self._server = self._listen(port, measure)
        self.port = int(self._server.server_address[1]) if self._server else port
        self._thread = threading.Thread(
            target=self._serve, args=(measure,), name="metrics", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    def _listen(self, port: int, measure: Measure) -> "_Server | None":
        try:
            return _Server(port, measure)
        except OSError as error:
            log.error(
                "service.metrics_port: cannot listen on %s:%d: %s; tried again each %g s",
                LOOPBACK,
                port,
                error.strerror,
                RETRY_SECONDS,
            )
            return None

    def _serve(self, measure: Measure) -> None:
        while not self._server:
            if self._closing.wait(RETRY_SECONDS):
                return
            with suppress(OSError):
                self._server = _Server(self.port, measure)
        self._server.serve_forever()


class _Handler(BaseHTTPRequestHandler):
    timeout = CONNECTION_SECONDS
    server: "_Server"

    def do_GET(self) -> None:
        found = self.path == "/metrics"
        body = exposition(self.server.measure()).encode() if found else b""
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Requests are not worth a line in the log."""


class _Server(ThreadingHTTPServer):
    """Knows its connections, the oldest first, and when each began."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int, measure: Measure) -> None:
        self.measure = measure
        self._began: dict[socket.socket, float] = {}
        self._lock = threading.Lock()
        super().__init__((LOOPBACK, port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._began[request] = time.monotonic()
            for connection in list(self._began)[:-MOST_CONNECTIONS]:
                self._cut(connection)
        super().process_request(request, client_address)

    def service_actions(self) -> None:
        """Cut off what has lasted too long; called twice a second."""
        begin = time.monotonic() - CONNECTION_SECONDS
        with self._lock:
            for connection in [each for each, when in self._began.items() if when < begin]:
                self._cut(connection)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._began.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, *_: object) -> None:
        log.debug("metrics: a connection failed", exc_info=True)

    def _cut(self, connection: socket.socket) -> None:
        """Let the thread that waits for this connection end."""
        del self._began[connection]
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
