"""`trigger-word run` as a process of its own, in a room made by PulseAudio."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
import soundfile
from virtual_sound import NO_SERVER, Pulse, alsa_file_config, beeps, pulse_server, write_wav

import firmware_py

pytest.importorskip("pyaudio")

DATA = Path(__file__).parent / "data"
BEEP = str(DATA / "beep.tflite")
WORDS = Path(firmware_py.__file__).parent / "data" / "activate.flac"


class Running:
    """The daemon, what it says and what it logs."""

    def __init__(self, environment: dict[str, str], *arguments: str, prelude: str = "") -> None:
        """
        prelude: Python that runs before the command, to break something.
        """
        code = f"import sys\n{prelude}\nfrom firmware_py.__main__ import main\nsys.exit(main())"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, "run", "--json", *arguments],
            env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.events: list[dict[str, Any]] = []
        self.log = ""
        self._readers = [Thread(target=self._read_events), Thread(target=self._read_log)]
        for reader in self._readers:
            reader.start()

    def _read_events(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def _read_log(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.log += line

    def wait_for(self, condition: Callable[[], object], seconds: float = 30.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"it did not come; the log says:\n{self.log}"
            time.sleep(0.02)

    def wait_for_log(self, words: str) -> None:
        self.wait_for(lambda: words in self.log)

    def end(self, how: int = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.ended()

    def ended(self) -> int:
        code = self.process.wait(30)
        for reader in self._readers:
            reader.join()
        assert self.process.stdout
        assert self.process.stderr
        self.process.stdout.close()
        self.process.stderr.close()
        return code


@contextmanager
def running(environment: dict[str, str], *arguments: str, prelude: str = "") -> Iterator[Running]:
    daemon = Running(environment, *arguments, prelude=prelude)
    try:
        yield daemon
    finally:
        if daemon.process.poll() is None:
            daemon.end(signal.SIGKILL)


@pytest.fixture
def pulse(tmp_path: Path) -> Iterator[Pulse]:
    with pulse_server(tmp_path) as server:
        yield server


@pytest.fixture
def without_sound(tmp_path: Path) -> dict[str, str]:
    config = tmp_path / "none.conf"
    config.write_text(NO_SERVER)
    return {**os.environ, "ALSA_CONFIG_PATH": str(config)}


def say(pulse: Pulse, *starts: float, seconds: float = 0.0) -> None:
    """Play beeps into the microphone, to the end."""
    samples = beeps(starts, seconds or max(starts) + 0.5)
    assert pulse.play(write_wav(pulse.folder / "said.wav", samples)).wait() == 0


def write_settings(folder: Path, text: str) -> Path:
    path = folder / "site.toml"
    path.write_text(f"[[model]]\npath = {json.dumps(BEEP)}\n{text}")
    return path


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


def test_each_word_is_answered_once_with_a_chime(pulse: Pulse) -> None:
    """The microphone hears the chime, whose tone the model detects: only muting prevents that."""
    with running(pulse.environment, "--model", BEEP) as daemon:
        daemon.wait_for_log("listening to")
        with pulse.recording(pulse.folder / "air.wav"):
            time.sleep(1.0)
            say(pulse, 0.5, 2.5, 4.5, seconds=6.0)
            time.sleep(1.0)
        assert daemon.end() == 0
    assert [event["label"] for event in daemon.events] == ["beep"] * 3
    gaps = np.diff([event["time_seconds"] for event in daemon.events])
    np.testing.assert_allclose(gaps, 2.0, atol=0.1)
    assert len(chime_onsets(pulse.folder / "air.wav")) == 3
    assert "ALSA" not in daemon.log
    assert "jack" not in daemon.log


def test_without_muting_the_chime_answers_itself(pulse: Pulse) -> None:
    """The control of the test above."""
    deaf = "from firmware_py.outputs.mute import Mute\nMute.covers = lambda *_: False"
    with running(pulse.environment, "--model", BEEP, prelude=deaf) as daemon:
        daemon.wait_for_log("listening to")
        with pulse.recording(pulse.folder / "air.wav"):
            say(pulse, 0.5, seconds=1.0)
            daemon.wait_for(lambda: len(daemon.events) >= 3)
        assert daemon.end() == 0


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


def test_settings_are_read_again_and_bad_ones_are_not(pulse: Pulse) -> None:
    path = write_settings(pulse.folder, "[chime]\nsound = 'off'\n")
    with running(pulse.environment, "--settings", str(path)) as daemon:
        daemon.wait_for_log("listening to")
        say(pulse, 1.5)
        daemon.wait_for(lambda: len(daemon.events) == 1)
        path.write_text("[chime]\nsuond = 'off'\n")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for_log("the settings stay as they were")
        assert "did you mean 'sound'" in daemon.log
        write_settings(pulse.folder, "threshold = 0.9\n[chime]\nsound = 'off'\n"
                       "[[gpio]]\nbackend = 'mock'\nline = 'LAMP'\nmode = 'toggle'")  # fmt: skip
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for_log("settings and models are read again")
        say(pulse, 0.5)
        daemon.wait_for_log("mock LAMP is on")
        assert len(daemon.events) == 2
        assert daemon.log.count("listening to") == 1  # the microphone stayed open
        write_settings(pulse.folder, "[chime]\nsound = 'off'\n[[gpio]]\nline = 'NO SUCH LINE'")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for(lambda: daemon.log.count("the settings stay as they were") == 2)
        say(pulse, 0.5)
        daemon.wait_for_log("mock LAMP is off")
        assert daemon.end() == 0
    assert len(daemon.events) == 3


def test_service_manager_metrics_and_a_lost_server(pulse: Pulse) -> None:
    """The watchdog is fed while sound comes, and only then."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(pulse.folder / "notify"))
    manager.settimeout(20)
    environment = {**pulse.environment, "NOTIFY_SOCKET": str(pulse.folder / "notify"),
                   "WATCHDOG_USEC": "400000"}  # fmt: skip
    path = write_settings(
        pulse.folder, f"[service]\nmetrics_port = {port}\nlog_format = 'json'\n"
        "[microphone]\nsilence_seconds = 1.0\n[chime]\nsound = 'off'\n",
    )  # fmt: skip

    def metric(name: str) -> float:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        return float(next(line.split()[-1] for line in lines if line.startswith(name)))

    with running(environment, "--settings", str(path)) as daemon:
        assert manager.recv(4096) == b"READY=1"
        assert manager.recv(4096) == b"WATCHDOG=1"
        assert manager.recv(4096).startswith(b"STATUS=listening to 'default")
        say(pulse, 1.0)
        daemon.wait_for(lambda: daemon.events)
        assert metric('trigger_word_detections_total{label="beep"}') == 1
        assert 0 < metric("trigger_word_real_time_factor") < 1
        pulse.stop()
        daemon.wait_for_log("no samples for")
        manager.setblocking(False)
        with suppress(BlockingIOError):
            while manager.recv(4096):
                pass
        time.sleep(0.5)
        with pytest.raises(BlockingIOError):
            manager.recv(4096)
        assert metric("trigger_word_microphone_up") == 0
        pulse.start()
        manager.settimeout(30)
        assert manager.recv(4096) == b"WATCHDOG=1"
        assert metric("trigger_word_reconnects_total") >= 1
        say(pulse, 0.5)
        daemon.wait_for(lambda: len(daemon.events) == 2)
        assert daemon.end() == 0
    manager.close()
    assert all(json.loads(line) for line in daemon.log.splitlines())


