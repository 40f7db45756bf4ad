"""`bench --loopback` through a real PulseAudio whose microphone hears its speaker."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from virtual_sound import NO_SERVER, Pulse, beeps, pulse_server

from firmware_py.bench.loopback import LEAST_CORRELATION, find
from firmware_py.bench.table import describe_loopback
from firmware_py.interpreter import installed_runtimes

pytest.importorskip("pyaudio")

BEEP = Path(__file__).parent / "data" / "beep.tflite"
STARTS = (0.5, 3.0)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seconds with two beeps, at another rate than the model's."""
    path = tmp_path_factory.mktemp("loopback") / "beeps.wav"
    soundfile.write(path, beeps(STARTS, 5.0, 48000), 48000, "PCM_16")
    words = [
        {"label": "beep", "start_seconds": start, "end_seconds": start + 0.25} for start in STARTS
    ]
    path.with_suffix(".json").write_text(json.dumps(words))
    return path


@pytest.fixture
def pulse(tmp_path: Path) -> Iterator[Pulse]:
    with pulse_server(tmp_path) as server:
        yield server


def bench(
    environment: dict[str, str] | None, *arguments: object
) -> "subprocess.CompletedProcess[str]":
    command = [
        sys.executable,
        "-m",
        "firmware_py",
        "bench",
        BEEP,
        "--loopback",
        "--seconds",
        2,
        "--runtime",
        installed_runtimes()[0],
        *arguments,
    ]
    return subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env=environment,
    )


@pytest.mark.slow  # it measures real time
def test_the_round_trip_is_timed(pulse: Pulse, recording: Path) -> None:
    done = bench(pulse.environment, "--audio", recording, "--json")
    assert done.returncode == 0, done.stderr
    (row,) = map(json.loads, done.stdout.splitlines())
    trip = row["loopback"]
    latency = trip["word_latency_ms"]
    assert (latency["num_heard"], latency["num_words"]) == (2, 2)
    # A word is heard after its sound came, but this model fires a little before the word ends;
    # no outputs are called later than the words' limit.
    assert 0 < trip["sound_ms"] < latency["worst"] + 250 < 1750


def test_a_microphone_that_hears_nothing_is_exit_1(pulse: Pulse, recording: Path) -> None:
    pulse.control("set-sink-mute", "spk", "1")
    done = bench(pulse.environment, "--audio", recording)
    assert done.returncode == 1, done.stderr
    assert "nothing of it was heard" in done.stdout
    assert "no word was heard" in done.stderr


def test_without_a_sound_server_it_is_a_device_that_is_gone(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "asound.conf").write_text(NO_SERVER)
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(tmp_path / "asound.conf"))
    done = bench(None, "--audio", recording)
    assert done.returncode == 75
    assert len(done.stderr.strip().splitlines()[-1]) < 200


def test_a_recording_without_words_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "noise.wav"
    soundfile.write(path, beeps((), 3.0), 16000, "PCM_16")
    done = bench(None, "--audio", path)
    assert done.returncode == 2
    assert "noise.json" in done.stderr


def test_a_sound_is_found_where_it_is() -> None:
    rng = np.random.default_rng(0)
    wanted = rng.normal(0, 3000, 8000).astype(np.int16)
    heard = rng.normal(0, 1000, 32000)
    heard[12345:20345] += 0.5 * wanted
    lag, likeness = find(wanted, heard.astype(np.int16))
    part = heard[12345:20345]
    expected = np.corrcoef(wanted, part)[0, 1]
    assert lag == 12345
    assert likeness == pytest.approx(expected, abs=0.01)
    assert find(wanted, rng.normal(0, 1000, 32000).astype(np.int16))[1] < LEAST_CORRELATION
    assert find(wanted, np.zeros(32000, np.int16))[1] == 0.0


def test_the_line_for_people() -> None:
    from firmware_py.bench.loopback import Loopback
    from firmware_py.bench.word_latency import WordLatency

    text = describe_loopback(Loopback("mic", "spk", 41.4, WordLatency(90.0, 120.0, 2, 3)))
    assert text.startswith("from 'spk' to 'mic': sound 41 ms, ")
    assert text.endswith("end of a word to outputs 90, at most 120 (2 of 3) ms")
