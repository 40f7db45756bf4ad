"""Pins: the logic on mock lines; gpiod's own errors where there is no chip."""

import errno
import os
import time
from pathlib import Path

import pytest

from firmware_py.errors import DeviceError, SettingsError
from firmware_py.outputs.event import Event
from firmware_py.outputs.gpio import Gpio, MockLine, _explained
from firmware_py.outputs.worker import OutputWorker, close_all
from firmware_py.settings.outputs import GpioSettings

EVENT = Event("activate", "activate", 0.9, 12.5, "2026-01-01T00:00:00+00:00", 0.3)


def mock(**settings: object) -> tuple[Gpio, MockLine]:
    gpio = Gpio(GpioSettings(backend="mock", **settings))  # type: ignore[arg-type]
    assert isinstance(gpio.line, MockLine)
    return gpio, gpio.line


def wait_for(line: MockLine, states: list[bool]) -> None:
    end = time.monotonic() + 60
    while line.states != states:
        assert time.monotonic() < end, line.states
        time.sleep(0.01)


def test_pulse() -> None:
    gpio, line = mock(pulse_seconds=0.1)
    gpio.handle(EVENT)
    wait_for(line, [False, True, False])


def test_a_second_event_makes_the_pulse_longer() -> None:
    gpio, line = mock(pulse_seconds=2.0)
    began = time.monotonic()
    gpio.handle(EVENT)
    time.sleep(0.5)
    gpio.handle(EVENT)
    wait_for(line, [False, True, True, False])
    assert time.monotonic() - began >= 2.5


def test_toggle() -> None:
    gpio, line = mock(mode="toggle")
    for _ in range(3):
        gpio.handle(EVENT)
    assert line.states == [False, True, False, True]


def test_hold_for_the_refractory_time() -> None:
    gpio, line = mock(mode="hold", pulse_seconds=60.0)
    gpio.handle(EVENT)
    wait_for(line, [False, True, False])


def test_active_low_rests_high() -> None:
    gpio, line = mock(active_low=True, mode="toggle")
    assert line.is_high
    gpio.handle(EVENT)
    assert not line.is_high
    gpio.close()
    assert line.is_high


def test_close_is_safe_in_the_middle_of_a_pulse_and_twice() -> None:
    gpio, line = mock(pulse_seconds=0.05)
    gpio.handle(EVENT)
    gpio.close()
    gpio.close()
    time.sleep(0.15)
    assert line.states == [False, True, False]
    assert line.released


def test_in_a_worker() -> None:
    gpio, line = mock(mode="toggle")
    worker = OutputWorker("gpio", gpio)
    worker.put(EVENT)
    while not worker.handled:
        time.sleep(0.01)
    assert close_all([worker], 30.0) == []
    assert line.states == [False, True, False]
    assert line.released


def test_a_machine_without_the_line() -> None:
    pytest.importorskip("gpiod")
    if list(Path("/dev").glob("gpiochip*")):
        pytest.skip("this machine has GPIO")
    with pytest.raises(DeviceError, match="GPIO27: no such line on this machine, which has no"):
        Gpio(GpioSettings())


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EBUSY, "GPIO27: the line is in use by another program; see: gpioinfo"),
        (errno.EACCES, "GPIO27: no permission for /dev/gpiochip0; add the user to the group gpio"),
        (errno.EIO, "GPIO27: /dev/gpiochip0 does not give the line: Input/output error"),
    ],
)
def test_what_the_kernel_answers_is_explained(number: int, words: str) -> None:
    error = OSError(number, os.strerror(number))
    assert str(_explained(error, "GPIO27", Path("/dev/gpiochip0"))) == words


def test_a_number_is_no_name() -> None:
    with pytest.raises(SettingsError, match="a name such as 'GPIO27', no number"):
        GpioSettings(line="27")
