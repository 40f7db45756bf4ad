"""The last seconds, and the clips that are cut from them."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from firmware_py.live.event_recorder import EventRecorder, clip_name, delete_oldest, write_clip
from firmware_py.live.history import History
from firmware_py.outputs.event import Event
from firmware_py.settings import ClipSettings

RATE_HZ = 1000
EVENT = Event("turn on", "m", 0.9, 12.5, "2026-01-02T03:04:05.678+00:00", 1.0)
RAMP = np.arange(20000, dtype=np.int16)


@pytest.mark.parametrize("length", [1, 7, 300, 5000])
def test_history_returns_what_it_holds(length: int) -> None:
    history = History(1000)
    for start in range(0, 10000, length):
        history.add(RAMP[start : start + length][: 10000 - start])
    np.testing.assert_array_equal(history.between(9000, 10000), RAMP[9000:10000])
    np.testing.assert_array_equal(history.between(9500, 99999), RAMP[9500:10000])
    assert len(history.between(0, 10000)) < 1000 + length + 1
    assert len(history.between(10000, 10500)) == 0


def test_history_of_nothing() -> None:
    history = History(0)
    assert len(history.between(0, 100)) == 0
    history.add(RAMP[:10])
    history.add(RAMP[10:20])
    assert history.between(10, 20).tolist() == list(range(10, 20))


def test_a_clip_holds_the_seconds_around_the_event(tmp_path: Path) -> None:
    settings = ClipSettings(str(tmp_path / "clips"), seconds_before=2.0, seconds_after=1.0)
    recorder = EventRecorder(settings, RATE_HZ)
    for start in range(0, 20000, 80):
        recorder.hear(RAMP[start : start + 80])
        if start == 8000:
            recorder.note(EVENT)
        if start == 8480:
            recorder.note(replace(EVENT, label="a/b", score=1.0))
    recorder.close(5.0)
    first, second = sorted((tmp_path / "clips").glob("*/*"), key=lambda path: path.parent.name)[
        ::-1
    ]
    assert first.relative_to(tmp_path / "clips") == Path("turn_on/20260102T030405678Z-0.900.wav")
    assert second.parent.name == "a_b"
    samples, rate_hz = soundfile.read(first, dtype="int16")
    assert rate_hz == RATE_HZ
    np.testing.assert_array_equal(samples, RAMP[6080:9080])
    assert recorder.written == 2
    assert first.stat().st_mode & 0o077 == 0


def test_the_ring_deletes_the_oldest_and_nothing_else(tmp_path: Path) -> None:
    foreign = tmp_path / "word" / "mine.wav"
    for number in range(10):
        event = replace(EVENT, label="word", timestamp=f"2026-01-02T03:04:0{number}.000+00:00")
        write_clip(tmp_path, event, RAMP[:10], RATE_HZ)
    foreign.write_bytes(b"")
    delete_oldest(tmp_path, 3)
    names = sorted(path.name for path in tmp_path.glob("word/*"))
    assert names == [f"20260102T03040{number}000Z-0.900.wav" for number in (7, 8, 9)] + ["mine.wav"]


def test_a_disk_that_refuses_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_bytes(b"")
    recorder = EventRecorder(ClipSettings(str(tmp_path / "file")), RATE_HZ)
    recorder.note(EVENT)
    recorder.hear(RAMP[:5000])
    end = time.monotonic() + 5
    while "clips:" not in caplog.text:
        assert time.monotonic() < end
        time.sleep(0.01)
    recorder.close(5.0)
    assert recorder.written == 0


def test_a_time_without_milliseconds() -> None:
    event = replace(EVENT, timestamp="2026-01-02T03:04:05+00:00")
    assert clip_name(event) == "20260102T030405000Z-0.900.wav"
