"""What the page costs the service that serves it: CPU seconds of its process for each of sound.

`pytest -s` prints what was measured.
"""

import asyncio
import os
import re
import socket
import sys
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from running_daemon import Running, running
from unpaced_sound import UnpacedSound, measured, run_to_the_end
from virtual_sound import Pulse, write_wav

import firmware_py
from firmware_py.live.loop import Live
from firmware_py.live.site_models import Site, open_models
from firmware_py.outputs.event import Event
from firmware_py.settings import ModelSettings, Settings
from firmware_py.settings.outputs import ChimeSettings
from firmware_py.settings.web import WebSettings

pytest.importorskip("pyaudio")
aiohttp = pytest.importorskip("aiohttp")

WORDS = Path(firmware_py.__file__).parent / "data" / "activate.flac"
SETTINGS = """
[service]
metrics_port = {port}

[chime]
sound = "off"

[web]
port = 0
"""
SECONDS = 12.0
ROUNDS = 3
STATUS_SECONDS = 5.0
"""How often page.js asks how it goes."""
WHOLE_SECONDS = 58.0
"""Of a minute: the loop may be stopped at the last of it."""
ALLOWED = 0.02
"""Of one core more, for all pages together."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Meter:
    """Reads what a service has used and heard."""

    def __init__(self, daemon: Running, metrics_port: int) -> None:
        self._used = Path(f"/proc/{daemon.process.pid}/stat")
        self._address = f"http://127.0.0.1:{metrics_port}/metrics"

    def cpu_seconds(self) -> float:
        """Return the seconds in user and in kernel mode: proc(5), fields 14 and 15."""
        user, system = self._used.read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def counted(self, name: str) -> float:
        with urllib.request.urlopen(self._address, timeout=20) as answer:
            text = answer.read().decode()
        found = re.search(rf"^trigger_word_{name} (\S+)$", text, re.MULTILINE)
        assert found, name
        return float(found[1])

    async def share_of_a_core(self) -> float:
        """Return the CPU seconds for each second of sound, over some seconds."""
        cpu, sound = (
            self.cpu_seconds(),
            await asyncio.to_thread(self.counted, "audio_seconds_total"),
        )
        await asyncio.sleep(SECONDS)
        used = self.cpu_seconds() - cpu
        return used / (await asyncio.to_thread(self.counted, "audio_seconds_total") - sound)


@asynccontextmanager
async def open_page(address: str) -> AsyncIterator[None]:
    """Do what the page does: take what comes, and ask now and then."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{address}/api/live") as live,
    ):

        async def take() -> None:
            async for _ in live:
                pass

        async def ask() -> None:
            while True:
                async with session.get(f"{address}/api/status") as answer:
                    assert answer.status == 200
                    await answer.read()
                await asyncio.sleep(STATUS_SECONDS)

        tasks = [asyncio.create_task(take()), asyncio.create_task(ask())]
        yield
        for task in tasks:
            assert not task.done() or not task.exception()
            task.cancel()


@asynccontextmanager
async def one_that_never_reads(address: str) -> AsyncIterator[None]:
    host, port = re.findall(r"//(.+):(\d+)", address)[0]
    with socket.socket() as silent:
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        silent.connect((host, int(port)))
        silent.sendall(
            f"GET /api/live HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: http://{host}:{port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        yield


@asynccontextmanager
async def open_pages(address: str, pages: int, silent: int) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for _ in range(pages):
            await stack.enter_async_context(open_page(address))
        for _ in range(silent):
            await stack.enter_async_context(one_that_never_reads(address))
        yield


async def measure(meter: Meter, address: str) -> dict[str, float]:
    """Return the least share of a core that was seen with no page, with one, and with many."""
    least: dict[str, float] = {}
    for _ in range(ROUNDS):
        for name, pages, silent in (("none", 0, 0), ("one", 1, 0), ("eleven", 10, 1)):
            async with open_pages(address, pages, silent):
                await asyncio.sleep(1.0)
                share = await meter.share_of_a_core()
            least[name] = min(share, least.get(name, share))
    return least


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_open_pages_cost_little(pulse: Pulse) -> None:
    port = free_port()
    path = pulse.folder / "site.toml"
    path.write_text(SETTINGS.format(port=port))
    words, rate_hz = soundfile.read(WORDS, dtype="int16")
    said = write_wav(pulse.folder / "said.wav", np.resize(words, 600 * rate_hz), rate_hz)
    with running(pulse.environment, "--settings", str(path)) as daemon:
        daemon.wait_for_log("listening to")
        daemon.wait_for_log("the page is at")
        address = address_in(daemon.log)
        player = pulse.play(said)
        daemon.wait_for(lambda: daemon.events)
        least = asyncio.run(measure(Meter(daemon, port), address))
        player.kill()
        player.wait()
        sys.stdout.write(f"{least}\n")
        assert least["one"] - least["none"] < ALLOWED
        assert least["eleven"] - least["none"] < ALLOWED
        assert daemon.end() == 0


def address_in(log: str) -> str:
    found = re.search(r"the page is at (\S+)", log)
    assert found
    return found[1]


def heard(pages: int, silent: int, log: pytest.LogCaptureFixture) -> list[tuple[str, float, float]]:
    """Return what is heard in a minute of sound while so many pages are open.

    The sound comes as fast as it is taken, and not before the pages are open.
    """
    web = WebSettings(port=0) if pages else None
    settings = Settings(model=(ModelSettings(),), chime=ChimeSettings(sound="off"), web=web)
    site = Site(settings, open_models(settings))
    words, rate_hz = soundfile.read(WORDS, dtype="int16")
    sound = UnpacedSound([np.resize(words, 60 * rate_hz)], rate_hz)
    events: list[Event] = []
    live = Live(site, lambda: site, events.append, sound)

    async def listen() -> None:
        async with open_pages(address_in(log.text), pages, silent):
            await asyncio.to_thread(run_to_the_end, live, sound)

    asyncio.run(listen()) if pages else run_to_the_end(live, sound)
    assert measured(live, "lost_seconds_total") == 0
    assert measured(live, "audio_seconds_total") > WHOLE_SECONDS
    live.close()
    moments = [(event.label, event.time_seconds, event.score) for event in events]
    return [moment for moment in moments if moment[1] < WHOLE_SECONDS]


def test_open_pages_change_nothing_of_what_is_heard(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    alone = heard(0, 0, caplog)
    assert alone
    assert heard(10, 1, caplog) == alone
