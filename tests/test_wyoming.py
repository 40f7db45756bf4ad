"""The wake-word service, asked by the Wyoming library's own client."""

import asyncio
import json
import logging
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Never

import numpy as np
import pytest
from numpy.typing import NDArray
from virtual_sound import beeps

with warnings.catch_warnings():
    # On Python 3.11 and 3.12 the library takes Python's own audioop.
    warnings.simplefilter("ignore", DeprecationWarning)
    pytest.importorskip("wyoming.audio")
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.wake import Detect, Detection, NotDetected

from firmware_py import Detector
from firmware_py.artefact import read_artefact
from firmware_py.ensemble import Model
from firmware_py.errors import AudioError
from firmware_py.settings.outputs import WyomingSettings
from firmware_py.wake_service import client as client_module
from firmware_py.wake_service import messages, places
from firmware_py.wake_service import service as service_module
from firmware_py.wake_service.pcm import mono_samples
from firmware_py.wake_service.service import WyomingService
from firmware_py.wake_service.token_bucket import TokenBucket
from firmware_py.wake_service.words import offered, spotter_for, words_of

DATA = Path(__file__).parent / "data"
WYOMING = "_wyoming._tcp.local."


def models() -> list[Model]:
    artefacts = [read_artefact(DATA / f"{name}.tflite") for name in ("beep", "hoot")]
    return [Model(artefact, artefact.metadata.trigger) for artefact in artefacts]


def serve(**settings: object) -> WyomingService:
    words = words_of(models())
    chosen = WyomingSettings(port=0, **settings)  # type: ignore[arg-type]
    return WyomingService(chosen, offered(words), spotter_for(words))


@pytest.fixture
def service() -> Iterator[WyomingService]:
    service = serve()
    yield service
    service.close()


@asynccontextmanager
async def client(service: WyomingService) -> AsyncIterator[AsyncTcpClient]:
    async with AsyncTcpClient("127.0.0.1", service.port) as connected:
        yield connected


async def answer(connected: AsyncTcpClient) -> Event:
    event = await asyncio.wait_for(connected.read_event(), 60)
    assert event is not None
    return event


async def stream(
    connected: AsyncTcpClient,
    samples: NDArray[np.int16],
    rate: int,
    width: int = 2,
    channels: int = 1,
) -> None:
    """Send audio as Home Assistant does."""
    await connected.write_event(AudioStart(rate, width, channels, timestamp=0).event())
    data = encoded(samples, width, channels)
    step = 1024 * width * channels
    for start in range(0, len(data), step):
        chunk = AudioChunk(rate, width, channels, data[start : start + step])
        await connected.write_event(chunk.event())
    await connected.write_event(AudioStop().event())


def encoded(samples: NDArray[np.int16], width: int, channels: int) -> bytes:
    wide = np.repeat(samples.astype("<i4") << 16, channels).astype("<i4")
    if width == 1:
        return ((wide >> 24) + 128).astype(np.uint8).tobytes()
    return wide.view(np.uint8).reshape(-1, 4)[:, 4 - width :].tobytes()


async def send_chunks(connected: AsyncTcpClient, samples: NDArray[np.int16]) -> None:
    """Send 16 kHz audio as satellites do: no start, no end."""
    for start in range(0, len(samples), 1024):
        chunk = AudioChunk(16000, 2, 1, encoded(samples[start : start + 1024], 2, 1))
        await connected.write_event(chunk.event())


async def pinged(service: WyomingService) -> bool:
    async with client(service) as connected:
        await connected.write_event(Ping().event())
        return Pong.is_type((await answer(connected)).type)


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60.0
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


async def answers_to(
    service: WyomingService,
    samples: NDArray[np.int16],
    rate: int = 16000,
    names: list[str] | None = None,
    **form: int,
) -> list[Event]:
    async with client(service) as connected:
        await connected.write_event(Detect(names=names).event())
        await stream(connected, samples, rate, **form)
        await connected.write_event(Ping(text="end").event())
        events = []
        while not Pong.is_type((event := await answer(connected)).type):
            events.append(event)
        return events


