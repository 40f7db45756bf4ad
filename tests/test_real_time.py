"""In real time or not at all: models that are too slow, drivers that are late or lose sound."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from simulated_sound import SimulatedSound
from virtual_sound import beeps

from firmware_py import Detector
from firmware_py.artefact import read_artefact
from firmware_py.ensemble import Ensemble, Hit, Model
from firmware_py.live.listener import Listener
from firmware_py.live.loop import ANSWER_SECONDS
from firmware_py.outputs.event import Event
from firmware_py.outputs.mute import Mute
from firmware_py.settings import MicrophoneSettings
from firmware_py.sound.capture import BUFFER_SECONDS
from firmware_py.sound.microphone import Microphone

BEEP = Path(__file__).parent / "data" / "beep.tflite"
LONG_BEEP = BEEP.with_name("long-beep.tflite")
"""With a second stage, which wants a tone of 0.4 s."""
RATE_HZ = 16000


class SlowEnsemble(Ensemble):
    """Takes `factor` of the sound's duration in simulated time, and more for each look."""

    sound: SimulatedSound
    factor = 0.01
    look_seconds = 0.0

    def process(self, chunk: NDArray[np.int16]) -> list[Hit]:
        before = self._looks
        hits = super().process(chunk)
        looks = self._looks - before
        seconds = len(chunk) / self.sample_rate_hz
        self.sound.advance(self.factor * seconds + self.look_seconds * looks)
        return hits

    @property
    def _looks(self) -> int:
        return sum(second.looks for second in self.second_stages)


class Device:
    """A microphone and a listener in simulated time, and the answers with their age."""

    def __init__(self, recording: NDArray[np.int16], model: Path = BEEP) -> None:
        artefact = read_artefact(model)
        self.sound = SimulatedSound(recording, RATE_HZ)
        self.models = SlowEnsemble([Model(artefact, artefact.metadata.trigger)], RATE_HZ)
        self.models.sound = self.sound
        self.listener = Listener(self.models, Mute())
        self.microphone = Microphone(self.sound, MicrophoneSettings(), RATE_HZ)
        self.answers: list[Event] = []
        self.ages: list[float] = []
        self.microphone.start()
        while not self.microphone.name:
            self.microphone.read(0.1)

    def listen(self, until: float, at: Callable[[], None] = lambda: None) -> None:
        while self.sound.seconds < until:
            if not self.microphone.queued_seconds:
                self.sound.advance(BUFFER_SECONDS)
                at()
            if not self.microphone.queued_seconds:
                continue
            chunk = self.microphone.read(0.0)
            assert chunk
            for event in self.listener.hear(chunk):
                self.answers.append(event)
                self.ages.append(self.sound.seconds - event.time_seconds)

    @property
    def lost_seconds(self) -> float:
        return self.microphone.counters.lost_seconds


def expected(recording: NDArray[np.int16], model: Path = BEEP) -> list[float]:
    return [found.time_seconds for found in Detector.open(model).process(recording)]


def times(answers: list[Event]) -> list[float]:
    return [answer.time_seconds for answer in answers]


@pytest.mark.parametrize("factor", [1.2, 4.0])
def test_models_that_are_too_slow_and_then_fast_again(
    factor: float, caplog: pytest.LogCaptureFixture
) -> None:
    """Too slow for a while, then just as slow as time itself, and released."""
    recording = beeps(tuple(np.arange(1.0, 45.0, 1.5)), 45.0)
    device = Device(recording)
    device.models.factor = factor
    device.listen(20.0)
    too_much = 20.0 * (1 - 1 / factor)
    assert too_much - 1.0 < device.lost_seconds < 1.5 * too_much
    device.models.factor = 1.0
    device.listen(30.0)
    device.models.factor = 0.01
    device.listen(45.0)
    assert max(device.ages) < ANSWER_SECONDS
    after = [time for time in times(device.answers) if time > 31.0]
    assert after == pytest.approx([time for time in expected(recording) if time > 31.0], abs=0.041)
    heard = device.listener.audio_seconds + device.lost_seconds
    heard += device.listener.unheard_seconds
    assert heard == pytest.approx(45.0, abs=0.7)  # some may be still gathered
    assert device.listener.time_seconds == pytest.approx(45.0, abs=BUFFER_SECONDS)
    assert caplog.text.count("s of sound were dropped") == 1


