"""A whole Home Assistant against a listening device: over a real broker, and by Wyoming.

Only where HOME_ASSISTANT_PYTHON names an interpreter that has `homeassistant` and `paho-mqtt`.
"""

import json
import os
import re
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from running_daemon import Running, running, say, write_settings
from virtual_sound import Pulse, beeps, write_wav

pytest.importorskip("pyaudio")
pytest.importorskip("aiohttp")

from test_mqtt import Broker, broker, wait_until  # noqa: F401

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

GUEST = Path(__file__).parent / "home_assistant_guest.py"
PYTHON = os.environ.get("HOME_ASSISTANT_PYTHON", "")
SETTINGS = """
[chime]
sound = "off"

[web]
port = 0

[mqtt]
host = "127.0.0.1"
port = {port}
device_id = "kitchen"
device_name = "Kitchen"
"""
SECONDS = 240.0


class HomeAssistant:
    """What it shows, what it warns of, and its services."""

    def __init__(self, port: int) -> None:
        self.states: dict[str, dict[str, Any]] = {}
        self.said: list[str] = []
        self.process = subprocess.Popen(
            [PYTHON, str(GUEST), str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            told = json.loads(line)
            if "log" in told:
                self.said.append(told["log"])
            else:
                self.states[told["entity"]] = told

    def call(self, domain: str, service: str, entity: str, **data: object) -> None:
        assert self.process.stdin
        line = json.dumps([domain, service, {"entity_id": f"{domain}.{entity}", **data}])
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def state(self, entity: str) -> str:
        return str(self.states.get(entity, {}).get("state"))

    def wait_for_state(self, entity: str, state: str) -> None:
        end = time.monotonic() + SECONDS
        while self.state(entity) != state:
            assert time.monotonic() < end, f"{entity} is {self.states.get(entity)}; {self.said}"
            time.sleep(0.02)

    def attribute(self, entity: str, name: str) -> Any:
        return self.states.get(entity, {}).get("attributes", {}).get(name)

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()
        self._reader.join()


@pytest.fixture
def home(broker: Broker) -> Iterator[HomeAssistant]:
    if not PYTHON:
        pytest.skip("HOME_ASSISTANT_PYTHON names no interpreter with homeassistant and paho-mqtt")
    home = HomeAssistant(broker.port)
    try:
        wait_until(lambda: any("ready" in line for line in home.said), SECONDS)
        yield home
    finally:
        home.close()


class Page:
    """What the page does, without a browser."""

    def __init__(self, daemon: Running) -> None:
        daemon.wait_for_log("the page is at")
        found = re.search(r"the page is at (\S+)", daemon.log)
        assert found
        self._address = found[1]

    def ask(self, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            f"{self._address}/api/{path}",
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json", "Origin": self._address},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)


def test_home_assistant_shows_and_changes_what_the_page_does(
    pulse: Pulse,
    broker: Broker,
    home: HomeAssistant,
) -> None:
    path = write_settings(pulse.folder, SETTINGS.format(port=broker.port))
    with running(pulse.environment, "--settings", str(path)) as daemon:
        daemon.wait_for_log("listening to")
        page = Page(daemon)
        switch, select = "switch.kitchen_listening", "select.kitchen_sensitivity_beep"

        shows = home.wait_for_state
        shows("binary_sensor.kitchen_problem", "on")  # digital silence
        room = pulse.play(write_wav(pulse.folder / "room.wav", beeps((), 600.0)))
        shows("binary_sensor.kitchen_problem", "off")
        shows(switch, "on")
        status = page.ask("status")
        (model,) = status["models"]
        shows(select, model["current"])
        assert home.attribute(select, "options") == [each["name"] for each in model["points"]]
        shows("sensor.kitchen_detections_today", "0")
        wait_until(lambda: home.state("sensor.kitchen_level") not in ("None", "unknown"), SECONDS)
        assert float(home.state("sensor.kitchen_load")) >= 0
        assert ("sensor.kitchen_temperature" in home.states) == (
            status["temperature_celsius"] is not None
        )
        assert "button.kitchen_test_mqtt" in home.states

        page.ask("listening", {"listening": False})  # the page changes, Home Assistant shows
        shows(switch, "off")
        shows("sensor.kitchen_level", "unknown")
        home.call("switch", "turn_on", "kitchen_listening")  # and the reverse
        wait_until(lambda: page.ask("status")["listening"], SECONDS)
        shows(switch, "on")

        first, last = (each["name"] for each in (model["points"][0], model["points"][-1]))
        page.ask("sensitivity", {"model": "beep", "point": first})
        shows(select, first)
        home.call("select", "select_option", "kitchen_sensitivity_beep", option=last)
        wait_until(lambda: page.ask("status")["models"][0]["current"] == last, SECONDS)
        shows(select, last)
        page.ask("sensitivity", {"model": "beep", "point": None})
        shows(select, model["as_set"])

        event = "event.kitchen_detection"
        shows(event, "unknown")
        home.call("button", "press", "kitchen_test_mqtt")
        wait_until(lambda: home.state(event) not in ("unknown", "unavailable"), SECONDS)
        tested = home.state(event)
        wait_until(lambda: page.ask("status")["microphone"], SECONDS)
        say(pulse, 1.0, seconds=3.0)
        wait_until(lambda: home.state(event) != tested, SECONDS)
        assert home.attribute(event, "event_type") == "beep"
        shows("sensor.kitchen_detections_today", "1")
        room.kill()
        room.wait()
        assert daemon.end() == 0
        shows(switch, "unavailable")
    assert home.said == ["ready: loaded"]


@pytest.mark.parametrize("microphone", [True, False])
def test_home_assistant_finds_the_wyoming_service_and_hears_its_word(
    pulse: Pulse, microphone: bool
) -> None:
    """Twelve times in a row, with and without a microphone of the device's own."""
    if not PYTHON:
        pytest.skip("HOME_ASSISTANT_PYTHON names no interpreter with homeassistant")
    pytest.importorskip("wyoming")
    text = f"[microphone]\nenabled = {str(microphone).lower()}\n[wyoming]\nport = 10413\n"
    path = write_settings(pulse.folder, text)
    (pulse.folder / "said.raw").write_bytes(beeps((0.5,), 2.0).tobytes())
    with running(pulse.environment, "--settings", str(path)) as daemon:
        daemon.wait_for_log("wyoming: listening on")
        guest = GUEST.with_name("home_assistant_wyoming_guest.py")
        command = [PYTHON, str(guest), "10413", str(pulse.folder / "said.raw"), "12"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
        assert daemon.end() == 0
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found == {"words": ["beep"], "heard": [["beep", "beep"]] * 12}