def test_info(service: WyomingService) -> None:
    async def ask() -> Info:
        async with client(service) as connected:
            await connected.write_event(Describe().event())
            return Info.from_event(await answer(connected))

    (program,) = asyncio.run(ask()).wake
    assert program.name == "trigger-word"
    assert [model.name for model in program.models] == ["beep", "hoot"]
    assert [model.phrase for model in program.models] == ["beep", "hoot"]
    assert [model.description for model in program.models] == ["beep", "hoot"]
    assert all(model.installed and model.version for model in program.models)


def test_detections_are_those_of_the_detector(service: WyomingService) -> None:
    samples = beeps((1.0, 3.0), 5.0)
    events = asyncio.run(answers_to(service, samples))
    detections = [Detection.from_event(event) for event in events]
    alone = Detector.open(DATA / "beep.tflite").process(samples)
    assert [detection.name for detection in detections] == ["beep", "beep"]
    assert [detection.timestamp for detection in detections] == [
        round(1000 * detection.time_seconds) for detection in alone
    ]


@pytest.mark.parametrize(
    ("rate", "width", "channels"), [(48000, 2, 2), (44100, 4, 1), (8000, 3, 1), (16000, 1, 1)]
)
def test_any_format(service: WyomingService, rate: int, width: int, channels: int) -> None:
    samples = beeps((1.0,), 2.5, rate)
    events = asyncio.run(answers_to(service, samples, rate, width=width, channels=channels))
    assert [Detection.from_event(event).name for event in events] == ["beep"]


def test_nothing_to_detect(service: WyomingService) -> None:
    (event,) = asyncio.run(answers_to(service, beeps((), 2.0)))
    assert NotDetected.is_type(event.type)


def test_only_the_words_asked_for(service: WyomingService) -> None:
    for names in (["hoot"], ["no such word"]):
        (event,) = asyncio.run(answers_to(service, beeps((1.0,), 2.0), names=names))
        assert NotDetected.is_type(event.type)


def test_two_clients_at_once_do_not_mix(service: WyomingService) -> None:
    async def both() -> list[list[Event]]:
        return await asyncio.gather(
            answers_to(service, beeps((1.0, 2.0), 3.0)), answers_to(service, beeps((), 3.0))
        )

    one, other = asyncio.run(both())
    assert len(one) == 2
    assert NotDetected.is_type(other[0].type)


def test_a_second_stream_on_the_same_connection(service: WyomingService) -> None:
    async def twice() -> list[str]:
        async with client(service) as connected:
            types = []
            for _ in range(2):
                await connected.write_event(Detect().event())
                await stream(connected, beeps((1.0,), 2.0), 16000)
                types.append((await answer(connected)).type)
            return types

    assert asyncio.run(twice()) == ["detection", "detection"]


def test_words_change_in_the_middle_of_a_stream(service: WyomingService) -> None:
    """As wyoming-satellite does: chunks first, `detect` at any time, one connection, no start."""
    beep = beeps((0.5,), 1.5)

    async def ask(*wanted: str) -> list[str]:
        async with client(service) as connected:
            heard = []
            await send_chunks(connected, beeps((), 1.0))
            for name in wanted:
                await connected.write_event(Detect(names=[name]).event())
                await send_chunks(connected, beep)
                await connected.write_event(Ping(text="end").event())
                while not Pong.is_type((event := await answer(connected)).type):
                    heard.append(f"{Detection.from_event(event).name} for {name}")
            return heard

    assert asyncio.run(ask("hoot", "beep", "hoot", "beep")) == ["beep for beep"] * 2


def test_times_go_on_when_the_words_change(service: WyomingService) -> None:
    async def ask() -> Event:
        async with client(service) as connected:
            await connected.write_event(Detect(names=["hoot"]).event())
            await send_chunks(connected, beeps((), 2.0))
            await connected.write_event(Detect(names=["beep"]).event())
            await send_chunks(connected, beeps((1.0,), 2.0))
            return await answer(connected)

    alone = Detector.open(DATA / "beep.tflite").process(beeps((1.0,), 2.0))
    expected = 2000 + round(1000 * alone[0].time_seconds)
    assert Detection.from_event(asyncio.run(ask())).timestamp == pytest.approx(expected, abs=1)


