"""The wake-word service, asked by the Wyoming library's own client."""

import asyncio
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

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
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.wake import Detect, Detection, NotDetected

from firmware_py import Detector
from firmware_py.artefact import read_artefact
from firmware_py.ensemble import Model
from firmware_py.errors import AudioError, DeviceError
from firmware_py.live.wake_words import offered, spotter_for, words_of
from firmware_py.outputs.pcm import mono_samples
from firmware_py.outputs.wyoming import WyomingService
from firmware_py.settings.outputs import WyomingSettings

DATA = Path(__file__).parent / "data"


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
    event = await asyncio.wait_for(connected.read_event(), 20)
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


@pytest.mark.parametrize("fault", ["rate", "width", "half", "noise"])
def test_nonsense_ends_one_connection_only(service: WyomingService, fault: str) -> None:
    async def disturb() -> None:
        async with client(service) as connected:
            if fault == "noise":
                assert connected._writer
                connected._writer.write(b"GET / HTTP/1.1\r\n\r\n")
            else:
                rate, width = (9**9 if fault == "rate" else 16000), (7 if fault == "width" else 2)
                data = b"\0" * (7 if fault == "half" else 28)
                await connected.write_event(AudioChunk(rate, width, 1, data).event())
            assert await asyncio.wait_for(connected.read_event(), 20) is None

    asyncio.run(disturb())
    (event,) = asyncio.run(answers_to(service, beeps((1.0,), 2.0)))
    assert Detection.is_type(event.type)


def test_too_many_clients() -> None:
    service = serve(max_clients=1)

    async def second() -> Event | None:
        async with client(service) as first:
            await first.write_event(Ping().event())
            await answer(first)
            async with client(service) as connected:
                return await asyncio.wait_for(connected.read_event(), 20)

    assert asyncio.run(second()) is None
    service.close()


def test_a_port_in_use(service: WyomingService) -> None:
    settings = replace(service.settings, port=service.port)
    with pytest.raises(DeviceError, match=f"cannot listen on 127.0.0.1:{service.port}"):
        WyomingService(settings, [], service.open_spotter)


def test_close_hangs_up(service: WyomingService) -> None:
    async def wait_for_the_end() -> Event | None:
        async with client(service) as connected:
            await connected.write_event(Ping().event())
            await answer(connected)
            service.close()
            return await asyncio.wait_for(connected.read_event(), 20)

    assert asyncio.run(wait_for_the_end()) is None


def test_the_announcement_is_found() -> None:
    zeroconf = pytest.importorskip("zeroconf")
    from firmware_py.outputs.announcement import WYOMING, own_address

    try:
        own_address()
    except OSError:
        pytest.skip("no network interface that reaches a multicast address")
    service = serve(host="0.0.0.0", zeroconf=True, name="tested-here")
    browser = zeroconf.Zeroconf()
    found = browser.get_service_info(WYOMING, f"tested-here.{WYOMING}", timeout=5000)
    browser.close()
    service.close()
    assert found is not None
    assert found.port == service.port
    assert found.parsed_addresses() == [own_address()]


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
    with pytest.raises(AudioError, match="no whole frames"):
        mono_samples(b"123", 2, 1)
