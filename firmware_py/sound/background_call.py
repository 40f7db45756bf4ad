"""Calls into libraries that may never return."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class BackgroundCall(Generic[T]):
    """Runs a function in a daemon thread; whoever waits for it can give up."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._started = time.monotonic()
        self._result: T | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def age_seconds(self) -> float:
        return time.monotonic() - self._started

    def wait(self, timeout_seconds: float) -> bool:
        """Wait for the end; return whether it came."""
        self._thread.join(max(0.0, timeout_seconds))
        return not self._thread.is_alive()

    def result(self) -> T:
        """Return or raise what the function, which has ended, returned or raised."""
        if self._error:
            raise self._error
        return self._result  # type: ignore[return-value]

    def _run(self) -> None:
        try:
            self._result = self._function()
        except BaseException as error:
            # Handed to the thread that asks for the result.
            self._error = error
