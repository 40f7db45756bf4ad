"""What people changed while it ran."""

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from firmware_py import durable_file
from firmware_py.settings.state import State, StateFile, state_path


def test_a_choice_outlives_a_restart_and_can_be_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "site.state.json"
    file = StateFile(path)
    assert file.state == State()
    file.change(lambda state: state.with_sensitivity("activate", "strict"))
    file.change(lambda state: state.with_sensitivity("computer", "sensitive"))
    assert StateFile(path).state.sensitivity == {"activate": "strict", "computer": "sensitive"}
    assert file.change(lambda state: state.with_sensitivity("activate", None)).sensitivity == {
        "computer": "sensitive"
    }
    assert StateFile(path).state == file.state
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "content", [b"", b'{"listening": fal', b"\xff", b"[]", b'{"lisening": true}', b"[" * 99999]
)
def test_a_damaged_state_is_said_and_the_settings_count(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(content)
    assert StateFile(path).state == State()
    assert "the settings count" in caplog.text


def test_two_people_at_once_lose_nothing(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "state.json")

    def choose(person: int) -> None:
        for point in range(20):
            file.change(lambda state: state.with_sensitivity(f"model {person}", str(point)))  # noqa: B023

    people = [threading.Thread(target=choose, args=(person,)) for person in range(4)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert StateFile(file.path).state.sensitivity == {f"model {n}": "19" for n in range(4)}


def test_a_full_disk_leaves_the_old_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = StateFile(tmp_path / "state.json")
    file.change(lambda state: state.with_sensitivity("m", "strict"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable_file.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        file.change(lambda state: state.with_sensitivity("m", "sensitive"))
    monkeypatch.undo()
    assert file.state == StateFile(file.path).state == State(sensitivity={"m": "strict"})
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


FLIP = """
import sys
from pathlib import Path
from firmware_py.settings.state import StateFile
file = StateFile(Path(sys.argv[1]))
while True:
    for point in ("a" * 3000, "b" * 5000):
        file.change(lambda state: state.with_sensitivity("m", point))
"""


def test_killed_at_any_moment_the_file_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    for attempt in range(8):
        writer = subprocess.Popen([sys.executable, "-c", FLIP, str(path)])
        while not path.exists():
            time.sleep(0.01)
        time.sleep(0.02 + 0.007 * attempt)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        chosen = json.loads(path.read_bytes())["sensitivity"]["m"]
        assert chosen in ("a" * 3000, "b" * 5000)


def test_the_state_lies_where_it_may(tmp_path: Path) -> None:
    settings = tmp_path / "site.toml"
    systemd = {"STATE_DIRECTORY": "/var/lib/trigger-word/clips:/var/lib/trigger-word/state"}
    assert state_path("", settings, {}) == tmp_path / "site.state.json"
    assert state_path("", settings, systemd) == Path("/var/lib/trigger-word/state/state.json")
    assert state_path("/x/y.json", settings, systemd) == Path("/x/y.json")
    assert state_path("", None, {"XDG_STATE_HOME": "/s"}) == Path("/s/trigger-word.json")
