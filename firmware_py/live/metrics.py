"""Counters for Prometheus, as text over HTTP on the loopback address.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from firmware_py.errors import DeviceError

LOOPBACK = "127.0.0.1"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Metric:
    """One measured quantity."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    value: float | Sequence[tuple[str, float]]
    """A number, or a number for each value of `label`."""
    label: str = ""


def exposition(metrics: Sequence[Metric]) -> str:
    """Return the metrics in Prometheus' text format."""
    lines = []
    for metric in metrics:
        lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}"]
        if isinstance(metric.value, Sequence):
            lines += [
                f'{metric.name}{{{metric.label}="{_escaped(key)}"}} {number}'
                for key, number in metric.value
            ]
        else:
            lines.append(f"{metric.name} {metric.value}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


class MetricsServer:
    """Answers GET /metrics in threads of its own."""

    def __init__(self, port: int, measure: Callable[[], Sequence[Metric]]) -> None:
        """Start to listen; port 0: any free one. Raises DeviceError when that fails."""
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer  # takes 3 MB

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found = self.path == "/metrics"
                body = exposition(measure()).encode() if found else b""
                self.send_response(200 if found else 404)
                self.send_header("Content-Type", CONTENT_TYPE)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
                """Requests are not worth a line in the log."""

        try:
            self._server = ThreadingHTTPServer((LOOPBACK, port), Handler)
        except OSError as error:
            raise DeviceError(
                f"service.metrics_port: cannot listen on {LOOPBACK}:{port}: {error.strerror}"
            ) from error
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
