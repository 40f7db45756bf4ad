"""A pin that answers: the line by its name, through the kernel's own interface."""

import errno
import logging
import threading
from pathlib import Path
from types import ModuleType
from typing import Protocol

from firmware_py.errors import DeviceError, MissingToolError
from firmware_py.outputs.event import Event
from firmware_py.outputs.worker import Output
from firmware_py.settings.outputs import GpioSettings

CONSUMER = "trigger-word"

log = logging.getLogger(__name__)


class OutputLine(Protocol):
    """One output line. `on` is logical: an active-low line is then low."""

    def set(self, on: bool) -> None:
        """Switch the line."""

    def release(self) -> None:
        """Give the line back to the kernel."""


class MockLine:
    """A line without hardware: keeps its changes and logs them."""

    def __init__(self, settings: GpioSettings) -> None:
        self.name = settings.line
        self.active_low = settings.active_low
        self.states = [False]
        """Every state that was set, the oldest first."""
        self.released = False

    @property
    def is_high(self) -> bool:
        """The level of the wire."""
        return self.states[-1] != self.active_low

    def set(self, on: bool) -> None:
        self.states.append(on)
        log.info("mock %s is %s", self.name, "on" if on else "off")

    def release(self) -> None:
        self.released = True


class GpiodLine:
    """A line of a GPIO character device, requested as an output that is off."""

    def __init__(self, settings: GpioSettings) -> None:
        """Raises DeviceError when the line is missing, busy or not ours to use."""
        gpiod = _gpiod()
        self._value = gpiod.line.Value
        chip, self._offset = _find_line(settings.line)
        line_settings = gpiod.LineSettings(
            direction=gpiod.line.Direction.OUTPUT,
            output_value=self._value.INACTIVE,
            active_low=settings.active_low,
        )
        try:
            self._request = gpiod.request_lines(
                str(chip), consumer=CONSUMER, config={self._offset: line_settings}
            )
        except OSError as error:
            raise _explained(error, settings.line, chip) from error

    def set(self, on: bool) -> None:
        value = self._value.ACTIVE if on else self._value.INACTIVE
        self._request.set_value(self._offset, value)

    def release(self) -> None:
        self._request.release()


class Gpio(Output):
    """Answers each event on one line; the line is off at the start and at the end."""

    def __init__(self, settings: GpioSettings, line: OutputLine | None = None) -> None:
        """
        line: opened as the settings say when it is not given.
        """
        self.settings = settings
        self.line = line or (GpiodLine if settings.backend == "gpiod" else MockLine)(settings)
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._on = False
        self._closed = False

    def handle(self, event: Event) -> None:
        with self._lock:
            if self.settings.mode == "toggle":
                self._set(not self._on)
            else:
                self._set(True)
                self._turn_off_after(self._seconds(event))

    def close(self) -> None:
        """Turn the line off and give it back; a second call does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._timer:
                self._timer.cancel()
            self._set(False)
            self.line.release()

    def _seconds(self, event: Event) -> float:
        hold = self.settings.mode == "hold"
        return event.refractory_seconds if hold else self.settings.pulse_seconds

    def _set(self, on: bool) -> None:
        self.line.set(on)
        self._on = on

    def _turn_off_after(self, seconds: float) -> None:
        if self._timer:
            self._timer.cancel()
        timer = threading.Timer(seconds, lambda: self._turn_off(timer))
        timer.daemon = True
        self._timer = timer
        timer.start()

    def _turn_off(self, timer: threading.Timer) -> None:
        """End a pulse, unless a later event has made it longer."""
        with self._lock:
            if timer is self._timer and not self._closed:
                self._set(False)


def _find_line(name: str) -> tuple[Path, int]:
    """Return the chip that has a line of this name, and the line's offset.

    Chip numbers differ between boards and kernels, names do not.
    """
    gpiod = _gpiod()
    chips = sorted(Path("/dev").glob("gpiochip*"))
    refused: OSError | None = None
    for path in chips:
        try:
            with gpiod.Chip(str(path)) as chip:
                return path, int(chip.line_offset_from_id(name))
        except PermissionError as error:
            refused = error
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise _explained(error, name, path) from error
    if refused:
        raise _explained(refused, name, chips[0]) from refused
    where = ", ".join(map(str, chips)) or "this machine, which has no GPIO chip"
    raise DeviceError(f"{name}: no such line on {where}; see the names with: gpioinfo")


def _explained(error: OSError, name: str, chip: Path) -> DeviceError:
    if isinstance(error, PermissionError):
        return DeviceError(f"{name}: no permission for {chip}; add the user to the group gpio")
    if error.errno == errno.EBUSY:
        return DeviceError(f"{name}: the line is in use by another program; see: gpioinfo")
    return DeviceError(f"{name}: {chip} does not give the line: {error.strerror}")


def _gpiod() -> ModuleType:
    try:
        import gpiod
        import gpiod.line
    except ImportError as error:
        raise MissingToolError(
            "a pin needs gpiod; install it with: pip install 'trigger-word[gpio]'"
        ) from error
    module: ModuleType = gpiod
    return module
