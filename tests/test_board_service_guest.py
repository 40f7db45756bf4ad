"""The unit under a real systemd: whose rights, which files, which network, and the watchdog.

The program is a stand-in that tells what it may do; the detector itself runs in the image's tests.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from board_guest import Guest, base_system, booted, needs_guest, unpack

from board.package.tree import lay_system_files

PROGRAM = """#!/usr/bin/python3
import json, os, pathlib, signal, socket, sys

def can(action):
    try:
        action()
    except OSError:
        return False
    return True

facts = {
    "settings": can(pathlib.Path(sys.argv[-1]).read_text),
    "secret": can(pathlib.Path("/etc/trigger-word.d/mqtt.toml").read_text),
    "models": can(pathlib.Path("/var/lib/trigger-word/models/x").touch),
    "clips": can(pathlib.Path("/var/lib/trigger-word/clips/x").touch),
    "etc": can(pathlib.Path("/etc/x").touch),
    "disk": can(lambda: os.mknod("/tmp/sda", 0o60600, os.makedev(8, 0))),
    "root": os.getuid() == 0,
    "network": can(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
}
name = "safe" if "safe" in sys.argv else "run"
pathlib.Path("/var/lib/trigger-word/clips", name).write_text(json.dumps(facts))
if name == "run":
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
    signal.pause()
"""
CLIPS = "var/lib/private/trigger-word/clips"


@pytest.fixture
def guest(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Guest]:
    assert request.config.cache is not None
    root = unpack(base_system(request.config.cache, "bookworm"), tmp_path / "root")
    lay_system_files(root)
    (root / "usr/bin/trigger-word").write_text(PROGRAM)
    for path in ("usr/bin/trigger-word", "usr/lib/systemd/system-generators/trigger-word"):
        (root / path).chmod(0o755)
    (root / "etc/trigger-word.d").chmod(0o2750)
    (root / "etc/trigger-word.d/mqtt.toml").write_text("password = 'p'\n")
    (root / "etc/trigger-word.toml").chmod(0o640)
    with booted(root) as started:
        yield started


@pytest.mark.slow
@needs_guest
def test_what_the_service_may_do(guest: Guest) -> None:
    root = guest.root
    guest.output("systemd-sysusers", "trigger-word.conf")
    guest.output(
        "chgrp", "-R", "trigger-word-settings", "/etc/trigger-word.toml", "/etc/trigger-word.d"
    )
    guest.output("systemctl", "start", "trigger-word")
    told = json.loads((root / CLIPS / "run").read_text())
    allowed = {name for name, may in told.items() if may}
    assert allowed == {"settings", "secret", "clips"}

    # A program that says nothing more is ended, its pins are made safe, and it starts again.
    guest.wait_until((root / CLIPS / "safe").exists, "what makes the pins safe", 60)
    assert json.loads((root / CLIPS / "safe").read_text())["settings"]
    guest.wait_until(
        lambda: int(guest.output("systemctl", "show", "trigger-word", "-P", "NRestarts")),
        "a new start",
        60,
    )

    with (root / "etc/trigger-word.toml").open("a") as settings:
        settings.write('[mqtt]\nhost = "broker"\n')
    guest.output("systemctl", "daemon-reload")
    guest.output("systemctl", "restart", "trigger-word")
    assert json.loads((root / CLIPS / "run").read_text())["network"]
