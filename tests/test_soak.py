"""Days of sound through the loop of `run`, as fast as it goes: all but PortAudio itself.

`make soak` is seven days of it; `SOAK_HOURS` sets another length. With `SOAK_MINUTES` the sound
ends after so many real minutes, and what was heard till then is judged. `SOAK_TRACE=1` prints
where memory grew.
"""

import json
import logging
import os
import sys
import threading
import time
import tracemalloc
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from unpaced_sound import UnpacedSound, measured, run_to_the_end

from firmware_py import Detector
from firmware_py.artefact import read_artefact
from firmware_py.live.loop import Live
from firmware_py.live.site_models import Site, open_models
from firmware_py.outputs.event import Event
from firmware_py.settings import ClipSettings, ModelSettings, Settings
from firmware_py.settings.outputs import ChimeSettings, GpioSettings

BEEP = Path(__file__).parent / "data" / "beep.tflite"
HOURS = float(os.environ.get("SOAK_HOURS", "0.5"))
MOST_SECONDS = 60 * float(os.environ.get("SOAK_MINUTES", "inf"))
RATE_HZ = 16000
MINUTE = 60 * RATE_HZ
LOOK_SECONDS = min(900.0, HOURS * 3600 / 20)
"""Sound from one look at memory, descriptors and threads to the next."""
CHANGE_SECONDS = min(900.0, HOURS * 3600 / 40)
"""Sound until the settings are read again and the model swapped."""
MOST_GROWTH_BYTES = 4 << 20
STEP_SECONDS = 0.04


