"""The real service under a real systemd: what hangs is ended, and listens again."""

import importlib.metadata
import json
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from board_guest import Guest, base_system, booted, needs_guest, unpack

from board.package.tree import SOURCE, lay_environment, lay_system_files, site_packages
from board.package.wheels import PYTHONS

HANGS = 3
PACKAGES = ("numpy", "tflite-runtime", "wyoming")
"""What a service without a microphone imports."""
SETTINGS = """\
[microphone]
enabled = false
[chime]
sound = "off"
[wyoming]
port = 10400
"""
ASK = """
import socket
with socket.create_connection(("127.0.0.1", 10400), timeout=1.0) as client:
    client.sendall(b'{"type": "describe"}\\n')
    assert b"activate" in client.recv(65536)
"""


def lay_program(root: Path, python: str) -> None:
    """Copy the program and what it imports from this environment into a system."""
    for each in PYTHONS:
        (root / site_packages(each)).mkdir(parents=True)
    lay_environment(root, {each: [] for each in PYTHONS})
    folder = root / site_packages(python)
    shutil.copytree(SOURCE / "firmware_py", folder / "firmware_py")
    for package in PACKAGES:
        for file in importlib.metadata.files(package) or ():
            if ".." not in file.parts and file.suffix != ".pyc":
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), folder / file)


@pytest.fixture
def guest(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Guest]:
    """Return a system that has the service, which serves clients."""
    python = ".".join(map(str, sys.version_info[:2]))
    if python != PYTHONS[0]:
        pytest.skip(f"Debian 12 has Python {PYTHONS[0]}, its packages are not at hand here")
    for package in PACKAGES:
        pytest.importorskip(package.replace("-", "_"))
    assert request.config.cache is not None
    root = unpack(base_system(request.config.cache, "bookworm"), tmp_path / "root")
    lay_system_files(root)
    lay_program(root, python)
    for path in ("usr/bin/trigger-word", "usr/lib/systemd/system-generators/trigger-word"):
        (root / path).chmod(0o755)
    (root / "etc/trigger-word.toml").write_text(SETTINGS)
    with booted(root) as started:
        started.output("systemd-sysusers", "trigger-word.conf")
        yield started


def log(guest: Guest) -> str:
    return guest.output("journalctl", "--no-pager", "-u", "trigger-word")


@pytest.mark.slow
@pytest.mark.timeout(1200)
@needs_guest
def test_what_hangs_is_ended_and_listens_again(guest: Guest) -> None:
    started = guest.run("systemctl", "start", "trigger-word")  # until it is ready
    assert started.returncode == 0, log(guest)
    assert guest.run("python3", "-c", ASK).returncode == 0
    took = []
    for number in range(1, HANGS + 1):
        guest.output("systemctl", "kill", "--kill-whom=main", "--signal=STOP", "trigger-word")
        began = time.monotonic()
        guest.wait_until(
            lambda: guest.run("python3", "-c", ASK).returncode == 0, "an answer", seconds=300
        )
        took.append(round(time.monotonic() - began, 1))
        restarts = guest.output("systemctl", "show", "trigger-word", "-P", "NRestarts")
        assert int(restarts) == number
    sys.stdout.write(json.dumps({"hangs": HANGS, "seconds_until_it_answers": took}) + "\n")
    assert log(guest).count("Watchdog timeout") == HANGS