def test_a_library_that_hangs_ends_with_75_and_safe_pins(pulse: Pulse) -> None:
    hang = (
        "import time, firmware_py.sound.microphone as m, firmware_py.sound.portaudio as p\n"
        "m.HANG_SECONDS = 0.5\n"
        "p.PortAudio.stop = lambda self: time.sleep(60) if self.generation else None"
    )
    path = write_settings(
        pulse.folder, "[microphone]\nsilence_seconds = 1.0\n[chime]\nsound = 'off'\n"
        "[[gpio]]\nbackend = 'mock'\nline = 'LAMP'\npulse_seconds = 60.0",
    )  # fmt: skip
    with running(pulse.environment, "--settings", str(path), prelude=hang) as daemon:
        daemon.wait_for_log("listening to")
        say(pulse, 1.5)
        daemon.wait_for_log("mock LAMP is on")
        pulse.stop()
        assert daemon.ended() == 75
    assert daemon.log.index("the sound library hangs") < daemon.log.index("mock LAMP is off")


def test_ends_at_once_while_there_is_no_microphone(without_sound: dict[str, str]) -> None:
    with running(without_sound, "--model", BEEP) as daemon:
        daemon.wait_for_log("no sound: no microphone found")
        assert daemon.end(signal.SIGINT) == 0


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


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("[chime]\nsound = 'none.wav'", "none.wav: there is no such file"),
        ("[chime]\nlabels = ['bepe']", "no model has the label 'bepe'; there is beep"),
        ("operating_point = 'lax'", "has no operating point 'lax'; known: strict"),
        ("[mqtt]\ncredentials_file = 'none'", "cannot read the credentials"),
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
    return subprocess.run([sys.executable, "-m", "firmware_py", *words], env=environment,
                          capture_output=True, text=True, timeout=60)  # fmt: skip


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
    config = alsa_file_config(tmp_path, beeps((0.2,), 1.0), 16000)
    done = command({**os.environ, "ALSA_CONFIG_PATH": str(config)}, "check", "--json",
                   "--settings", str(path))  # fmt: skip
    results = {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}
    for name in ("model", "sound", "microphone", "chime", "pin LAMP"):
        assert results[name]["verdict"] == "ok", results[name]
    assert "level -2" in results["microphone"]["text"]
    assert done.returncode == 0
    done = command(without_sound, "check", "--settings", str(path))
    assert done.returncode == 1
    assert "failed   microphone   no microphone found" in done.stdout


def test_print_settings_and_safe(tmp_path: Path, without_sound: dict[str, str]) -> None:
    done = command(without_sound, "run", "--print-settings")
    assert done.returncode == 0
    (tmp_path / "site.toml").write_text(done.stdout)
    assert command(without_sound, "safe", "--settings", str(tmp_path / "site.toml")).returncode == 0
    path = write_settings(tmp_path, "[[gpio]]\nline = 'NO SUCH LINE'")
    done = command(without_sound, "safe", "--settings", str(path))
    assert done.returncode == 1
    assert "no such line" in done.stderr
