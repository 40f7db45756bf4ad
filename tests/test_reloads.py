"""Settings and models that are read again and again: the device holds what it held at first.

`RELOADS=500` is the full length. Prints descriptors, threads and memory on the way.
"""

import json
import os
import signal
import socket
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from running_daemon import BEEP, Running, running, say
from test_mqtt import Broker, broker, free_port  # noqa: F401 - `broker` is a fixture
from virtual_sound import Pulse

pytest.importorskip("pyaudio")

RELOADS = int(os.environ.get("RELOADS", "60"))
LONG_BEEP = str(Path(BEEP).with_name("long-beep.tflite"))
IDLE_CONNECTIONS = 1000


def settings_text(number: int, broker_port: int, metrics_port: int) -> str:
    """Return settings of which each number changes the model, the broker and an output."""
    model = LONG_BEEP if number % 2 else BEEP
    return (
        f"[[model]]\npath = {json.dumps(model)}\n[chime]\nsound = 'off'\n"
        f"[service]\nmetrics_port = {metrics_port}\n"
        f"[mqtt]\nhost = '127.0.0.1'\nport = {broker_port}\nqueue_length = {10 + number}\n"
        f"[[gpio]]\nbackend = 'mock'\nline = 'LAMP {number % 3}'\n"
    )


def held(daemon: Running) -> dict[str, int]:
    """Return what the process holds: open files, threads, resident memory in MB."""
    process = Path("/proc", str(daemon.process.pid))
    pages = int((process / "statm").read_text().split()[1])
    return {
        "descriptors": len(list((process / "fd").iterdir())),
        "threads": len(list((process / "task").iterdir())),
        "resident_mb": round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6),
    }


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_what_is_held_after_hundreds_of_reloads(pulse: Pulse, broker: Broker) -> None:
    path = pulse.folder / "site.toml"
    metrics_port = free_port()
    path.write_text(settings_text(0, broker.port, metrics_port))
    seen: list[dict[str, int]] = []
    with running(pulse.environment, "--settings", str(path)) as daemon:
        daemon.wait_for_log("listening to")
        for number in range(1, RELOADS + 1):
            path.write_text(settings_text(number, broker.port, metrics_port))
            daemon.process.send_signal(signal.SIGHUP)
            daemon.wait_for(lambda done=number: daemon.log.count("are read again") == done)
            if number % 10 == 0:
                time.sleep(1.0)  # what ended in the background has ended
                seen.append(held(daemon))
        path.write_text(settings_text(0, broker.port, metrics_port))
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for(lambda: daemon.log.count("are read again") == RELOADS + 1)
        say(pulse, 1.0)
        daemon.wait_for(lambda: daemon.events)
        assert daemon.end() == 0
    sys.stdout.write(f"{RELOADS} reloads: first {seen[0]}, last {seen[-1]}, all {seen}\n")
    assert max(each["descriptors"] for each in seen[1:]) <= seen[0]["descriptors"] + 2
    assert max(each["threads"] for each in seen[1:]) <= seen[0]["threads"] + 1
    assert daemon.log.count("listening to") == 1


@pytest.mark.slow
def test_a_thousand_idle_connections_to_the_metrics(pulse: Pulse, broker: Broker) -> None:
    path = pulse.folder / "site.toml"
    metrics_port = free_port()
    path.write_text(settings_text(0, broker.port, metrics_port))
    with running(pulse.environment, "--settings", str(path)) as daemon:
        daemon.wait_for_log("listening to")
        before = held(daemon)
        place = ("127.0.0.1", metrics_port)
        idle = [socket.create_connection(place, 60) for _ in range(IDLE_CONNECTIONS)]
        during = held(daemon)
        say(pulse, 1.0)
        daemon.wait_for(lambda: daemon.events)
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics_port}/metrics") as answer:
            assert b"trigger_word_detections_total" in answer.read()
        for connection in idle:
            connection.close()
        assert daemon.end() == 0
    sys.stdout.write(f"{IDLE_CONNECTIONS} idle connections: before {before}, during {during}\n")
    assert during["threads"] <= before["threads"] + 20
    assert during["resident_mb"] <= before["resident_mb"] + 10
