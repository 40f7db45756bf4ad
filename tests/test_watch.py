"""`trigger-word watch`: the terminal's view of a running service."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from running_daemon import write_settings
from virtual_sound import Pulse, beeps, write_wav

from firmware_py.commands.watch import event_lines, level_bar, sound_line
from firmware_py.errors import DeviceError
from firmware_py.monitor.broadcast import Broadcast
from firmware_py.monitor.watch_socket import MOST_WATCHERS, WatchSocket, socket_path, watch

SOUND = {
    "type": "sound",
    "level": -20.0,
    "peak": 0.0,
    "scores": [{"model": "m", "label": "beep", "score": 0.25, "threshold": 0.5}],
}


def until(condition: Any) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_watcher_gets_what_is_heard_and_costs_nothing_when_gone(tmp_path: Path) -> None:
    broadcast = Broadcast()
    served = WatchSocket(tmp_path / "watch.sock", broadcast)
    assert served.path.stat().st_mode & 0o777 == 0o660
    messages = watch(served.path)
    got: list[dict[str, Any]] = []
    reader = threading.Thread(target=lambda: got.append(next(messages)))
    reader.start()
    until(lambda: broadcast.is_watched)
    broadcast.send({**SOUND, "data": "a picture, which terminals do not show"})
    reader.join(60)
    assert got == [SOUND]
    messages.close()
    until(lambda: broadcast.send(SOUND) or not broadcast.is_watched)
    served.close()
    assert not served.path.exists()


def test_one_that_never_reads_is_dropped_from_and_the_number_is_bounded(tmp_path: Path) -> None:
    broadcast = Broadcast()
    served = WatchSocket(tmp_path / "watch.sock", broadcast)
    raws = []
    for _ in range(MOST_WATCHERS + 2):
        raw = socket.socket(socket.AF_UNIX)
        raw.connect(str(served.path))
        raws.append(raw)
    until(lambda: broadcast.is_watched)
    for _ in range(3000):
        broadcast.send({**SOUND, "filler": "x" * 1000})
    assert raws[-1].recv(1) == b""
    for raw in raws:
        raw.close()
    served.close()


def test_a_socket_that_nobody_serves_is_replaced_and_a_served_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "watch.sock"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    served = WatchSocket(path, Broadcast())
    with pytest.raises(OSError, match="another service"):
        WatchSocket(path, Broadcast())
    served.close()
    with pytest.raises(DeviceError, match="no service is watched"):
        next(watch(path))


def test_where_the_socket_is() -> None:
    systemd = {"RUNTIME_DIRECTORY": "/run/trigger-word", "XDG_RUNTIME_DIR": "/run/user/1"}
    assert socket_path(systemd) == Path("/run/trigger-word/watch.sock")
    assert socket_path({"XDG_RUNTIME_DIR": "/run/user/1"}) == Path("/run/user/1/trigger-word.sock")
    assert socket_path({}) == Path("/run/trigger-word/watch.sock")


def test_lines() -> None:
    assert level_bar(0.5) == f"[{'#' * 12}{'.' * 12}]"
    assert level_bar(2.0, 1.0) == f"[{'#' * 23}|]"
    line = sound_line(SOUND)
    assert "-20.0 dB CLIPPING" in line
    assert "beep [######......|" in line
    entry = {"kind": "close-miss", "label": "beep", "score": 0.4, "threshold": 0.5}
    assert list(event_lines({"type": "entry", "entry": entry})) == [
        "nearly heard 'beep' (score 0.400, threshold 0.500)"
    ]
    assert list(event_lines({"type": "entry", "entry": {**entry, "kind": "detection"}})) == []


def test_the_command_shows_a_running_service(tmp_path: Path) -> None:
    broadcast = Broadcast()
    served = WatchSocket(tmp_path / "trigger-word.sock", broadcast)
    code = "from firmware_py.__main__ import main; raise SystemExit(main(['watch']))"
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    environment.pop("RUNTIME_DIRECTORY", None)
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as watcher:
        until(lambda: broadcast.is_watched)
        broadcast.send({"type": "detection", "label": "beep", "score": 0.9})
        assert watcher.stdout
        assert watcher.stdout.readline() == "heard 'beep' (score 0.900)\n"
        watcher.terminate()
    served.close()


def test_the_command_listens_by_itself_and_answers_nothing(pulse: Pulse) -> None:
    pytest.importorskip("pyaudio")
    touched = pulse.folder / "touched"
    settings = f"""
[clips]
folder = "clips"

[[command]]
program = ["touch", "{touched}"]
"""
    path = write_settings(pulse.folder, settings)
    code = "from firmware_py.__main__ import main; raise SystemExit(main())"
    command = [sys.executable, "-c", code, "watch", "--settings", str(path)]
    with subprocess.Popen(
        command, env=pulse.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as watcher:
        assert watcher.stdout
        assert watcher.stdout.readline().startswith("[")  # it listens
        player = pulse.play(write_wav(pulse.folder / "said.wav", beeps((0.5,), 2.0)))
        assert "heard 'beep' (score" in next(
            line for line in watcher.stdout if not line.startswith("[")
        )
        assert player.wait() == 0
        watcher.send_signal(signal.SIGINT)
        watcher.communicate(timeout=300)
    assert watcher.returncode == 0
    piped = f"{shlex.join(command)} | head -n 2"  # which reads no further
    done = subprocess.run(
        piped, shell=True, env=pulse.environment, capture_output=True, timeout=300
    )
    assert done.stdout.count(b"[") >= 2
    assert b"BrokenPipe" not in done.stderr
    assert not touched.exists()
    assert not (pulse.folder / "clips").exists()
