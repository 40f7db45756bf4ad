"""The loop of `trigger-word run`: reloading, slow outputs, the service manager, lost sound."""

import io
import json
import re
import signal
import socket
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from running_daemon import BEEP, running, say, write_settings
from virtual_sound import Pulse, beeps, write_wav

pytest.importorskip("pyaudio")


@contextmanager
def service_manager(folder: Path) -> Iterator[socket.socket]:
    """Open the socket that systemd would."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(folder / "notify"))
        manager.settimeout(60)
        yield manager


def await_message(manager: socket.socket, start: bytes) -> None:
    told = []
    end = time.monotonic() + 90
    while not (told and told[-1].startswith(start)):
        assert time.monotonic() < end, told
        told.append(manager.recv(4096))


def messages_now(manager: socket.socket) -> list[bytes]:
    """Return what has been sent and not been read."""
    messages = []
    manager.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            messages.append(manager.recv(4096))
    manager.settimeout(60)
    return messages


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_settings_are_read_again_and_bad_ones_are_not(pulse: Pulse) -> None:
    path = write_settings(pulse.folder, "[chime]\nsound = 'off'\n")
    with running(pulse.environment, "--settings", str(path)) as daemon:
        daemon.wait_for_log("listening to")
        say(pulse, 1.5)
        daemon.wait_for(lambda: len(daemon.events) == 1)
        path.write_text("[chime]\nsuond = 'off'\n")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for_log("the settings stay as they were")
        daemon.wait_for_log("did you mean 'sound'")
        write_settings(
            pulse.folder,
            "threshold = 0.9\n[chime]\nsound = 'off'\n"
            "[[gpio]]\nbackend = 'mock'\nline = 'LAMP'\nmode = 'toggle'",
        )
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for_log("settings and models are read again")
        say(pulse, 0.5)
        daemon.wait_for_log("mock LAMP is on")
        daemon.wait_for(lambda: len(daemon.events) == 2)
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
    port = free_port()
    environment = {
        **pulse.environment,
        "NOTIFY_SOCKET": str(pulse.folder / "notify"),
        "WATCHDOG_USEC": "400000",
    }
    path = write_settings(
        pulse.folder,
        f"[service]\nmetrics_port = {port}\nlog_format = 'json'\n"
        "[microphone]\nsilence_seconds = 1.0\n[chime]\nsound = 'off'\n",
    )

    def metric(name: str) -> float:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        return float(next(line.split()[-1] for line in lines if line.startswith(name)))

    with (
        service_manager(pulse.folder) as manager,
        running(environment, "--settings", str(path)) as daemon,
    ):
        await_message(manager, b"READY=1")
        await_message(manager, b"WATCHDOG=1")
        await_message(manager, b"STATUS=listening to 'default")
        say(pulse, 1.0)
        daemon.wait_for(lambda: daemon.events)
        assert metric('trigger_word_detections_total{label="beep"}') == 1
        assert 0 < metric("trigger_word_real_time_factor") < 1
        pulse.stop()
        daemon.wait_for_log("opening it again")
        messages_now(manager)
        time.sleep(0.5)
        assert b"WATCHDOG=1" not in messages_now(manager)
        assert metric("trigger_word_microphone_up") == 0
        pulse.start()
        await_message(manager, b"WATCHDOG=1")
        assert metric("trigger_word_reconnects_total") >= 1
        say(pulse, 0.5)
        daemon.wait_for(lambda: len(daemon.events) == 2)
        assert daemon.end() == 0
    assert all(json.loads(line) for line in daemon.log.splitlines())


def test_a_library_that_hangs_ends_with_75_and_safe_pins(pulse: Pulse) -> None:
    hang = (
        "import time, firmware_py.sound.portaudio as p\n"
        "p.PortAudio.hang_seconds = 0.5\n"
        "p.PortAudio.stop = lambda self: time.sleep(60) if self.generation else None"
    )
    path = write_settings(
        pulse.folder,
        "[microphone]\nsilence_seconds = 1.0\n[chime]\nsound = 'off'\n"
        "[[gpio]]\nbackend = 'mock'\nline = 'LAMP'\npulse_seconds = 60.0",
    )
    with running(pulse.environment, "--settings", str(path), prelude=hang) as daemon:
        daemon.wait_for_log("listening to")
        say(pulse, 1.5)
        daemon.wait_for_log("mock LAMP is on")
        pulse.stop()
        assert daemon.ended() == 75
    assert daemon.log.index("the sound library hangs") < daemon.log.index("mock LAMP is off")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_without_a_microphone_it_says_so_and_ends_at_once(
    without_sound: dict[str, str], tmp_path: Path, how: int
) -> None:
    with service_manager(tmp_path) as manager:
        environment = {**without_sound, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        with running(environment, "--model", BEEP) as daemon:
            await_message(manager, b"STATUS=deaf: no microphone is open")
            daemon.wait_for_log("no sound: no microphone found")
            assert daemon.end(how) == 0
        await_message(manager, b"STOPPING=1")


def test_words_while_the_settings_are_read_again(pulse: Pulse) -> None:
    """Another threshold at every word, and the microphone stays open."""
    path = write_settings(pulse.folder, "[chime]\nsound = 'off'\n")
    said = write_wav(pulse.folder / "said.wav", beeps((1.0, 3.0, 5.0, 7.0), 8.0))
    with running(pulse.environment, "--settings", str(path)) as daemon:
        daemon.wait_for_log("listening to")
        player = pulse.play(said)
        for number in range(12):
            write_settings(pulse.folder, f"threshold = 0.{50 + number}\n[chime]\nsound = 'off'\n")
            daemon.process.send_signal(signal.SIGHUP)
            again = number + 1
            daemon.wait_for(lambda again=again: daemon.log.count("are read again") == again)
            time.sleep(0.6)
        assert player.wait() == 0
        daemon.wait_for(lambda: len(daemon.events) == 4)
        assert daemon.end() == 0
    assert len(daemon.events) == 4
    assert daemon.log.count("listening to") == 1


@pytest.mark.parametrize("content", [b"no model", None])
def test_a_bad_model_on_reload_keeps_the_old_one(pulse: Pulse, content: bytes | None) -> None:
    """None: a network that metadata describe wrongly, which shows only when it is opened."""
    path = write_settings(pulse.folder, "[chime]\nsound = 'off'\n")
    bad = pulse.folder / "bad.tflite"
    bad.write_bytes(content or broken_network())
    with running(pulse.environment, "--settings", str(path)) as daemon:
        daemon.wait_for_log("listening to")
        path.write_text(
            f"[[model]]\npath = {json.dumps(str(bad))}\n[[gpio]]\nbackend = 'mock'\nline = 'LAMP'"
        )
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for_log("the settings stay as they were")
        say(pulse, 0.5)
        daemon.wait_for(lambda: daemon.events)
        assert daemon.end() == 0
    assert "LAMP" not in daemon.log
    assert str(bad) in daemon.log


def broken_network() -> bytes:
    """Return an artefact whose metadata name a tensor that the network lacks."""
    with zipfile.ZipFile(BEEP) as archive:
        metadata = json.loads(archive.read("metadata.json"))
        network_bytes = Path(BEEP).read_bytes()[: archive.infolist()[0].header_offset]
    metadata["network"]["tensors"]["frames"] = "no such tensor"
    appended = io.BytesIO(network_bytes)
    appended.seek(0, io.SEEK_END)
    with zipfile.ZipFile(appended, "a") as archive:
        archive.writestr("metadata.json", json.dumps(metadata))
    return appended.getvalue()


def test_outputs_that_hang_delay_no_other(pulse: Pulse) -> None:
    """A web server that never answers, a program that never ends, a broker that is not there."""
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        path = write_settings(
            pulse.folder,
            f"[[webhook]]\nurl = 'http://127.0.0.1:{hanging.getsockname()[1]}/'\n"
            "timeout_seconds = 300.0\n"
            "[[command]]\nprogram = ['sleep', '300']\ntimeout_seconds = 300.0\n"
            f"[mqtt]\nhost = '127.0.0.1'\nport = {free_port()}\n"
            "[[gpio]]\nbackend = 'mock'\nline = 'LAMP'\npulse_seconds = 60.0\n",
        )
        with running(pulse.environment, "--settings", str(path)) as daemon:
            daemon.wait_for_log("listening to")
            say(pulse, 0.5, 3.0, 5.5)
            daemon.wait_for(lambda: daemon.log.count("mock LAMP is on") == 3)
            daemon.wait_for(lambda: len(daemon.events) == 3)
            assert daemon.end() == 0
    # Without a broker paho sleeps up to a second between attempts, and the third chime may still
    # be playing; those that hang are given up in time.
    left = {
        name for line in re.findall("left behind: (.*)", daemon.log) for name in line.split(", ")
    }
    assert left <= {"mqtt", "chime"}
    assert "LAMP is off" in daemon.log
