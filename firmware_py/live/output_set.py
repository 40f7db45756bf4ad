"""All outputs of a site: opened, changed and closed together."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from firmware_py.errors import DeviceError, TriggerWordError
from firmware_py.outputs.event import Event
from firmware_py.outputs.late import LateOutput
from firmware_py.outputs.worker import QUEUE_LENGTH, Output, OutputWorker, close_all

CLOSE_SECONDS = 0.6

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OutputPlan:
    """An output that is wanted."""

    name: str
    key: Any
    """Two plans with equal name and key are the same output."""
    open: Callable[[], Output]
    labels: tuple[str, ...] = ()
    queue_length: int = QUEUE_LENGTH

    def is_same(self, other: "OutputPlan") -> bool:
        return (self.name, self.key) == (other.name, other.key)


class OutputSet:
    """Runs each output in its worker."""

    def __init__(self, plans: Sequence[OutputPlan]) -> None:
        """Open all outputs; one whose device is not there is tried again at each event.

        Raises the first one's error that is no DeviceError, with the others closed again.
        """
        self._open: list[tuple[OutputPlan, OutputWorker]] = []
        self._add([replace(plan, open=partial(_open_sometime, plan)) for plan in plans])

    @property
    def workers(self) -> list[OutputWorker]:
        return [worker for _, worker in self._open]

    def send(self, event: Event) -> None:
        """Hand an event to every output that wants it; never waits."""
        for worker in self.workers:
            worker.put(event)

    def prepare(self) -> None:
        """Let outputs open what they need before the first event."""
        for worker in self.workers:
            prepare = getattr(worker.output, "prepare", None)
            if prepare:
                worker.prepare(prepare)

    def reconfigure(self, plans: Sequence[OutputPlan]) -> None:
        """Close what is no longer wanted and open what is new; what stays is not touched.

        Raises the error of one that does not open, with everything as it was before.
        """
        kept = [pair for pair in self._open if any(pair[0].is_same(plan) for plan in plans)]
        dropped = [pair for pair in self._open if pair not in kept]
        new = [plan for plan in plans if not any(plan.is_same(old) for old, _ in kept)]
        close_all([worker for _, worker in dropped], CLOSE_SECONDS)
        self._open = kept
        try:
            self._add(new)
        except (TriggerWordError, OSError):
            self._add_again([plan for plan, _ in dropped])
            raise

    def close(self, timeout_seconds: float) -> list[str]:
        """Close all; return the names of those that hang."""
        return close_all(self.workers, timeout_seconds)

    def _add(self, plans: Sequence[OutputPlan]) -> None:
        added: list[tuple[OutputPlan, OutputWorker]] = []
        try:
            for plan in plans:
                worker = OutputWorker(plan.name, plan.open(), plan.labels, plan.queue_length)
                added.append((plan, worker))
        except BaseException:
            close_all([worker for _, worker in added], CLOSE_SECONDS)
            raise
        self._open += added

    def _add_again(self, plans: Sequence[OutputPlan]) -> None:
        for plan in plans:
            try:
                self._add([plan])
            except (TriggerWordError, OSError) as error:
                log.error("%s: does not open again: %s", plan.name, error)


def _open_sometime(plan: OutputPlan) -> Output:
    """Open an output; where its device is missing, nothing else is to wait for it."""
    try:
        return plan.open()
    except DeviceError as error:
        log.error("%s: %s; tried again at each event", plan.name, error)
        return LateOutput(plan.open)
