"""Logs of the long-running commands, and keeping the libraries' chatter away from them."""

import faulthandler
import io
import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import Literal


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False)


def set_format(form: Literal["text", "json"]) -> None:
    """Choose how the root logger writes."""
    formatter: logging.Formatter = JsonFormatter()
    if form == "text":
        formatter = logging.Formatter("%(levelname)s %(name)s: %(message)s")
    for handler in logging.getLogger().handlers:
        handler.setFormatter(formatter)


def open_standard_streams() -> None:
    """Make standard output and error ready for any text, also where the caller has closed them."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:  # else the next file opened would be taken for it
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    sys.stderr = sys.stderr or os.fdopen(2, "w")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def quieten_libraries() -> None:
    """Send what C libraries write to file descriptor 2 to nowhere; Python's stderr stays.

    ALSA, JACK and TensorFlow Lite write there at any time, from any thread; nothing but taking
    the descriptor away stops all of it. `--log-level debug` leaves it, to see what they say.
    """
    if logging.getLogger().isEnabledFor(logging.DEBUG):
        return
    own = os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr:
            handler.setStream(own)
    sys.stderr = own
    faulthandler.enable(own)
