"""Each output has its own queue: a slow or failing one delays nobody."""

import threading
import time
from dataclasses import replace

import pytest

from firmware_py.errors import DeviceError, SettingsError
from firmware_py.live.output_set import OutputPlan, OutputSet
from firmware_py.outputs.event import Event
from firmware_py.outputs.worker import Output, OutputWorker, close_all

EVENT = Event("activate", "activate", 0.9, 12.5, "2026-01-01T00:00:00+00:00", 1.0)


class Recorder(Output):
    def __init__(self) -> None:
        self.events: list[Event] = []
        self.closed = False

    def handle(self, event: Event) -> None:
        self.events.append(event)

    def close(self) -> None:
        self.closed = True


class Stuck(Output):
    def __init__(self) -> None:
        self.gate = threading.Event()

    def handle(self, event: Event) -> None:
        self.gate.wait(600)


class Failing(Recorder):
    def handle(self, event: Event) -> None:
        super().handle(event)
        raise ValueError("no luck")

    def close(self) -> None:
        raise OSError("cannot close")


def wait_until(condition, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_stuck_output_delays_no_other_and_drops_what_is_too_much(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stuck, recorder = Stuck(), Recorder()
    workers = [OutputWorker("stuck", stuck, queue_length=3), OutputWorker("fine", recorder)]
    began = time.monotonic()
    for number in range(20):
        for worker in workers:
            worker.put(replace(EVENT, score=float(number)))
        wait_until(lambda expected=number: len(recorder.events) == expected + 1)
    assert time.monotonic() - began < 300
    assert workers[0].dropped in (16, 17)  # one is being handled, three wait
    assert workers[0].queued == 3
    assert "stuck: too slow" in caplog.text
    assert close_all(workers, 3.0) == ["stuck"]
    assert recorder.closed
    stuck.gate.set()


def test_a_failing_output_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    failing = Failing()
    worker = OutputWorker("failing", failing)
    worker.put(EVENT)
    worker.put(EVENT)
    wait_until(lambda: worker.failures == 2)
    assert len(failing.events) == 2
    assert worker.handled == 0
    assert "failing: no luck" in caplog.text
    assert close_all([worker], 30.0) == []
    assert "cannot close" in caplog.text


def test_only_the_wanted_labels() -> None:
    recorder = Recorder()
    worker = OutputWorker("some", recorder, labels=("on",))
    for label in ("off", "on", "stop"):
        worker.put(replace(EVENT, label=label))
    wait_until(lambda: worker.handled == 1)
    close_all([worker], 30.0)
    assert [event.label for event in recorder.events] == ["on"]


def test_preparations_come_in_turn_and_may_fail() -> None:
    recorder = Recorder()
    worker = OutputWorker("prepared", recorder)
    order: list[str] = []
    worker.prepare(lambda: order.append("ready"))
    worker.prepare(lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    worker.put(EVENT)
    wait_until(lambda: worker.handled == 1)
    assert order == ["ready"]
    assert worker.failures == 1
    close_all([worker], 30.0)


def test_an_output_whose_device_is_missing_is_tried_again_at_each_event(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The other outputs work meanwhile."""
    answered: list[str] = []
    devices = [DeviceError("no such line"), DeviceError("no such line"), None]

    class Pin(Output):
        def handle(self, event: Event) -> None:
            answered.append(f"pin {event.label}")

        def close(self) -> None:
            answered.append("closed")

    class Other(Pin):
        def handle(self, event: Event) -> None:
            answered.append(f"other {event.label}")

        def close(self) -> None:
            pass

    def open_pin() -> Output:
        if error := devices.pop(0):
            raise error
        return Pin()

    outputs = OutputSet([OutputPlan("pin", "pin", open_pin), OutputPlan("other", "other", Other)])
    assert "pin: no such line; tried again at each event" in caplog.text
    for label in ("one", "two"):
        outputs.send(replace(EVENT, label=label))
        wait_until(lambda label=label: f"other {label}" in answered)
    wait_until(lambda: "pin two" in answered)
    assert "pin one" not in answered
    assert [worker.failures for worker in outputs.workers] == [1, 0]
    assert outputs.close(20.0) == []
    assert answered[-1] == "closed"


def test_an_output_that_cannot_be_set_up_is_an_error_at_the_start() -> None:
    def wrong() -> Output:
        raise SettingsError("no such file")

    with pytest.raises(SettingsError, match="no such file"):
        OutputSet([OutputPlan("wrong", "wrong", wrong)])
