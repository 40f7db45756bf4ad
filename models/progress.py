"""Progress that a person sees: bars that tell what is left, and a sign of life in between."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

QUIET_SECONDS = 8.0
"""A terminal that stays still for longer looks dead."""

Remark = Callable[[float], str]
"""Is given the seconds that a bar has left; what it returns stands beside the bar."""

log = logging.getLogger(__name__)


def no_remark(_seconds: float) -> str:
    """Say nothing beside a bar."""
    return ""


@contextmanager
def progress_bar(unit: str, total: int, done: int = 0, name: str = "") -> Iterator["tqdm[Any]"]:
    """Show work of which `done` of `total` is done; log lines go around the bar."""
    bar = tqdm(total=total, initial=done, unit=unit, desc=name or None, smoothing=0.05)
    with logging_redirect_tqdm(), bar:
        yield bar


def seconds_left(bar: "tqdm[Any]") -> float:
    """Return how long the rest takes at the rate so far, NaN before the first steps."""
    rate = bar.format_dict["rate"] or (bar.n - bar.initial) / max(bar.format_dict["elapsed"], 1e-9)
    return (bar.total - bar.n) / rate if rate else float("nan")


def end_early(bar: "tqdm[Any]") -> None:
    """Let a bar end where it is: the rest is not needed."""
    bar.total = bar.n
    bar.refresh()


@contextmanager
def sign_of_life(doing: str, every_seconds: float = QUIET_SECONDS) -> Iterator[None]:
    """While the block works: bars are drawn anew, and without one a line says what is done."""
    over = threading.Event()
    thread = threading.Thread(target=_stay_alive, args=(doing, every_seconds, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _stay_alive(doing: str, every_seconds: float, over: threading.Event) -> None:
    started = time.monotonic()
    while not over.wait(every_seconds):
        bars = list(getattr(tqdm, "_instances", ()))
        for bar in bars:
            bar.refresh()
        if not bars:
            log.info("still at it: %s, %.0f s so far", doing, time.monotonic() - started)
