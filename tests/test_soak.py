"""Hours of sound through the whole of `run` but PortAudio itself, as fast as it goes.

`SOAK_HOURS=24 python -m pytest tests/test_soak.py -s` is the full length.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
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
HOURS = float(os.environ.get("SOAK_HOURS", "1"))
RATE_HZ = 16000
MINUTE = 60 * RATE_HZ
WARM_UP_MINUTES = 10
MOST_GROWTH_BYTES = 4 << 20


def minutes() -> Iterator[NDArray[np.int16]]:
    """Yield the recording, a minute at a time: noise of varying level with 0 to 3 beeps."""
    rng = np.random.default_rng(2026)
    noise = rng.normal(0, 1, MINUTE)
    tone = np.sin(2 * np.pi * 1175 * np.arange(RATE_HZ // 4) / RATE_HZ)
    for _ in range(round(HOURS * 60)):
        samples = np.roll(noise, int(rng.integers(MINUTE))) * rng.uniform(5, 200)
        for start in rng.integers(0, MINUTE - len(tone), rng.integers(0, 4)).tolist():
            samples[start : start + len(tone)] += rng.uniform(2000, 12000) * tone
        yield np.rint(samples).astype(np.int16)


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def offline() -> list[tuple[float, float]]:
    artefact = read_artefact(BEEP)
    with Detector(artefact) as detector:
        return [
            (detection.time_seconds, detection.score)
            for minute in minutes()
            for detection in detector.process(minute)
        ]


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_memory_time_and_detections_stay_true(tmp_path: Path) -> None:
    settings = Settings(
        model=(ModelSettings(path=str(BEEP)),),
        chime=ChimeSettings(sound="off"),
        gpio=(GpioSettings(backend="mock", pulse_seconds=0.001),),
        clips=ClipSettings(str(tmp_path), max_clips=20),
    )
    site = Site(settings, open_models(settings))
    events: list[Event] = []
    sound = UnpacedSound(minutes(), RATE_HZ)
    live = Live(site, lambda: site, events.append, sound)
    resident: list[int] = []

    def watch() -> None:
        warm = min(WARM_UP_MINUTES, HOURS * 30) * 60
        while measured(live, "audio_seconds_total") < warm:
            time.sleep(0.01)
        resident.append(resident_bytes())

    began = time.process_time()
    threading.Thread(target=watch, daemon=True).start()
    run_to_the_end(live, sound)
    resident.append(resident_bytes())
    cpu_seconds = time.process_time() - began
    assert live.close() == []
    expected = offline()
    heard = [(event.time_seconds, event.score) for event in events]
    assert len(heard) > 30 * HOURS
    last = expected[-1][0]
    assert heard == expected[: len(heard)]
    assert len(expected) - len(heard) <= (last > HOURS * 3600 - 1)  # still gathered at the end
    assert measured(live, "audio_seconds_total") > HOURS * 3600 - 1
    assert measured(live, "lost_seconds_total") == measured(live, "dropped_samples_total") == 0
    assert len(list(tmp_path.glob("beep/*.wav"))) == 20
    growth = resident[1] - resident[0]
    sys.stdout.write(
        json.dumps(
            {
                "hours": HOURS,
                "detections": len(heard),
                "rss_start_mb": resident[0] / 1e6,
                "rss_end_mb": resident[1] / 1e6,
                "real_time_factor": cpu_seconds / (HOURS * 3600),
            }
        )
        + "\n"
    )
    assert growth < MOST_GROWTH_BYTES
