"""The microphone on ALSA's file plugin and on a real PulseAudio."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from virtual_sound import NO_SERVER, Pulse, alsa_file_config, beeps, pulse_server, write_wav

from firmware_py.errors import DeviceError
from firmware_py.settings import MicrophoneSettings
from firmware_py.sound.capture import QUEUE_SECONDS, STALE_SECONDS, Capture
from firmware_py.sound.microphone import Chunk, DeviceHungError, Microphone

pytest.importorskip("pyaudio")
from firmware_py.sound import portaudio
from firmware_py.sound.portaudio import PortAudio
from firmware_py.sound.system import StreamFormat

RATE_HZ = 16000


@pytest.fixture
def pulse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pulse]:
    with pulse_server(tmp_path) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def alsa_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NDArray[np.int16]:
    samples = beeps((0.5,), 1.0)
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(alsa_file_config(tmp_path, samples, RATE_HZ)))
    return samples


@pytest.fixture
def sound() -> Iterator[PortAudio]:
    sound = PortAudio()
    yield sound
    sound.stop()


def listen(microphone: Microphone, seconds: float) -> list[Chunk]:
    """Return what comes within the time."""
    chunks, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        chunk = microphone.read(0.1)
        if chunk:
            chunks.append(chunk)
    return chunks


def listen_until_open(microphone: Microphone, seconds: float = 90.0) -> Chunk:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        chunk = microphone.read(0.1)
        if chunk:
            return chunk
    raise AssertionError("no sound came")


def test_samples_are_those_of_the_device(
    alsa_file: NDArray[np.int16], sound: PortAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firmware_py.sound.capture.QUEUE_SECONDS", 1e6)  # faster than we read it
    microphone = Microphone(sound, MicrophoneSettings(), RATE_HZ)
    microphone.start()
    chunks = [listen_until_open(microphone)]
    while sum(len(chunk.samples) for chunk in chunks) < RATE_HZ:
        chunks.append(listen_until_open(microphone))
    heard = np.concatenate([chunk.samples for chunk in chunks])[:RATE_HZ]
    np.testing.assert_array_equal(heard, alsa_file)
    assert microphone.close(30.0)


def test_a_device_at_another_rate_is_resampled(
    alsa_file: NDArray[np.int16], sound: PortAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firmware_py.sound.capture.QUEUE_SECONDS", 1e6)  # faster than we read it
    settings = MicrophoneSettings(sample_rate_hz=48000)
    microphone = Microphone(sound, settings, RATE_HZ)
    microphone.start()
    chunks = [listen_until_open(microphone)]
    while sum(len(chunk.samples) for chunk in chunks) < RATE_HZ:
        chunks.append(listen_until_open(microphone))
    heard = np.concatenate([chunk.samples for chunk in chunks])[:RATE_HZ]
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(RATE_HZ)))
    assert abs(int(spectrum.argmax()) - 1175) <= 10


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (MicrophoneSettings(channel=1, num_channels=2), 1000),
        (MicrophoneSettings(channel=2), -3000),
        (MicrophoneSettings(channel=0, num_channels=2), -1000),
    ],
)
def test_one_channel_of_several_or_their_mean(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sound: PortAudio,
    settings: MicrophoneSettings,
    expected: int,
) -> None:
    stereo = np.tile(np.array([1000, -3000], np.int16), (RATE_HZ, 1))
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(alsa_file_config(tmp_path, stereo, RATE_HZ)))
    microphone = Microphone(sound, settings, RATE_HZ)
    microphone.start()
    samples = listen_until_open(microphone).samples
    assert set(samples.tolist()) == {expected}


def test_a_channel_without_sound_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sound: PortAudio,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("firmware_py.sound.channels.SILENT_SECONDS", 0.5)
    stereo = np.tile(np.array([0, -3000], np.int16), (RATE_HZ, 1))
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(alsa_file_config(tmp_path, stereo, RATE_HZ)))
    microphone = Microphone(sound, MicrophoneSettings(num_channels=2), RATE_HZ)
    microphone.start()
    for _ in range(10):
        listen_until_open(microphone)
    assert "channel 1 is silent, but channel 2 is not; set channel = 2" in caplog.text
    assert microphone.fault.startswith("channel 1 is silent")


def test_no_device_is_waited_for(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sound: PortAudio,
    caplog: pytest.LogCaptureFixture,
) -> None:
    config = tmp_path / "empty.conf"
    config.write_text(NO_SERVER)
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(config))
    microphone = Microphone(sound, MicrophoneSettings(), RATE_HZ)
    microphone.start()
    end = time.monotonic() + 90.0
    while "trying again" not in caplog.text:
        assert time.monotonic() < end
        assert microphone.read(0.1) is None
    assert "no sound" in caplog.text
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(alsa_file_config(tmp_path, beeps((), 1), RATE_HZ)))
    assert len(listen_until_open(microphone).samples)
    assert microphone.counters.reconnects >= 1


def test_an_index_past_the_end_is_an_error_not_a_crash(
    alsa_file: NDArray[np.int16], sound: PortAudio
) -> None:
    from dataclasses import replace

    sound.restart()
    device = replace(sound.devices("input")[0], index=99)
    with pytest.raises(DeviceError, match="device 99 is gone"):
        sound.open_input(StreamFormat(device, RATE_HZ, 1), 640, lambda *_: None)


def test_names_and_rates_that_do_not_exist(alsa_file: NDArray[np.int16], sound: PortAudio) -> None:
    sound.restart()
    with pytest.raises(DeviceError, match="no microphone has 'USB' in its name; there is 'default"):
        Capture(sound, MicrophoneSettings(device="USB"), RATE_HZ)
    device = sound.devices("input")[0]
    with pytest.raises(DeviceError, match="does not open at 1 Hz"):
        sound.open_input(StreamFormat(device, 1, 1), 640, lambda *_: None)
    with pytest.raises(DeviceError, match="does not open at 16000 Hz with 900 channels"):
        sound.open_input(StreamFormat(device, RATE_HZ, 900), 640, lambda *_: None)


def test_what_waited_too_long_is_dropped_and_counted(
    alsa_file: NDArray[np.int16], sound: PortAudio
) -> None:
    """The file plugin is faster than any listener: the queue is full, and memory bounded."""
    microphone = Microphone(sound, MicrophoneSettings(), RATE_HZ)
    microphone.start()
    listen_until_open(microphone)
    time.sleep(2 * STALE_SECONDS)
    assert microphone.queued_seconds < QUEUE_SECONDS + 1.0
    for _ in range(3):
        microphone.read(0.1)
    assert microphone.counters.dropped_samples > QUEUE_SECONDS * RATE_HZ
    assert microphone.counters.lost_seconds > QUEUE_SECONDS


def test_pulse_audio_killed_and_started_again(pulse: Pulse, sound: PortAudio) -> None:
    microphone = Microphone(sound, MicrophoneSettings(silence_seconds=1.0), RATE_HZ)
    microphone.start()
    listen_until_open(microphone)
    began = time.monotonic()
    before = listen(microphone, 2.0)
    pulse.stop()
    assert sum(len(chunk.samples) for chunk in listen(microphone, 4.0)) < RATE_HZ
    pulse.start()
    after = [listen_until_open(microphone), *listen(microphone, 5.0)]
    heard = sum(len(chunk.samples) / RATE_HZ + chunk.gap_seconds for chunk in before + after)
    assert heard == pytest.approx(after[-1].arrived - began, abs=2.0)  # wide: a busy machine
    assert microphone.counters.reconnects >= 1
    assert microphone.counters.lost_seconds > 3.0


def test_a_library_that_crashes_while_it_starts_again_ends_a_trial_only(
    alsa_file: NDArray[np.int16], sound: PortAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound.restart()
    monkeypatch.setattr(portaudio, "TRY_OUT", "import os; os.abort()")
    with pytest.raises(DeviceError, match="in a trial"):
        sound.restart()
    monkeypatch.setattr(portaudio, "TRY_OUT", "import time; time.sleep(60)")
    monkeypatch.setattr(portaudio, "TRY_OUT_SECONDS", 0.2)
    with pytest.raises(DeviceError, match="does not answer"):
        sound.restart()
    monkeypatch.undo()


def test_what_follows_a_try_out_hangs_after_three_times_as_long(
    alsa_file: NDArray[np.int16], sound: PortAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound.restart()
    assert sound.hang_seconds == 20.0
    for took, patience in ((0.0, 3.0), (2.0, 8.0), (9.0, 20.0)):
        clock = iter((100.0, 100.0 + took))
        monkeypatch.setattr(portaudio, "_try_out", lambda: None)
        monkeypatch.setattr(portaudio.time, "monotonic", lambda clock=clock: next(clock))
        sound._try_out()
        monkeypatch.undo()
        assert sound.hang_seconds == patience


@pytest.mark.slow
def test_a_sound_server_that_goes_and_comes(pulse: Pulse, sound: PortAudio) -> None:
    """`SOUND_SERVER_CYCLES=100` is the full length; prints how long it took to hear again."""
    microphone = Microphone(sound, MicrophoneSettings(), RATE_HZ)
    microphone.start()
    listen_until_open(microphone)
    took: list[float] = []
    resources: list[tuple[int, int]] = []
    rng = np.random.default_rng(1)
    for _ in range(int(os.environ.get("SOUND_SERVER_CYCLES", "10"))):
        pulse.stop()
        listen(microphone, float(rng.uniform(0.0, 3.0)))
        starting = threading.Thread(target=pulse.start)
        began = time.monotonic()
        starting.start()
        while not microphone.name:
            microphone.read(0.05)
        listen_until_open(microphone)
        took.append(time.monotonic() - began)
        starting.join()
        listen(microphone, float(rng.uniform(0.0, 1.0)))
        resources.append((threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))))
    sys.stdout.write(
        f"{len(took)} returns: heard again after {np.median(took):.1f} s, worst {max(took):.1f} s\n"
    )
    assert max(resources[1:]) <= max(resources[:3])


def test_the_tone_of_the_virtual_microphone_arrives(pulse: Pulse, sound: PortAudio) -> None:
    microphone = Microphone(sound, MicrophoneSettings(channel=2), RATE_HZ)
    microphone.start()
    listen_until_open(microphone)
    player = pulse.play(write_wav(pulse.folder / "tone.wav", beeps((0.2, 0.5, 0.8), 1.2)))
    chunks = listen(microphone, 1.0)
    while player.poll() is None:
        chunks += listen(microphone, 1.0)
    heard = np.concatenate([chunk.samples for chunk in [*chunks, *listen(microphone, 2.0)]])
    spectrum = np.abs(np.fft.rfft(heard))
    assert spectrum.argmax() * RATE_HZ / len(heard) == pytest.approx(1175, abs=5)


def test_a_library_that_hangs_is_given_up(
    alsa_file: NDArray[np.int16], sound: PortAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    microphone = Microphone(sound, MicrophoneSettings(), RATE_HZ)
    microphone.start()
    listen_until_open(microphone)
    sound.hang_seconds = 0.5
    gate = threading.Event()
    monkeypatch.setattr(sound, "stop", gate.wait)
    microphone.reconfigure(MicrophoneSettings(channel=1), RATE_HZ)
    with pytest.raises(DeviceHungError, match="hangs while it closes"):
        listen(microphone, 60.0)
    assert not microphone.close(0.1)
    gate.set()
    monkeypatch.undo()


def test_the_time_without_a_device_is_a_gap(alsa_file: NDArray[np.int16], sound: PortAudio) -> None:
    microphone = Microphone(sound, MicrophoneSettings(), RATE_HZ)
    microphone.start()
    last = listen_until_open(microphone)
    microphone.reconfigure(MicrophoneSettings(), RATE_HZ)
    time.sleep(1.0)
    first = listen_until_open(microphone)
    gap = first.arrived - last.arrived - len(first.samples) / RATE_HZ
    assert first.gap_seconds == pytest.approx(gap, abs=0.001)
    assert microphone.counters.lost_seconds >= first.gap_seconds