def test_twelve_times_in_a_row_as_a_satellite_does(service: WyomingService) -> None:
    """Describe, choose, stream without end, and again after each answer."""

    async def satellite() -> list[str]:
        async with client(service) as connected:
            await connected.write_event(Describe().event())
            (program,) = Info.from_event(await answer(connected)).wake
            name = program.models[0].name
            heard = []
            for _ in range(12):
                await connected.write_event(Detect(names=[name]).event())
                await send_chunks(connected, beeps((0.5,), 1.5))
                heard.append(str(Detection.from_event(await answer(connected)).name))
            return heard

    assert asyncio.run(satellite()) == ["beep"] * 12
    assert service.detections == {"beep": 12}


def test_twelve_times_in_a_row_as_home_assistant_does() -> None:
    """It asks what there is, chooses a word, and hangs up in the middle of its sound when told."""
    service = serve(max_clients=2)

    async def hear() -> tuple[str | None, str | None]:
        async with client(service) as connected:
            await connected.write_event(Describe().event())
            (program,) = Info.from_event(await answer(connected)).wake
        word = program.models[0]
        async with client(service) as connected:
            await connected.write_event(Detect(names=[word.name]).event())
            await connected.write_event(AudioStart(16000, 2, 1).event())
            await send_chunks(connected, beeps((0.5,), 1.5))
            return Detection.from_event(await answer(connected)).name, word.phrase

    for _ in range(12):
        assert asyncio.run(hear()) == ("beep", "beep")
        wait_until(lambda: service.clients == 0)
    assert service.detections == {"beep": 12}
    service.close()


def header(**fields: object) -> bytes:
    return json.dumps({"type": "audio-chunk", **fields}).encode() + b"\n"


FORMAT = {"rate": 16000, "width": 2, "channels": 1}
NONSENSE = {
    "not JSON": b"GET / HTTP/1.1\r\n\r\n",
    "an array": b"[1]\n",
    "deep": b"[" * 9000 + b"\n",
    "a long header": b'{"type": "' + b"x" * 100_000,
    "no type": b'{"data": {}}\n',
    "a type that is a number": b'{"type": 1}\n',
    "data that is a list": header(data=[1]),
    "data that is no JSON": header(data_length=3) + b"abc",
    "data that is too long": header(data_length=1 << 20),
    "a payload of a terabyte": header(data=FORMAT, payload_length=10**12),
    "a negative payload": header(data=FORMAT, payload_length=-1),
    "a payload in halves": header(data=FORMAT, payload_length=1.5),
    "half a frame": header(data=FORMAT, payload_length=3) + b"123",
    "no rate": header(data={"width": 2, "channels": 1}),
    "a huge rate": header(data={**FORMAT, "rate": 9**9}),
    "a rate as text": header(data={**FORMAT, "rate": "16000"}),
    "a width of seven": header(data={**FORMAT, "width": 7}),
    "a thousand channels": header(data={**FORMAT, "channels": 1000}),
    "a time as text": header(data={**FORMAT, "timestamp": "now"}),
    "names that are a number": b'{"type": "detect", "data": {"names": 7}}\n',
    "names of numbers": b'{"type": "detect", "data": {"names": [7]}}\n',
    "a ping with a list": b'{"type": "ping", "data": {"text": [1]}}\n',
}


