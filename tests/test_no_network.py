"""Networks that come late, change or are cut, in a network of the daemon's own (as root)."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from running_daemon import Running, running, say, write_settings
from virtual_sound import Pulse

pytest.importorskip("zeroconf")
pytest.importorskip("wyoming")

OWN_NETWORK = """
import ctypes, subprocess
assert ctypes.CDLL(None).unshare(0x40000000) == 0
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
from firmware_py.wake_service import announcement
announcement.LOOK_SECONDS = 0.2
"""
"""A new network namespace (CLONE_NEWNET), in which there is only the loopback."""

SATELLITE = """
import socket, sys, time
connection = socket.create_connection(("127.0.0.1", {port}), 20)
connection.settimeout(20)
connection.sendall(b'{{"type": "describe"}}\\n')
print(connection.recv(4096).decode(errors="replace")[:40], flush=True)
time.sleep({seconds})
"""


@pytest.fixture(autouse=True)
def network_namespaces() -> None:
    tools = all(map(shutil.which, ("ip", "nsenter", "unshare")))
    if not tools or subprocess.run(["unshare", "-n", "true"], check=False).returncode:
        pytest.skip("needs root, ip and nsenter")


def inside(daemon: Running, *command: str) -> list[str]:
    """Return a command that runs in the daemon's network."""
    return ["nsenter", "-t", str(daemon.process.pid), "-n", *command]


def configure(daemon: Running, *lines: str) -> None:
    for line in lines:
        subprocess.run(inside(daemon, "ip", *line.split()), check=True)


def test_without_a_network_the_device_listens_and_is_announced_when_there_is_one(
    pulse: Pulse,
) -> None:
    text = "[chime]\nsound = 'off'\n[wyoming]\nhost = '0.0.0.0'\nport = 10411\nzeroconf = true\n"
    path = write_settings(pulse.folder, text)
    with running(pulse.environment, "--settings", str(path), prelude=OWN_NETWORK) as daemon:
        daemon.wait_for_log("listening to")
        daemon.wait_for_log("cannot be announced now")
        say(pulse, 1.0)
        daemon.wait_for(lambda: len(daemon.events) == 1)
        configure(
            daemon,
            "link add v0 type veth peer name v1",
            "link set v0 up",
            "link set v1 up",
            "address add 192.0.2.7/24 dev v0",
            "route add default via 192.0.2.1 dev v0",
        )
        daemon.wait_for_log("at 192.0.2.7")
        configure(
            daemon,
            "address add 198.51.100.9/24 dev v0",
            "address del 192.0.2.7/24 dev v0",
            "route replace default via 198.51.100.1 dev v0",
        )
        daemon.wait_for_log("at 198.51.100.9")
        configure(daemon, "link set v0 down")
        say(pulse, 1.0)
        daemon.wait_for(lambda: len(daemon.events) == 2)
        assert daemon.end() == 0
    assert "cannot listen" not in daemon.log
    assert daemon.log.count("cannot be announced now") <= 2


def test_satellites_that_lose_power_leave_their_places_to_others(tmp_path: Path) -> None:
    """The wire is cut before they die, so that no goodbye of their kernel reaches the service."""
    text = "[microphone]\nenabled = false\n[wyoming]\nport = 10412\nmax_clients = 2\n"
    path = write_settings(tmp_path, text)
    environment = dict(os.environ)
    with running(environment, "--settings", str(path), prelude=OWN_NETWORK) as daemon:
        daemon.wait_for_log("wyoming: listening on")
        with satellites(daemon, 2, seconds=600) as gone:
            configure(daemon, "link set lo down")
            for process, _ in gone:
                process.send_signal(signal.SIGKILL)
                process.wait()
        configure(daemon, "link set lo up")
        end = time.monotonic() + 60
        while not served(daemon):
            assert time.monotonic() < end, daemon.log
            time.sleep(0.5)
        assert daemon.end() == 0


def served(daemon: Running) -> bool:
    with satellites(daemon, 1) as ((_, answer),):
        return '"info"' in answer


@contextmanager
def satellites(
    daemon: Running, count: int, seconds: float = 0.0
) -> Iterator[list[tuple["subprocess.Popen[str]", str]]]:
    """Connect satellites; yield each with what it was answered, nothing where it was refused."""
    code = SATELLITE.format(port=10412, seconds=seconds)
    processes = [
        subprocess.Popen(
            inside(daemon, sys.executable, "-c", code), stdout=subprocess.PIPE, text=True
        )
        for _ in range(count)
    ]
    try:
        yield [(process, process.stdout.readline()) for process in processes if process.stdout]
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                process.kill()
            process.wait()
            assert process.stdout
            process.stdout.close()
