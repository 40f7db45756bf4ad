"""`trigger-word run` as a process of its own, in a room made by PulseAudio."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from running_daemon import BEEP, running, say, write_settings
from virtual_sound import Pulse, alsa_file_config, beeps

import firmware_py

pytest.importorskip("pyaudio")

WORDS = Path(firmware_py.__file__).parent / "data" / "activate.flac"


def chime_onsets(path: Path) -> list[float]:
    """Return when the speaker began to speak after a second of silence, in seconds.

    On a busy machine a chime may stutter.
    """
    samples, rate_hz = soundfile.read(path)
    loud = np.flatnonzero(np.abs(samples[:, 1]) > 0.01)
    if not len(loud):
        return []
    first = np.flatnonzero(np.diff(loud, prepend=-2 * rate_hz) > rate_hz)
    return [float(loud[index]) / rate_hz for index in first]


PATIENT = (
    "import firmware_py.live.loop as loop, firmware_py.outputs.speaker as speaker\n"
    "loop.ANSWER_SECONDS = speaker.HANG_SECONDS = 60.0"
)
"""However busy the machine, a word is answered, and a chime that stutters is played to its end."""


def test_each_word_is_answered_once_with_a_chime(pulse: Pulse) -> None:
    """The microphone hears the chime, whose tone the model detects: only muting prevents that."""
    with running(pulse.environment, "--model", BEEP, prelude=PATIENT) as daemon:
        daemon.wait_for_log("listening to")
        with pulse.recording(pulse.folder / "air.wav"):
            time.sleep(1.0)
            for said in range(1, 11):
                say(pulse, 0.5, seconds=4.0)  # on a busy machine the last chime may still play
                assert len(daemon.events) <= said
                if len(daemon.events) >= 3:
                    break
            time.sleep(2.0)
        assert daemon.end() == 0
    assert [event["label"] for event in daemon.events] == ["beep"] * 3
    assert len(chime_onsets(pulse.folder / "air.wav")) >= 3  # one that stutters long is two
    assert "ALSA" not in daemon.log
    assert "jack" not in daemon.log


def test_without_muting_the_chime_answers_itself(pulse: Pulse) -> None:
    """The control of the test above. On a busy machine a chime may be too broken to be heard."""
    deaf = "from firmware_py.outputs.mute import Mute\nMute.covers = lambda *_: False"
    with running(pulse.environment, "--model", BEEP, prelude=deaf) as daemon:
        daemon.wait_for_log("listening to")
        for said in range(1, 9):
            say(pulse, 0.5, seconds=3.0)
            if len(daemon.events) > said:
                break
        assert daemon.end() == 0
    assert len(daemon.events) > said


def test_killed_and_started_again(pulse: Pulse) -> None:
    for _ in range(2):
        with running(pulse.environment, "--model", BEEP) as daemon:
            daemon.wait_for_log("listening to")
            say(pulse, 1.5)
            daemon.wait_for(lambda: daemon.events)
            assert daemon.end(signal.SIGKILL) == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.skipif(not WORDS.exists(), reason="no bundled recording")
def test_real_words_with_a_kill_in_the_middle(pulse: Pulse) -> None:
    """Each word of the recording is answered; when it ends and when the chime begins is printed."""
    words = json.loads(WORDS.with_suffix(".json").read_text())
    delays: list[float] = []
    for _ in range(2):
        with running(pulse.environment) as daemon:
            daemon.wait_for_log("listening to")
            with pulse.recording(pulse.folder / "air.wav"):
                time.sleep(1.0)
                assert pulse.play(WORDS).wait() == 0
                time.sleep(1.0)
            assert daemon.end(signal.SIGKILL) == -signal.SIGKILL
        assert [event["label"] for event in daemon.events] == ["activate"] * len(words)
        onsets = chime_onsets(pulse.folder / "air.wav")
        assert len(onsets) == len(words)
        start = place_of(WORDS, pulse.folder / "air.wav")
        ends = [start + word["end_seconds"] for word in words]
        delays += [onset - end for onset, end in zip(onsets, ends, strict=True)]
    median, worst = np.median(delays), max(delays)
    sys.stdout.write(f"from the end of a word to its chime: {median:.3f} s, worst {worst:.3f} s\n")


def place_of(recording: Path, air: Path) -> float:
    """Return when the recording began in the left channel of the air, in seconds."""
    heard, rate_hz = soundfile.read(air)
    played, played_rate_hz = soundfile.read(recording)
    assert rate_hz == played_rate_hz
    size = 1 << (len(heard) + len(played)).bit_length()
    spectrum = np.fft.rfft(heard[:, 0], size) * np.conj(np.fft.rfft(played, size))
    return float(np.fft.irfft(spectrum)[: len(heard)].argmax()) / rate_hz


@pytest.mark.parametrize(
    ("module", "settings", "words"),
    [
        ("pyaudio", "", "pip install 'trigger-word[live]'"),
        ("paho", "[mqtt]", "[mqtt] needs paho"),
        ("wyoming", "[wyoming]", "pip install 'trigger-word[wyoming]'"),
        ("gpiod", "[[gpio]]", "pip install 'trigger-word[gpio]'"),
    ],
)
def test_a_missing_extra_is_one_line(
    without_sound: dict[str, str], tmp_path: Path, module: str, settings: str, words: str
) -> None:
    path = write_settings(tmp_path, settings)
    missing = f"sys.modules[{module!r}] = None"
    with running(without_sound, "--settings", str(path), prelude=missing) as daemon:
        assert daemon.ended() == 2
    assert words in daemon.log
    assert len(daemon.log.splitlines()) == 1


TWO_COMMANDS = """
[[command]]
program = ["true", "1"]
labels = ["bepe"]

