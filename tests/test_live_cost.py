"""What listening costs: the whole loop against `detect` on the same sound, in CPU seconds.

Under load the ratio scatters by a fifth, so the bound is wide: it finds a thread that spins and
work that is done twice. `pytest -s` prints what was measured.
"""

import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

import firmware_py
from firmware_py.replay import detect_in_file
from firmware_py.settings import ModelSettings, Settings
from firmware_py.settings.outputs import ChimeSettings

pytest.importorskip("pyaudio")
from unpaced_sound import UnpacedSound

from firmware_py.live import loop
from firmware_py.live.loop import Live
from firmware_py.live.site_models import Site, open_models

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


def live_cpu_seconds(
    monkeypatch: pytest.MonkeyPatch, site: Site, samples: NDArray[np.int16], rate_hz: int
) -> float:
    began = time.process_time()
    monkeypatch.setattr(loop, "PortAudio", lambda: UnpacedSound([samples], rate_hz))
    live = Live(site, lambda: site, lambda _: None)
    sound = live._sound
    assert isinstance(sound, UnpacedSound)
    sound.listener = live._microphone

    def stop_at_the_end() -> None:
        sound.finished.wait()
        while live._microphone.queued_seconds:
            time.sleep(0.02)
        live.stop()

    threading.Thread(target=stop_at_the_end, daemon=True).start()
    live.run()
    live.close()
    assert live._listener.time_seconds == len(samples) / rate_hz
    return time.process_time() - began


@pytest.mark.slow
@pytest.mark.skipif(not WORDS.exists(), reason="no bundled recording")
@pytest.mark.parametrize(("sound", "bound"), [(quiet_room, 2.0), (speech, 3.0)])
def test_the_loop_costs_little_more_than_detect(
    sound, bound: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
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
        live.append(live_cpu_seconds(monkeypatch, site, samples, rate_hz))
    ratio = min(live) / min(offline)
    sys.stdout.write(
        f"{sound.__name__}: detect {min(offline) / SECONDS:.5f} of one core, live"
        f" {min(live) / SECONDS:.5f}, ratio {ratio:.2f}\n"
    )
    assert ratio < bound
