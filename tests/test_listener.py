"""The listener decides as the offline detector does, on the clock of the samples."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from virtual_sound import beeps

from firmware_py import Detector
from firmware_py.artefact import read_artefact
from firmware_py.ensemble import Ensemble, Hit, Model
from firmware_py.front_end import FrontEndStream
from firmware_py.live.listener import Listener
from firmware_py.monitor.observation import Observation
from firmware_py.outputs.event import Event
from firmware_py.outputs.mute import Mute
from firmware_py.sound.microphone import Chunk

DATA = Path(__file__).parent / "data"
RATE_HZ = 16000


def model(name: str = "beep", threshold: float | None = None) -> Model:
    artefact = read_artefact(DATA / f"{name}.tflite")
    policy = artefact.metadata.trigger
    return Model(artefact, replace(policy, threshold=threshold or policy.threshold))


def chunks(samples: NDArray[np.int16], length: int, start: float = 100.0) -> list[Chunk]:
    """Cut samples as a driver would; they arrive on time."""
    return [
        Chunk(samples[first : first + length], start + (first + length) / RATE_HZ)
        for first in range(0, len(samples), length)
    ]


def times(events: list[Event]) -> list[float]:
    return [event.time_seconds for event in events]


def hear_all(listener: Listener, parts: list[Chunk]) -> list[Event]:
    return [event for part in parts for event in listener.hear(part)]


@pytest.mark.parametrize("length", [160, 640, 1111, 48000])
def test_as_the_offline_detector(length: int) -> None:
    samples = beeps((1.0, 3.0, 3.7, 8.0), 10.0)
    listener = Listener(Ensemble([model()], RATE_HZ), Mute())
    events = hear_all(listener, chunks(samples, length))
    expected = Detector.open(DATA / "beep.tflite").process(samples)
    assert len(expected) == 4
    assert times(events) == [detection.time_seconds for detection in expected]
    assert [event.score for event in events] == [detection.score for detection in expected]
    assert listener.time_seconds == 10.0
    assert events[0].label == events[0].model == "beep"
    assert events[0].refractory_seconds == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("starts", "calls"), [(range(10), 10.0 / 0.08), ((), 1.0 / 0.08 + 9.0 / 0.64)]
)
def test_the_models_run_at_once_in_sound_and_seldom_in_silence(
    starts: Sequence[float], calls: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call is two steps of 40 ms."""
    lengths = []
    process = Ensemble.process

    def counted(ensemble: Ensemble, samples: NDArray[np.int16]) -> list[Hit]:
        lengths.append(len(samples))
        return process(ensemble, samples)

    monkeypatch.setattr(Ensemble, "process", counted)
    listener = Listener(Ensemble([model()], RATE_HZ), Mute())
    hear_all(listener, chunks(beeps(tuple(starts), 10.0), 160))
    assert len(lengths) == pytest.approx(calls, abs=3)
    assert listener.rest_seconds <= 0.64
    assert (listener.rest_seconds > 0) == (not starts)


def test_the_sound_processed_is_counted_to_the_last_sample() -> None:
    """A sum of durations would be 8 microseconds too long after a week."""
    listener = Listener(Ensemble([model()], RATE_HZ), Mute())
    lengths: list[int] = []
    for part in chunks(beeps(tuple(range(20)), 20.0), 160):
        listener.hear(part)
        lengths.append(round(listener.audio_seconds * RATE_HZ))
        assert listener.audio_seconds == lengths[-1] / RATE_HZ
    assert len(set(lengths)) > 100
    assert lengths[-1] > 19 * RATE_HZ


@pytest.mark.parametrize("gap_seconds", [0.1, 0.5, 1000.0])
def test_a_gap_moves_the_clock_and_costs_nothing(gap_seconds: float) -> None:
    samples = beeps((1.0, 3.0), 5.0)
    parts = chunks(samples, 640)
    parts[50] = replace(parts[50], gap_seconds=gap_seconds)  # at 2 s
    listener = Listener(Ensemble([model()], RATE_HZ), Mute())
    events = hear_all(listener, parts)
    assert listener.audio_seconds <= 5.0
    assert listener.time_seconds == pytest.approx(5.0 + gap_seconds)
    expected = Detector.open(DATA / "beep.tflite").process(samples)
    assert times(events) == pytest.approx(
        [expected[0].time_seconds, expected[1].time_seconds + gap_seconds], abs=0.041
    )