@pytest.mark.parametrize("sent", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_ends_one_connection_with_one_line(
    service: WyomingService, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async def disturb() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(sent)
        await writer.drain()
        with suppress(ConnectionResetError):  # it hangs up while we still send
            assert await asyncio.wait_for(reader.read(), 60) == b""
        writer.close()

    with caplog.at_level(logging.WARNING):
        asyncio.run(disturb())
        wait_until(lambda: caplog.records)
    (record,) = caplog.records
    assert "a client is disconnected for" in record.getMessage()
    assert "\n" not in record.getMessage()
    assert len(record.getMessage()) < 300
    assert asyncio.run(pinged(service))


def test_what_a_client_sends_is_escaped_in_the_log(
    service: WyomingService, caplog: pytest.LogCaptureFixture
) -> None:
    names = ["\x1b[31mred", "two\nERROR lines"]
    asyncio.run(answers_to(service, beeps((), 1.0), names=names))
    assert "\x1b" not in caplog.text
    assert "\nERROR lines" not in caplog.text
    assert "two\\nERROR lines" in caplog.text


def test_a_message_that_does_not_end(
    service: WyomingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "MESSAGE_SECONDS", 0.2)

    async def begin() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(b'{"type"')
        await writer.drain()
        rest = await asyncio.wait_for(reader.read(), 60)
        writer.close()
        return rest

    assert asyncio.run(begin()) == b""


def test_who_is_silent_for_long_is_disconnected(
    service: WyomingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "IDLE_SECONDS", 2.0)

    async def wait() -> Event | None:
        async with client(service) as connected:
            await connected.write_event(Ping().event())
            await answer(connected)
            return await asyncio.wait_for(connected.read_event(), 60)

    assert asyncio.run(wait()) is None
    wait_until(lambda: service.clients == 0)


def test_a_dead_peer_is_noticed_by_the_kernel(service: WyomingService) -> None:
    """The connection has a keepalive timer (2 in the column `tr` of /proc/net/tcp)."""

    async def timers() -> list[str]:
        async with client(service) as connected:
            await connected.write_event(Ping().event())
            await answer(connected)
            for _ in range(600):
                rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
                ours = f"0100007F:{service.port:04X}"
                found = [row[5] for row in rows if row[1] == ours and row[3] == "01"]
                if found[0].startswith("02:"):
                    break
                await asyncio.sleep(0.1)  # until the acknowledgement's own timer is gone
            return found

    (timer,) = asyncio.run(timers())
    assert timer.startswith("02:")


def test_too_many_clients_and_a_place_that_is_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service = serve(max_clients=1)

    async def come() -> tuple[Event, Event, bool]:
        async with client(service) as first:
            await first.write_event(Ping().event())
            await answer(first)
            async with client(service) as second:
                refusal = await answer(second)
                assert await asyncio.wait_for(second.read_event(), 60) is None
            monkeypatch.setattr(places, "QUIET_SECONDS", 0.0)
            async with client(service) as third:
                await third.write_event(Ping().event())
                accepted = await answer(third)
                return refusal, accepted, await asyncio.wait_for(first.read_event(), 60) is None

    refusal, accepted, first_is_gone = asyncio.run(come())
    assert Error.is_type(refusal.type)
    assert "all 1 places are taken" in Error.from_event(refusal).text
    assert Pong.is_type(accepted.type)
    assert first_is_gone
    service.close()


def test_who_never_speaks_keeps_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "SILENT_SECONDS", 0.0)
    service = serve(max_clients=2)

    async def crowd() -> bool:
        dumb = [await asyncio.open_connection("127.0.0.1", service.port) for _ in range(20)]
        for _, writer in dumb:
            writer.write(b"{")
        served = await pinged(service)
        for _, writer in dumb:
            writer.close()
        return served

    assert asyncio.run(crowd())
    wait_until(lambda: service.clients == 0)
    service.close()


def test_a_token_bucket_makes_the_greedy_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("firmware_py.wake_service.token_bucket.time.monotonic", lambda: now[0])
    bucket = TokenBucket(rate=2.0, burst_seconds=10.0)
    assert [bucket.take(5.0) for _ in range(4)] == [0.0, 0.0, 2.5, 5.0]
    now[0] = 5.0
    assert bucket.take(0.0) == 0.0
    now[0] = 1000.0
    assert bucket.take(11.0) == 0.5


def test_a_detector_that_fails_ends_one_connection(caplog: pytest.LogCaptureFixture) -> None:
    def broken(names: object, rate: int) -> Never:
        raise RuntimeError("no such\noperator")

    service = WyomingService(WyomingSettings(port=0), offered(words_of(models())), broken)

    async def stream_into() -> None:
        with suppress(ConnectionError):  # it hangs up while we still send
            async with client(service) as connected:
                await send_chunks(connected, beeps((), 1.0))
                assert await asyncio.wait_for(connected.read_event(), 60) is None

    asyncio.run(stream_into())
    assert "disconnected for an error, RuntimeError('no such\\noperator')" in caplog.text
    assert asyncio.run(pinged(service))
    service.close()


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "RETRY_SECONDS", 0.1)


