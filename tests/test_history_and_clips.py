"""The last seconds, and the clips that are cut from them."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from firmware_py.monitor.clip_files import JournalEntry
from firmware_py.monitor.event_recorder import EventRecorder
from firmware_py.monitor.history import History
from firmware_py.monitor.journal import Journal, JournalLine
from firmware_py.settings import ClipSettings

RATE_HZ = 1000
ENTRY = JournalEntry("detection", "turn on", "m", 0.9, 0.8, "2026-01-02T03:04:05.678+00:00")
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


def recorder_in(folder: Path, told: list[JournalLine]) -> EventRecorder:
    settings = ClipSettings(str(folder), seconds_before=2.0, seconds_after=1.0)
    return EventRecorder(settings, RATE_HZ, Journal(folder, 100, 30.0), told.append)


def test_a_clip_holds_the_seconds_around_the_moment(tmp_path: Path) -> None:
    told: list[JournalLine] = []
    recorder = recorder_in(tmp_path, told)
    for start in range(0, 20000, 80):
        recorder.hear(RAMP[start : start + 80])
        if start == 8000:
            recorder.note(ENTRY)
        if start == 8480:
            recorder.note(replace(ENTRY, label="a/b", kind="close-miss"), ago_seconds=1.2)
    recorder.close(60.0)
    assert [line.entry.label for line in told] == ["a/b", "turn on"]
    for line, first in zip(told, (5360, 6080), strict=True):
        assert line.clip
        samples, rate_hz = soundfile.read(line.clip, dtype="int16")
        assert rate_hz == RATE_HZ
        np.testing.assert_array_equal(samples, RAMP[first : first + 3000])
    assert recorder.written == 2


def test_without_settings_for_clips_no_sound_is_kept() -> None:
    told: list[JournalLine] = []
    recorder = EventRecorder(None, RATE_HZ, Journal(None), told.append)
    recorder.hear(RAMP[:5000])
    recorder.note(ENTRY)
    recorder.close(60.0)
    assert [(line.entry, line.clip) for line in told] == [(ENTRY, None)]
    assert recorder.written == 0


def test_a_disk_that_refuses_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    told: list[JournalLine] = []
    recorder = recorder_in(tmp_path, told)
    (tmp_path / "turn_on").write_bytes(b"")
    recorder.note(ENTRY)
    recorder.hear(RAMP[:5000])
    end = time.monotonic() + 60
    while "clips:" not in caplog.text:
        assert time.monotonic() < end
        time.sleep(0.01)
    recorder.close(60.0)
    assert recorder.written == 0
