"""What listening costs: the whole loop against `detect` on the same sound, in CPU seconds.

Under load the ratio scatters by a fifth, so the bound is wide: it finds a thread that spins and
work that is done twice. `pytest -s` prints what was measured.
"""

import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from unpaced_sound import UnpacedSound, measured, run_to_the_end

import firmware_py
from firmware_py.live.loop import Live
from firmware_py.live.site_models import Site, open_models
from firmware_py.replay import detect_in_file
from firmware_py.settings import ModelSettings, Settings
from firmware_py.settings.outputs import ChimeSettings

WORDS = Path(firmware_py.__file__).parent / "data" / "activate.flac"
SECONDS = 120
ROUNDS = 5


def quiet_room(rate_hz: int) -> NDArray[np.int16]:
    noise = np.random.default_rng(1).normal(0, 40, SECONDS * rate_hz)
    return np.rint(noise).astype(np.int16)


def speech(rate_hz: int) -> NDArray[np.int16]:
    words, words_rate_hz = soundfile.read(WORDS, dtype="int16")
    assert words_rate_hz == rate_hz
    return np.resize(words, SECONDS * rate_hz)


def live_cpu_seconds(site: Site, samples: NDArray[np.int16], rate_hz: int) -> float:
    began = time.process_time()
    sound = UnpacedSound([samples], rate_hz)
    live = Live(site, lambda: site, lambda _: None, sound)
    run_to_the_end(live, sound)
    live.close()
    assert measured(live, "audio_seconds_total") > SECONDS - 1
    return time.process_time() - began


@pytest.mark.slow
@pytest.mark.skipif(not WORDS.exists(), reason="no bundled recording")
@pytest.mark.parametrize(("sound", "bound"), [(quiet_room, 2.0), (speech, 3.0)])
def test_the_loop_costs_little_more_than_detect(sound, bound: float, tmp_path: Path) -> None:
    settings = Settings(model=(ModelSettings(),), chime=ChimeSettings(sound="off"))
    site = Site(settings, open_models(settings))
    (model,) = site.models
    rate_hz = model.artefact.metadata.front_end.sample_rate_hz
    samples = sound(rate_hz)
    path = tmp_path / "sound.wav"
    soundfile.write(path, samples, rate_hz)
    live, offline = [], []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _steps in detect_in_file(model.artefact, path, model.policy):
            pass
        offline.append(time.process_time() - began)
        live.append(live_cpu_seconds(site, samples, rate_hz))
    ratio = min(live) / min(offline)
    sys.stdout.write(
        f"{sound.__name__}: detect {min(offline) / SECONDS:.5f} of one core, live"
        f" {min(live) / SECONDS:.5f}, ratio {ratio:.2f}\n"
    )
    assert ratio < bound