def test_what_the_speaker_says_is_not_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tone is that of the built-in chime: unmuted it triggers, muted it does not."""
    samples = beeps((1.0, 3.0), 5.0)
    assert len(hear_all(Listener(Ensemble([model()], RATE_HZ), Mute()), chunks(samples, 640))) == 2
    mute = Mute()
    clock = [100.9]
    monkeypatch.setattr("firmware_py.outputs.mute.time.monotonic", lambda: clock[0])
    mute.begin()
    clock[0] = 101.4
    mute.end(0.25)
    listener = Listener(Ensemble([model()], RATE_HZ), mute)
    events = hear_all(listener, chunks(samples, 640))
    assert times(events) == [pytest.approx(3.1, abs=0.1)]
    assert listener.muted_seconds == pytest.approx(0.75, abs=0.08)
    assert listener.time_seconds == 5.0


def test_other_models_take_over_in_the_middle_of_a_word() -> None:
    samples = beeps((1.0, 3.0, 5.0), 6.0)
    expected = Detector.open(DATA / "beep.tflite").process(samples)
    for cut in (2.9, 3.02, 3.1, 3.2):
        listener = Listener(Ensemble([model()], RATE_HZ), Mute())
        parts = chunks(samples, 640)
        middle = int(cut * RATE_HZ) // 640
        events = hear_all(listener, parts[:middle])
        listener.replace_models(Ensemble([model(threshold=0.6), model("hoot")], RATE_HZ))
        events += hear_all(listener, parts[middle:])
        assert len(events) == 3
        assert times(events) == pytest.approx([d.time_seconds for d in expected], abs=0.045)
        assert listener.time_seconds == pytest.approx(6.0)


def test_models_with_another_rate_take_over() -> None:
    listener = Listener(Ensemble([model()], RATE_HZ), Mute())
    hear_all(listener, chunks(beeps((1.0,), 2.0), 640))
    listener.replace_models(Ensemble([model()], 48000))
    (event,) = listener.hear(Chunk(beeps((1.0,), 2.0, 48000), 0.0))
    assert event.time_seconds == pytest.approx(3.1, abs=0.1)


def test_after_a_long_gap_the_models_begin_anew() -> None:
    """What follows it is heard as a stream of its own, to the last digit."""
    before, after = beeps((1.0,), 1.1), beeps((1.0, 3.0), 5.0)
    listener = Listener(Ensemble([model()], RATE_HZ), Mute())
    hear_all(listener, chunks(before, 640))
    parts = chunks(after, 640)
    parts[0] = replace(parts[0], gap_seconds=10.0)
    events = hear_all(listener, parts)
    expected = Detector.open(DATA / "beep.tflite").process(after)
    assert [event.score for event in events] == [detection.score for detection in expected]
    assert times(events) == pytest.approx([d.time_seconds + 11.1 for d in expected])


def test_observers_see_what_the_models_see() -> None:
    samples = beeps((1.0,), 3.0)
    silent = Listener(Ensemble([model("hoot"), model()], RATE_HZ), Mute())
    watched = Listener(Ensemble([model("hoot"), model()], RATE_HZ), Mute())
    seen: list[Observation] = []
    end = watched.observe(seen.append)
    heard = hear_all(watched, chunks(samples, 640))
    assert times(heard) == times(hear_all(silent, chunks(samples, 640)))
    end()
    count = len(seen)
    hear_all(watched, chunks(samples, 640, 103.0))
    assert len(seen) == count
    front_end = read_artefact(DATA / "hoot.tflite").metadata.front_end
    frames = np.concatenate([each.features for each in seen])
    expected = FrontEndStream(front_end).features(samples)
    np.testing.assert_array_equal(frames, expected[: len(frames)])
    loudest = max(seen, key=lambda each: each.level_dbfs)
    assert 1.0 < loudest.time_seconds < 1.4
    assert loudest.level_dbfs == pytest.approx(20 * np.log10(6000 / 32768 / 2**0.5), abs=0.5)
    best = {
        label: max(word.score for each in seen for word in each.scores if word.label == label)
        for label in ("beep", "hoot")
    }
    assert best["beep"] > 0.9
    assert best["hoot"] < 0.5


def test_an_observer_that_fails_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    calls = []

    def fail(observation: Observation) -> None:
        calls.append(observation)
        raise RuntimeError("not my day")

    listener = Listener(Ensemble([model()], RATE_HZ), Mute())
    listener.observe(fail)
    assert len(hear_all(listener, chunks(beeps((1.0,), 2.0), 640))) == 1
    assert len(calls) == 1
    assert "not my day" in caplog.text
