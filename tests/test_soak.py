"""Days of sound through the loop of `run`, as fast as it goes: all but PortAudio itself.

`make soak` is seven days of it; `SOAK_HOURS` sets another length, `SOAK_TRACE=1` prints where
memory grew.
"""

import json
import os
import sys
import threading
import time
import tracemalloc
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
RATE_HZ = 16000
MINUTE = 60 * RATE_HZ
SAMPLES = 20
"""Times that memory, descriptors and threads are looked at, at even distances."""
CHANGES = 40
"""Times that the settings are read again and the model swapped."""
MOST_GROWTH_BYTES = 4 << 20
STEP_SECONDS = 0.04


def minutes() -> Iterator[NDArray[np.int16]]:
    """Yield the recording, a minute at a time: noise of varying level with 0 to 3 beeps."""
    rng = np.random.default_rng(2026)
    noise = rng.normal(0, 1, MINUTE)
    tone = np.sin(2 * np.pi * 1175 * np.arange(RATE_HZ // 4) / RATE_HZ)
    for _ in range(round(HOURS * 60)):
        samples = np.roll(noise, int(rng.integers(MINUTE))) * rng.uniform(5, 200)
        for start in rng.choice(29, rng.integers(0, 4), replace=False).tolist():
            first = 2 * start * RATE_HZ + int(rng.integers(RATE_HZ))
            samples[first : first + len(tone)] += rng.uniform(2000, 12000) * tone
        yield np.rint(samples).astype(np.int16)


def offline() -> list[tuple[float, float]]:
    with Detector(read_artefact(BEEP)) as detector:
        return [
            (detection.time_seconds, detection.score)
            for minute in minutes()
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

    def check(self) -> None:
        """The second half of the time needs what the first did: what is momentary may differ."""
        half = len(self.threads) // 2
        for values in (self.descriptors, self.threads):
            assert min(values[half:]) <= min(values[1:half]), values
        growth = min(self.resident_bytes[half:]) - min(self.resident_bytes[1:half])
        assert growth < MOST_GROWTH_BYTES, self.resident_bytes


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


def watch(live: Live, resources: Resources, sites: Sites, changes: int) -> None:
    """Look at the resources and ask for changes while the sound goes by."""
    moments = [(HOURS * 3600 * (n + 0.5) / SAMPLES, resources.look) for n in range(SAMPLES)]

    def change() -> None:
        number = sites.number
        live.reload()
        while sites.number == number:  # two wishes at once are one
            time.sleep(0.01)

    moments += [(HOURS * 3600 * (n + 0.25) / (changes + 1), change) for n in range(changes)]
    for moment, action in sorted(moments, key=lambda each: each[0]):
        while measured(live, "audio_seconds_total") < moment:
            time.sleep(0.01)
        action()


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize("changes", [0, CHANGES], ids=["as it is", "with changes"])
def test_days_of_listening(changes: int, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sites = Sites(tmp_path)
    events: list[Event] = []
    sound = UnpacedSound(minutes(), RATE_HZ)
    live = Live(sites.next(), sites.next, events.append, sound)
    resources = Resources()
    caplog.set_level("INFO", "firmware_py.live.loop")
    if os.environ.get("SOAK_TRACE"):
        tracemalloc.start(8)
        before = tracemalloc.take_snapshot()
    watching = threading.Thread(target=watch, args=(live, resources, sites, changes), daemon=True)
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
                "hours": HOURS,
                "changes": changes,
                "detections": len(events),
                "rss_mb": [round(each / 1e6, 1) for each in resources.resident_bytes],
                "descriptors": resources.descriptors,
                "threads": resources.threads,
                "real_time_factor": cpu_seconds / (HOURS * 3600),
            }
        )
        + "\n"
    )
    assert live.close() == []
    assert caplog.text.count("settings and models are read again") == changes
    check_accounts(live, events, exact=not changes)
    assert 0 < len(list(tmp_path.glob("beep/*.wav"))) <= 20
    resources.check()


def check_accounts(live: Live, events: list[Event], exact: bool) -> None:
    """Every sample was heard, and every detection is that of one uninterrupted stream."""
    total = HOURS * 3600
    assert total - 1.0 < measured(live, "audio_seconds_total") <= total  # some are still gathered
    assert measured(live, "lost_seconds_total") == measured(live, "dropped_samples_total") == 0
    expected = [found for found in offline() if found[0] < measured(live, "audio_seconds_total")]
    assert len(events) == len(expected) > 30 * HOURS
    heard = [(event.time_seconds, event.score) for event in events]
    if exact:
        assert heard == expected
    else:
        lateness = np.array(heard)[:, 0] - np.array(expected)[:, 0]
        assert np.abs(lateness).max() <= 2 * STEP_SECONDS