@pytest.mark.usefixtures("_impatient")
def test_a_port_in_use_is_said_and_tried_again(
    service: WyomingService, caplog: pytest.LogCaptureFixture
) -> None:
    settings = replace(service.settings, port=service.port)
    second = WyomingService(settings, service.words, service.open_spotter)
    assert not second.is_serving
    time.sleep(0.5)
    assert caplog.text.count(f"cannot listen on 127.0.0.1:{service.port}") == 1
    service.close()
    wait_until(lambda: second.is_serving)
    assert asyncio.run(pinged(second))
    second.close()


@pytest.mark.usefixtures("_impatient")
def test_an_address_that_nobody_has_yet(caplog: pytest.LogCaptureFixture) -> None:
    service = serve(host="192.0.2.77")
    assert not service.is_serving
    assert "cannot listen on 192.0.2.77:0" in caplog.text
    service.close()


@pytest.mark.usefixtures("_impatient")
def test_a_service_that_fails_comes_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(WyomingService, "_beat_until_stopped", fail_once(RuntimeError("bad luck")))
    service = serve()
    wait_until(lambda: "the service failed: bad luck" in caplog.text)
    wait_until(lambda: service.is_serving)
    assert asyncio.run(pinged(service))
    service.close()


def fail_once(error: Exception) -> Callable[..., Awaitable[None]]:
    proper = WyomingService._beat_until_stopped
    raised: list[Exception] = []

    async def beat(self: WyomingService, stop: asyncio.Event) -> None:
        if not raised:
            raised.append(error)
            raise error
        await proper(self, stop)

    return beat


def test_close_hangs_up(service: WyomingService) -> None:
    async def wait_for_the_end() -> Event | None:
        async with client(service) as connected:
            await connected.write_event(Ping().event())
            await answer(connected)
            service.close()
            return await asyncio.wait_for(connected.read_event(), 60)

    assert asyncio.run(wait_for_the_end()) is None


@pytest.fixture
def address() -> str:
    pytest.importorskip("zeroconf")
    from firmware_py.wake_service.announcement import own_address

    try:
        return own_address()
    except OSError:
        pytest.skip("no network interface that reaches a multicast address")


def announced_at(name: str) -> list[str]:
    """Return the addresses of a service of this name on the local network, and its port."""
    from zeroconf import Zeroconf

    browser = Zeroconf()
    try:
        found = browser.get_service_info(WYOMING, f"{name}.{WYOMING}", timeout=1500)
        return [f"{each}:{found.port}" for each in found.parsed_addresses()] if found else []
    finally:
        browser.close()


def test_the_announcement_is_found(address: str) -> None:
    service = serve(host="0.0.0.0", zeroconf=True, name="tested-here")
    wait_until(lambda: announced_at("tested-here") == [f"{address}:{service.port}"])
    service.close()
    assert announced_at("tested-here") == []


def test_the_announcement_follows_the_network(
    address: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """No network at the start, then one, then another address."""
    from firmware_py.wake_service import announcement

    def no_network() -> str:
        raise OSError("Network is unreachable")

    monkeypatch.setattr(announcement, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(announcement, "own_address", no_network)
    service = serve(host="0.0.0.0", zeroconf=True, name="moves")
    assert asyncio.run(pinged(service))
    wait_until(lambda: "cannot be announced now: Network is unreachable" in caplog.text)
    for each in ("192.0.2.1", address):
        monkeypatch.setattr(announcement, "own_address", lambda each=each: each)
        wait_until(lambda each=each: announced_at("moves") == [f"{each}:{service.port}"])
    service.close()


def test_words_with_the_same_label_are_told_apart() -> None:
    one, other = models()[0], models()[0]
    renamed = replace(other.artefact, metadata=replace(other.artefact.metadata, name="again"))
    words = words_of([one, replace(other, artefact=renamed), models()[1]])
    assert [word.name for word in words] == ["beep/beep", "again/beep", "hoot"]


def test_pcm_widths() -> None:
    samples = np.array([-32768, -1, 0, 1, 32767], np.int16)
    for width in (2, 3, 4):
        np.testing.assert_array_equal(mono_samples(encoded(samples, width, 2), width, 2), samples)
    assert mono_samples(bytes([0, 128, 255]), 1, 1).tolist() == [-32768, 0, 32512]
    with pytest.raises(AudioError, match="not whole frames"):
        mono_samples(b"123", 2, 1)
