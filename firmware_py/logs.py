"""Logs: one line each whatever comes from outside, a bounded number of them, without the libraries'
chatter.
"""

import faulthandler
import io
import json
import logging
import os
import re
import sys
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

MINUTE_SECONDS = 55.0
"""A little less, so that what is said each minute passes."""
MOST_CHARACTERS = 1000
"""Of a line; what comes from outside may be longer."""
MOST_WARNINGS = 1
"""Lines a minute of warnings that differ in nothing but numbers."""
MOST_OTHERS = 20
"""The same of what is no warning: detections above all."""
MOST_VARIANTS = 30
"""Lines a minute from one place in the code, whatever is filled in."""


ASKED_FOR = {"asked_for": True}
"""`extra` of a line that answers what a person has just asked for: it is never held back."""


def printable(text: str) -> str:
    """Return the text with everything escaped that moves the cursor, hides or reorders text."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def _message(record: logging.LogRecord) -> str:
    text = record.getMessage()
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}..."


class TextFormatter(logging.Formatter):
    """One line for a person."""

    def __init__(self, with_time: bool = False) -> None:
        super().__init__()
        self._with_time = with_time

    def format(self, record: logging.LogRecord) -> str:
        text = f"{record.levelname} {record.name}: {printable(_message(record))}"
        if self._with_time:
            text = f"{time.strftime('%H:%M:%S', time.localtime(record.created))} {text}"
        if record.exc_info:
            lines = self.formatException(record.exc_info).splitlines()
            text += "".join(f"\n    {printable(line)}" for line in lines)
        return text


class JsonFormatter(logging.Formatter):
    """One JSON object a line, all of it ASCII: nothing in it needs escaping again."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields)


@dataclass
class _Minute:
    """What one kind of line did since its minute began."""

    began: float
    passed: int = 0
    held_back: int = 0


class RepeatFilter(logging.Filter):
    """Lets a line that repeats itself pass once a minute, with how many were held back.

    Lines are alike that differ in numbers only. Differing ones from the same place in the code are
    bounded too, for a peer may make each of its own different.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._minutes: dict[tuple[str, ...], _Minute] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "asked_for", False):
            return True
        message = record.getMessage()
        most = MOST_WARNINGS if record.levelno >= logging.WARNING else MOST_OTHERS
        place = (record.name, str(record.msg))
        kind = (*place, re.sub(r"\d+", "0", message))
        with self._lock:
            alike = self._count(kind, most)
            if alike is None:
                return False
            variants = self._count(place, MOST_VARIANTS)
            if variants is None:
                del self._minutes[kind]  # what is said of it is said of its place
                return False
        if alike or variants:
            record.msg = f"{message} (and {alike or variants} more like it)"
            record.args = None
        return True

    def _count(self, key: tuple[str, ...], most: int) -> int | None:
        """Return how many were held back before this one, or None if this one is, too."""
        now = time.monotonic()
        minute = self._minutes.get(key)
        if minute is None or now - minute.began >= MINUTE_SECONDS:
            held_back = minute.held_back if minute else 0
            self._forget_old(now)
            self._minutes[key] = _Minute(now, passed=1)
            return held_back
        if minute.passed >= most:
            minute.held_back += 1
            return None
        minute.passed += 1
        return 0

    def _forget_old(self, now: float) -> None:
        """Drop the kinds that have not come for a while; what they held back was said or is old."""
        for key in [k for k, v in self._minutes.items() if now - v.began >= 10 * MINUTE_SECONDS]:
            del self._minutes[key]


def start_logging() -> None:
    """Write what is worth knowing to the standard error, as text."""
    logging.basicConfig(level=logging.INFO)
    _set_formatter(TextFormatter())


def set_format(form: Literal["text", "json"]) -> None:
    """Choose how a service writes, with the time where the service manager does not note it."""
    with_time = "JOURNAL_STREAM" not in os.environ
    _set_formatter(TextFormatter(with_time) if form == "text" else JsonFormatter())


def _set_formatter(formatter: logging.Formatter) -> None:
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


def bound_logs() -> None:
    """Let no line repeat itself more often than once a minute; for what runs for months."""
    for handler in logging.getLogger().handlers:
        handler.addFilter(RepeatFilter())


def quieten_libraries() -> None:
    """Send what C libraries write to file descriptor 2 to nowhere; Python's stderr stays.

    ALSA, JACK and TensorFlow Lite write there at any time, from any thread; nothing but taking
    the descriptor away stops all of it. With the log level at debug they may talk.
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
