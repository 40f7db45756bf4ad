"""Sound hardware for tests: ALSA's file plugin, and a real PulseAudio with null sinks."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

TO_MONO = "channels=1 channel_map=mono"
SIDE = "remix=no master_channel_map=front-"
PULSE_SCRIPT = f"""
load-module module-native-protocol-unix auth-anonymous=1
load-module module-null-sink sink_name=air rate=44100 channels=2
load-module module-remap-sink sink_name=mic master=air {TO_MONO} {SIDE}left
load-module module-remap-sink sink_name=spk master=air {TO_MONO} {SIDE}right
load-module module-remap-source source_name=micsrc master=air.monitor {TO_MONO}
set-default-source micsrc
set-default-sink spk
"""
"""A room: what is played into `mic` is the left channel of the air, what the speaker says the
right one, and the microphone hears both. A recording of the air shows both on one clock."""

NO_SERVER = 'pcm.!default{type pulse server "unix:/nonexistent/pulse"}\n'
"""An ALSA configuration in which nothing opens."""


def alsa_file_config(folder: Path, samples: NDArray[np.int16], rate_hz: int) -> Path:
    """Return an ALSA configuration whose microphone is `samples`, unpaced and without end.

    samples: [n], or [n, channels]. The plug is pinned to the rate: without it another rate gives
    the wrong pitch, silently.
    """
    (folder / "in.raw").write_bytes(samples.astype("<i2").tobytes())
    path = folder / "asound.conf"
    num_channels = samples.shape[1] if samples.ndim == 2 else 1
    plug = f"rate {rate_hz} channels {num_channels} format S16_LE"
    path.write_text(f"""
        pcm.null{{type null}}
        pcm.mic{{type file slave.pcm "null" file "/dev/null" infile "{folder}/in.raw" format "raw"}}
        pcm.spk{{type file slave.pcm "null" file "{folder}/out.wav" format "wav"}}
        pcm.!default{{type asym capture.pcm{{type plug slave{{pcm "mic" {plug}}}}}
                     playback.pcm{{type plug slave{{pcm "spk" {plug}}}}}}}
        """)
    return path


@dataclass
class Pulse:
    """A PulseAudio daemon with a room in it."""

    folder: Path
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "XDG_RUNTIME_DIR": str(self.folder),
            "HOME": str(self.folder),
            "PULSE_SERVER": f"unix:{self.folder}/pulse/native",
            "PULSE_LATENCY_MSEC": "30",  # ALSA's plugin would take seconds
            "ALSA_CONFIG_PATH": str(self.folder / "asound.conf"),
        }

    @property
    def _unhurried(self) -> dict[str, str]:
        """The environment of player and recorder, whose long buffers leave no gaps under load."""
        return {
            name: value for name, value in self.environment.items() if name != "PULSE_LATENCY_MSEC"
        }

    def start(self) -> None:
        (self.folder / "asound.conf").write_text(
            "pcm.!default{type pulse}\nctl.!default{type pulse}\n"
        )
        (self.folder / "pulse.pa").write_text(PULSE_SCRIPT)
        self.process = subprocess.Popen(
            [
                "pulseaudio",
                "-n",
                "-F",
                str(self.folder / "pulse.pa"),
                "--daemonize=no",
                "--exit-idle-time=-1",
                "--use-pid-file=no",
            ],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(600):
            if self.control("get-default-sink") == "spk":
                return
            time.sleep(0.1)
        raise RuntimeError("PulseAudio does not start")

    def stop(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def control(self, *words: str) -> str:
        done = subprocess.run(
            ["pactl", *words], env=self.environment, capture_output=True, text=True, timeout=120
        )
        return done.stdout.strip()

    def play(self, path: Path) -> "subprocess.Popen[bytes]":
        """Begin to play a recording into the microphone."""
        return subprocess.Popen(
            ["paplay", "-d", "mic", "--latency-msec=2000", str(path)], env=self._unhurried
        )

    @contextmanager
    def recording(self, path: Path) -> Iterator[None]:
        """Record the air: left what was played into the microphone, right the speaker."""
        process = subprocess.Popen(
            [
                "parecord",
                "-d",
                "air.monitor",
                "--rate=16000",
                "--channels=2",
                "--format=s16le",
                "--file-format=wav",
                "--latency-msec=2000",
                str(path),
            ],
            env=self._unhurried,
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait()


@contextmanager
def pulse_server(folder: Path) -> Iterator[Pulse]:
    """Run a PulseAudio, or skip the test where none is installed."""
    for program in ("pulseaudio", "pactl", "paplay", "parecord"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed (apt: pulseaudio pulseaudio-utils)")
    if not list(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so")):
        pytest.skip("ALSA's pulse plugin is not installed (apt: libasound2-plugins)")
    server = Pulse(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def beeps(starts: tuple[float, ...], seconds: float, rate_hz: int = 16000) -> NDArray[np.int16]:
    """Return faint noise with a quarter second of 1175 Hz at each start."""
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    samples = np.random.default_rng(3).normal(0, 60, len(times))
    for start in starts:
        heard = (times >= start) & (times < start + 0.25)
        samples[heard] += 6000 * np.sin(2 * np.pi * 1175 * times[heard])
    return np.rint(samples).astype(np.int16)


def write_wav(path: Path, samples: NDArray[np.int16], rate_hz: int = 16000) -> Path:
    soundfile.write(path, samples, rate_hz, "PCM_16")
    return path
