"""The log stays readable and bounded, whatever comes from outside and however often."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from firmware_py import logs
from firmware_py.logs import MOST_CHARACTERS, JsonFormatter, RepeatFilter, TextFormatter, printable


class Log:
    """A logger of its own, what it wrote, and a clock."""

    def __init__(self, formatter: logging.Formatter) -> None:
        self.written = io.StringIO()
        self.logger = logging.Logger("made")
        handler = logging.StreamHandler(self.written)
        handler.setFormatter(formatter)
        handler.addFilter(RepeatFilter())
        self.logger.addHandler(handler)
        self.now = 0.0

    @property
    def lines(self) -> list[str]:
        return self.written.getvalue().splitlines()


@pytest.fixture
def text_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    log = Log(TextFormatter())
    monkeypatch.setattr(logs.time, "monotonic", lambda: log.now)
    return log


@pytest.mark.parametrize("form", [TextFormatter(), TextFormatter(with_time=True), JsonFormatter()])
def test_text_from_outside_forges_nothing(form: logging.Formatter) -> None:
    log = Log(form)
    nasty = "x\nERROR made: forged\r\x1b[2J\x9b31m\u202eetihw\u2028end\0"
    log.logger.info("a client says %r and %s", nasty, nasty)
    (line,) = log.written.getvalue().split("\n")[:-1]
    assert line.isprintable()
    if isinstance(form, JsonFormatter):
        assert nasty in json.loads(line)["message"]
    else:
        assert "\\x1b[2J\\x9b31m\\u202eetihw\\u2028end\\x00" in line


def test_a_traceback_from_outside_forges_nothing() -> None:
    log = Log(TextFormatter())
    try:
        raise ValueError("no\nERROR made: forged")
    except ValueError:
        log.logger.exception("failed")
    assert log.lines[0] == "ERROR made: failed"
    assert all(line.startswith("    ") for line in log.lines[1:])


def test_ordinary_text_stays_as_it_is() -> None:
    assert printable("Küche: 'ça va' 你好 ☎") == "Küche: 'ça va' 你好 ☎"


def test_a_line_has_a_length() -> None:
    log = Log(TextFormatter())
    log.logger.info("%s", "x" * 10**6)
    assert len(log.lines[0]) < MOST_CHARACTERS + 50


def test_a_night_of_the_same_failure_is_a_line_a_minute(text_log: Log) -> None:
    """Ten hours, ten times a second; another output's first failure is not hidden by it."""
    for tenth in range(36_000):
        text_log.now = tenth / 10
        text_log.logger.warning("%s: too slow, dropped (%d so far)", "webhook", tenth)
        if tenth == 20_000:
            text_log.logger.warning("%s: too slow, dropped (%d so far)", "mqtt", 1)
    mine = [line for line in text_log.lines if "webhook" in line]
    assert len(mine) == pytest.approx(60, abs=6)
    assert "more like it" not in mine[0]
    counts = [int(line.split("(and ")[1].split()[0]) for line in mine[1:]]
    assert sum(counts) + len(mine) == pytest.approx(36_000, abs=600)
    assert sum("mqtt" in line for line in text_log.lines) == 1


def test_a_peer_that_makes_each_line_different_is_bounded_too(text_log: Log) -> None:
    for number in range(10_000):
        text_log.now = number / 1000
        letters = "".join(chr(97 + int(digit)) for digit in str(number))
        text_log.logger.warning("nonsense from a client: %s", letters)
    assert len(text_log.lines) == logs.MOST_VARIANTS
    text_log.now = 100.0
    text_log.logger.warning("nonsense from a client: %s", "again")
    assert f"and {10_000 - logs.MOST_VARIANTS} more like it" in text_log.lines[-1]


def test_what_is_held_back_takes_no_memory_for_ever(text_log: Log) -> None:
    for number in range(2000):
        text_log.now = 60.0 * number
        letters = "".join(chr(97 + int(digit)) for digit in str(number))
        text_log.logger.warning("odd: %s", letters)
    (repeats,) = text_log.logger.handlers[0].filters
    assert isinstance(repeats, RepeatFilter)
    assert len(repeats._minutes) < 30


def test_detections_of_a_busy_minute_are_all_said(text_log: Log) -> None:
    for number in range(15):
        text_log.now = 3.0 * number
        text_log.logger.info("heard %r (score %.3f)", "activate", 0.9 + number / 1000)
    assert len(text_log.lines) == 15
