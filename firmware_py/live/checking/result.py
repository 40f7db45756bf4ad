"""What came of trying something out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from firmware_py.errors import TriggerWordError

Verdict = Literal["ok", "warning", "failed", "skipped"]
Check = Callable[[], tuple[Verdict, str]]


@dataclass(frozen=True)
class Result:
    """The outcome of one check."""

    name: str
    verdict: Verdict
    text: str


def result_of(name: str, check: Check) -> Result:
    """Return what a check says; an error that it raises is a failure."""
    try:
        return Result(name, *check())
    except (TriggerWordError, OSError) as error:
        return Result(name, "failed", str(error))
