"""An output whose device is not there yet."""

from collections.abc import Callable

from firmware_py.outputs.event import Event
from firmware_py.outputs.worker import Output


class LateOutput(Output):
    """Stands for an output that did not open: that is tried again at each event."""

    def __init__(self, open_output: Callable[[], Output]) -> None:
        """
        open_output: raises DeviceError for as long as the device is not there.
        """
        self._open_output = open_output
        self._output: Output | None = None

    @property
    def refused(self) -> int:
        return self._output.refused if self._output else 0

    def handle(self, event: Event) -> None:
        """Answer, if the device is there by now; raises DeviceError."""
        if self._output is None:
            self._output = self._open_output()
        self._output.handle(event)

    def interrupt(self) -> None:
        if self._output:
            self._output.interrupt()

    def close(self) -> None:
        if self._output:
            self._output.close()
