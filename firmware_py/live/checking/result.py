"""What came of trying something out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from firmware_py.errors import TriggerWordError

Verdict = Literal["ok", "warning", "failed", "skipped"]
Check = Callable[[], tuple[Verdict, str]]


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check."""

    name: str
    verdict: Verdict
    text: str


def result_of(name: str, check: Check) -> CheckResult:
    """Return what a check says; an error that it raises is a failure."""
    try:
        return CheckResult(name, *check())
    except (TriggerWordError, OSError) as error:
        return CheckResult(name, "failed", str(error))