@pytest.mark.parametrize("look_seconds", [0.2, 0.3])
def test_a_second_stage_that_is_too_slow_and_then_fast_again(look_seconds: float) -> None:
    """It costs nothing until there is a candidate, and then more than there is time for."""
    starts = np.arange(1.0, 40.0, 2.0)
    recording = np.maximum.reduce([beeps(tuple(starts + late), 40.0) for late in (0.0, 0.2, 0.4)])
    wanted = expected(recording, LONG_BEEP)
    device = Device(recording, LONG_BEEP)
    device.models.look_seconds = look_seconds
    device.listen(20.0)
    assert device.lost_seconds > 0.5
    device.models.look_seconds = 0.0
    device.listen(40.0)
    assert max(device.ages) < ANSWER_SECONDS
    heard = times(device.answers)
    after = [time for time in wanted if 21.0 < time <= heard[-1] + 0.1]
    assert [time for time in heard if time > 21.0] == pytest.approx(after, abs=0.041)
    assert len(after) > 8


def test_what_is_heard_in_overload_is_at_its_time() -> None:
    """A little too slow: most words are still found, and each detection at its own time."""
    recording = beeps(tuple(np.arange(1.0, 30.0, 1.5)), 30.0)
    device = Device(recording)
    device.models.factor = 1.1
    device.listen(30.0)
    offline = np.array(expected(recording))
    nearest = [np.abs(offline - time).min() for time in times(device.answers)]
    assert len(nearest) > len(offline) / 2
    assert max(nearest) < 0.1
    assert max(device.ages) < ANSWER_SECONDS


@pytest.mark.parametrize("seconds", [0.3, 2.0, 15.0])
def test_a_driver_that_is_late_loses_nothing(seconds: float) -> None:
    """It stalls, and then hands everything over at once: all is heard, at its time."""
    recording = beeps(tuple(np.arange(1.0, 40.0, 1.5)), 40.0)
    device = Device(recording)
    device.listen(10.0)
    device.sound.hold()
    device.listen(10.0 + seconds)
    device.sound.let_go()
    device.listen(40.0)
    assert device.lost_seconds == 0
    assert device.microphone.counters.dropped_samples == 0
    heard = times(device.answers)
    assert heard == expected(recording)[: len(heard)]
    assert heard[-1] > 38.0


@pytest.mark.parametrize("seconds", [0.16, 2.0])
def test_what_a_driver_says_it_lost_is_a_gap(
    seconds: float, caplog: pytest.LogCaptureFixture
) -> None:
    recording = beeps(tuple(np.arange(1.0, 40.0, 1.5)), 40.0)
    device = Device(recording)
    device.listen(10.0)
    device.sound.hold()
    device.listen(10.0 + seconds)
    device.sound.overflow()
    device.listen(40.0)
    assert device.lost_seconds == pytest.approx(seconds, abs=0.001)
    assert device.microphone.counters.overflows == 1
    after = [time for time in times(device.answers) if time > 13.0]
    assert after == pytest.approx(
        [time for time in expected(recording) if 13.0 < time <= times(device.answers)[-1] + 0.1],
        abs=0.041,
    )
    assert "the driver of the microphone lost" in caplog.text


def test_a_microphone_lost_two_hundred_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """A word is heard after each return; no thread and no file stays behind."""
    monkeypatch.setattr("firmware_py.sound.microphone.RETRY_SECONDS", (0.0,))
    recording = beeps(tuple(np.arange(0.3, 200.0, 1.0)), 201.0)
    device = Device(recording)
    resources: list[tuple[int, int]] = []
    for cycle in range(200):
        device.listen(cycle + 0.8)
        assert len(device.answers) == cycle + 1
        resources.append((threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))))
        device.sound.lose()
        while device.microphone.name:
            device.microphone.read(0.001)
        device.sound.advance(0.1)
        while not device.microphone.name:
            device.microphone.read(0.1)
    assert resources[-1] == resources[0]
    assert device.microphone.counters.reconnects == 200
    assert device.lost_seconds == pytest.approx(20.0, abs=20.0)
    assert times(device.answers) == pytest.approx(expected(recording), abs=0.1)


def test_a_pause_closes_the_microphone_and_is_no_loss(caplog: pytest.LogCaptureFixture) -> None:
    recording = beeps(tuple(np.arange(1.0, 40.0, 1.5)), 40.0)
    device = Device(recording)
    device.listen(10.0)
    with caplog.at_level(logging.INFO):
        device.microphone.pause()
    assert "microphone 'simulated' is closed" in caplog.text
    assert device.microphone.read(0.5) is None
    assert not device.microphone.name
    device.sound.advance(10.0)
    assert device.microphone.read(0.01) is None
    device.microphone.resume()
    while not device.microphone.name:
        device.microphone.read(0.1)
    device.listen(40.0)
    heard = times(device.answers)
    assert not [time for time in heard if 10.2 < time < 20.0]
    wanted = [time for time in expected(recording) if 20.5 < time <= heard[-1] + 0.1]
    assert [time for time in heard if time > 20.5] == pytest.approx(wanted, abs=0.041)
    assert device.lost_seconds == 0