[[command]]
program = ["true", "2"]
labels = ["beep"]
"""


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("[chime]\nsound = 'none.wav'", "none.wav: there is no such file"),
        ("[chime]\nlabels = ['bepe']", "no model has the label 'bepe'; there is beep"),
        (TWO_COMMANDS, "command true: no model has the label 'bepe'"),
        ("operating_point = 'lax'", "has no operating point 'lax'; known: strict"),
        ("[mqtt]\ncredentials_file = 'none'", "none: cannot read the secret"),
        ("[microphoen]", "did you mean 'microphone'"),
    ],
)
def test_bad_settings_are_one_line(
    without_sound: dict[str, str], tmp_path: Path, settings: str, words: str
) -> None:
    path = write_settings(tmp_path, settings)
    with running(without_sound, "--settings", str(path)) as daemon:
        assert daemon.ended() == 2
    assert words in daemon.log
    assert len(daemon.log.splitlines()) == 1


def command(environment: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "firmware_py", *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_devices(pulse: Pulse, without_sound: dict[str, str]) -> None:
    done = command(pulse.environment, "devices", "--json")
    assert done.returncode == 0
    assert done.stderr == ""
    devices = [json.loads(line) for line in done.stdout.splitlines()]
    assert [device["kind"] for device in devices] == ["microphone", "speaker"]
    assert {16000, 44100, 48000} <= set(devices[0]["rates_hz"])
    assert devices[0]["default"]
    done = command(without_sound, "devices")
    assert done.returncode == 1
    assert done.stdout == "no microphone and no speaker\n"


def test_check(tmp_path: Path, without_sound: dict[str, str]) -> None:
    path = write_settings(tmp_path, "[[gpio]]\nbackend = 'mock'\nline = 'LAMP'\n")
    tone = beeps((0.0, 0.25, 0.5, 0.75), 1.0)  # as loud in every part of it
    config = alsa_file_config(tmp_path, tone, 16000)
    done = command(
        {**os.environ, "ALSA_CONFIG_PATH": str(config)}, "check", "--json", "--settings", str(path)
    )
    results = {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}
    for name in ("model", "sound", "microphone", "chime", "pin LAMP"):
        assert results[name]["verdict"] == "ok", results[name]
    assert "level -18 dBFS" in results["microphone"]["text"]
    assert done.returncode == 0
    done = command(without_sound, "check", "--settings", str(path))
    assert done.returncode == 1
    assert "failed   microphone   no microphone found" in done.stdout


def test_check_and_test_outputs_name_each_output(
    tmp_path: Path, without_sound: dict[str, str]
) -> None:
    path = write_settings(
        tmp_path,
        f"[chime]\nsound = 'off'\n[[command]]\nprogram = ['touch', '{tmp_path}/told']\n"
        "[[command]]\nprogram = ['no-such-program']\n[mqtt]\nhost = '127.0.0.1'\nport = 1\n",
    )
    done = command(without_sound, "check", "--json", "--settings", str(path))
    verdicts = {row["name"]: row["verdict"] for row in map(json.loads, done.stdout.splitlines())}
    assert verdicts["command touch"] == "ok"
    assert verdicts["command no-such-program"] == verdicts["mqtt"] == "failed"
    assert not (tmp_path / "told").exists()
    done = command(without_sound, "test-outputs", "--settings", str(path))
    assert done.returncode == 1
    assert "ok       command touch answered 'beep'" in done.stdout
    assert "failed   command no-such-program" in done.stdout
    assert "nothing listens on 127.0.0.1:1" in done.stdout
    assert "Traceback" not in done.stderr
    assert (tmp_path / "told").exists()


def test_print_settings_and_safe(tmp_path: Path, without_sound: dict[str, str]) -> None:
    done = command(without_sound, "run", "--print-settings")
    assert done.returncode == 0
    (tmp_path / "site.toml").write_text(done.stdout)
    assert command(without_sound, "safe", "--settings", str(tmp_path / "site.toml")).returncode == 0
    path = write_settings(tmp_path, "[[gpio]]\nline = 'NO SUCH LINE'")
    done = command(without_sound, "safe", "--settings", str(path))
    assert done.returncode == 1
    assert "no such line" in done.stderr