def minutes(number: int) -> Iterator[NDArray[np.int16]]:
    """Yield a recording, a minute at a time: noise of varying level with 0 to 3 beeps in each."""
    rng = np.random.default_rng(2026)
    noise = rng.normal(0, 1, MINUTE)
    tone = np.sin(2 * np.pi * 1175 * np.arange(RATE_HZ // 4) / RATE_HZ)
    for _ in range(number):
        samples = np.roll(noise, int(rng.integers(MINUTE))) * rng.uniform(5, 200)
        for start in rng.choice(29, rng.integers(0, 4), replace=False).tolist():
            first = 2 * start * RATE_HZ + int(rng.integers(RATE_HZ))
            samples[first : first + len(tone)] += rng.uniform(2000, 12000) * tone
        yield np.rint(samples).astype(np.int16)


class Recording:
    """Minutes that end when the real time is over."""

    def __init__(self) -> None:
        self.num_minutes = 0

    def __iter__(self) -> Iterator[NDArray[np.int16]]:
        began = time.monotonic()
        for minute in minutes(round(HOURS * 60)):
            if time.monotonic() - began > MOST_SECONDS:
                return
            self.num_minutes += 1
            yield minute


def offline(num_minutes: int) -> list[tuple[float, float]]:
    with Detector(read_artefact(BEEP)) as detector:
        return [
            (detection.time_seconds, detection.score)
            for minute in minutes(num_minutes)
            for detection in detector.process(minute)
        ]


@dataclass
class Resources:
    """What the process holds, seen again and again."""

    resident_bytes: list[int] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)

    def look(self) -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        self.resident_bytes.append(pages * os.sysconf("SC_PAGE_SIZE"))
        self.descriptors.append(len(list(Path("/proc/self/fd").iterdir())))
        self.threads.append(threading.active_count())

    def summary(self) -> dict[str, object]:
        megabytes = [round(each / 1e6, 1) for each in self.resident_bytes]
        return {
            "looks": len(megabytes),
            "rss_mb": megabytes if len(megabytes) < 30 else megabytes[:: len(megabytes) // 20],
            "most_mb": max(megabytes),
            "descriptors": [self.descriptors[0], self.descriptors[-1], max(self.descriptors)],
            "threads": [self.threads[0], self.threads[-1], max(self.threads)],
        }

    def check(self) -> None:
        """The second half of the time needs what the first did; what is momentary may differ."""
        half = len(self.threads) // 2
        for values in (self.descriptors, self.threads):
            assert min(values[half:]) <= min(values[1:half]), values
        resident = self.resident_bytes  # moments differ by what the allocator has given back
        growth = np.median(resident[half:]) - np.median(resident[1:half])
        assert growth < MOST_GROWTH_BYTES, self.resident_bytes


class Reloads(logging.Handler):
    """Counts what the log says of changes, and keeps none of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.number = 0
        log = logging.getLogger("firmware_py.live.loop")
        monkeypatch.setattr(log, "handlers", [self])
        monkeypatch.setattr(log, "propagate", False)

    def emit(self, record: logging.LogRecord) -> None:
        self.number += "settings and models are read again" in record.getMessage()


class Sites:
    """Two sites that differ in the model's policy, an output and the clips, in turns."""

    def __init__(self, clips: Path) -> None:
        self._clips = clips
        self.number = 0

    def next(self) -> Site:
        self.number += 1
        odd = self.number % 2 == 1
        settings = Settings(
            model=(ModelSettings(str(BEEP), refractory_seconds=0.4 if odd else 0.44),),
            chime=ChimeSettings(sound="off"),
            gpio=(GpioSettings(f"LAMP {odd:d}", backend="mock", pulse_seconds=0.001),),
            clips=ClipSettings(str(self._clips), max_clips=20 if odd else 10),
        )
        return Site(settings, open_models(settings))


def watch(live: Live, sound: UnpacedSound, resources: Resources, sites: Sites | None) -> None:
    """Look at the resources while the sound goes by, and ask for changes if there are `sites`."""
    next_look, next_change = LOOK_SECONDS / 2, CHANGE_SECONDS if sites else float("inf")
    while not sound.finished.is_set():
        heard = measured(live, "audio_seconds_total")
        if heard >= next_look:
            resources.look()
            next_look += LOOK_SECONDS
        if sites and heard >= next_change:
            number = sites.number
            live.reload()
            while sites.number == number and not sound.finished.is_set():
                time.sleep(0.01)  # two wishes at once are one
            next_change += CHANGE_SECONDS
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize("changes", [False, True], ids=["as it is", "with changes"])
def test_days_of_listening(
    changes: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firmware_py.live.loop.READ_SECONDS", 0.001)  # the sound does not wait
    sites = Sites(tmp_path)
    heard = array("d")  # what the test keeps must not grow as a leak would

    def hear(event: Event) -> None:
        heard.extend((event.time_seconds, event.score))

    recording = Recording()
    sound = UnpacedSound(recording, RATE_HZ)
    live = Live(sites.next(), sites.next, hear, sound)
    resources = Resources()
    caplog.set_level("INFO", "firmware_py.live.loop")
    reloads = Reloads(monkeypatch)
    if os.environ.get("SOAK_TRACE"):
        tracemalloc.start(8)
        before = tracemalloc.take_snapshot()
    watched = (live, sound, resources, sites if changes else None)
    watching = threading.Thread(target=watch, args=watched, daemon=True)
    watching.start()
    began = time.process_time()
    run_to_the_end(live, sound)
    cpu_seconds = time.process_time() - began
    if os.environ.get("SOAK_TRACE"):
        for line in tracemalloc.take_snapshot().compare_to(before, "traceback")[:12]:
            sys.stdout.write("\n".join([str(line), *line.traceback.format(4)]) + "\n")
        tracemalloc.stop()
    sys.stdout.write(
        json.dumps(
            {
                "hours": recording.num_minutes / 60,
                "changes": sites.number - 1,
                "detections": len(heard) // 2,
                **resources.summary(),
                "real_time_factor": cpu_seconds / (60 * recording.num_minutes),
            }
        )
        + "\n"
    )
    assert live.close() == []
    taken = reloads.number
    assert bool(taken) == changes
    assert sites.number - 2 <= taken <= sites.number - 1  # the last one may come too late
    check_accounts(live, heard, recording.num_minutes, exact=not changes)
    assert 0 < len(list(tmp_path.glob("beep/*.wav"))) <= 20
    resources.check()


def check_accounts(live: Live, found: "array[float]", num_minutes: int, exact: bool) -> None:
    """Every sample was heard, and every detection is that of one uninterrupted stream."""
    total = 60 * num_minutes
    heard_seconds = measured(live, "audio_seconds_total")
    assert total - 1.0 < heard_seconds <= total  # some are still gathered
    assert measured(live, "lost_seconds_total") == measured(live, "dropped_samples_total") == 0
    heard = list(zip(found[::2], found[1::2], strict=True))
    expected = [each for each in offline(num_minutes) if each[0] < heard_seconds]
    assert len(heard) == len(expected) > num_minutes / 2
    if exact:
        assert heard == expected
    else:
        lateness = np.array(heard)[:, 0] - np.array(expected)[:, 0]
        assert np.abs(lateness).max() <= 2 * STEP_SECONDS
