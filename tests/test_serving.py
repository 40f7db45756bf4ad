"""A site without a microphone: it serves clients, and the service manager watches it."""

import asyncio
import signal
import socket
import urllib.request
import warnings
from pathlib import Path

import numpy as np
import pytest
from running_daemon import running, write_settings
from test_loop import await_message, free_port, messages_now, service_manager
from virtual_sound import beeps

pytest.importorskip("wyoming")

NO_MICROPHONE = "[microphone]\nenabled = false\n"
NO_PYAUDIO = "sys.modules['pyaudio'] = None"


def test_ready_watched_counted_and_reloaded(without_sound: dict[str, str], tmp_path: Path) -> None:
    port, metrics_port = free_port(), free_port()
    text = (
        f"{NO_MICROPHONE}[wyoming]\nport = {port}\n[service]\nmetrics_port = {metrics_port}\n"
        "[[command]]\nprogram = ['true']\n"
    )
    path = write_settings(tmp_path, text)
    with service_manager(tmp_path) as manager:
        environment = {
            **without_sound,
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
            "WATCHDOG_USEC": "1000000",
        }
        with running(environment, "--settings", str(path), prelude=NO_PYAUDIO) as daemon:
            await_message(manager, b"READY=1")
            await_message(manager, b"WATCHDOG=1")
            daemon.wait_for_log("without a microphone, [command] is never used")
            assert wyoming_answers(port) == ["detection"]
            measured = metrics(metrics_port)
            assert 'trigger_word_wyoming_detections_total{label="beep"} 1' in measured
            assert "trigger_word_wyoming_up 1.0" in measured
            write_settings(tmp_path, f"threshold = 1.0\n{text}")
            daemon.process.send_signal(signal.SIGHUP)
            await_message(manager, b"RELOADING=1")
            await_message(manager, b"READY=1")
            assert wyoming_answers(port) == ["not-detected"]
            assert 'detections_total{label="beep"} 1' in metrics(metrics_port)
            write_settings(tmp_path, "")
            daemon.process.send_signal(signal.SIGHUP)
            daemon.wait_for_log("microphone.enabled has changed; restart the service for it")
            assert daemon.end() == 0
            assert b"STOPPING=1" in messages_now(manager)


def test_it_is_ready_when_it_can_listen(without_sound: dict[str, str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, service_manager(tmp_path) as manager:
        port = other.getsockname()[1]
        path = write_settings(tmp_path, f"{NO_MICROPHONE}[wyoming]\nport = {port}\n")
        environment = {**without_sound, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        with running(environment, "--settings", str(path)) as daemon:
            daemon.wait_for_log(f"wyoming: cannot listen on 127.0.0.1:{port}")
            await_message(manager, b"STATUS=not serving")
            other.close()
            await_message(manager, b"READY=1")
            assert wyoming_answers(port) == ["detection"]
            assert daemon.end() == 0


def test_neither_microphone_nor_service(without_sound: dict[str, str], tmp_path: Path) -> None:
    path = write_settings(tmp_path, NO_MICROPHONE)
    with running(without_sound, "--settings", str(path)) as daemon:
        assert daemon.ended() == 2
    assert "microphone.enabled is False; it must be true, or [wyoming] be given" in daemon.log
    assert len(daemon.log.splitlines()) == 1


def metrics(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        return str(answer.read().decode())


def test_a_wyoming_client_before_and_after_a_reload(
    without_sound: dict[str, str], tmp_path: Path
) -> None:
    """The service needs no microphone; another threshold is in force on the same port."""
    port = free_port()
    wyoming = f"[wyoming]\nport = {port}\n"
    path = write_settings(tmp_path, wyoming)
    with running(without_sound, "--settings", str(path)) as daemon:
        daemon.wait_for_log("wyoming: listening on 127.0.0.1")
        assert wyoming_answers(port) == ["detection"]
        write_settings(tmp_path, f"threshold = 1.0\n{wyoming}")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for_log("settings and models are read again")
        assert wyoming_answers(port) == ["not-detected"]
        assert daemon.end() == 0


def wyoming_answers(port: int) -> list[str]:
    """Return the types of what the service says to one beep, streamed at 16 kHz."""
    with warnings.catch_warnings():
        # On Python 3.11 and 3.12 the library takes Python's own audioop.
        warnings.simplefilter("ignore", DeprecationWarning)
        from wyoming.audio import AudioChunk, AudioStart, AudioStop
    from wyoming.client import AsyncTcpClient
    from wyoming.ping import Ping
    from wyoming.wake import Detect

    async def ask() -> list[str]:
        async with AsyncTcpClient("127.0.0.1", port) as client:
            await client.write_event(Detect(names=["beep"]).event())
            await client.write_event(AudioStart(16000, 2, 1).event())
            for piece in np.array_split(beeps((0.5,), 1.5), 50):
                await client.write_event(AudioChunk(16000, 2, 1, piece.tobytes()).event())
            await client.write_event(AudioStop().event())
            await client.write_event(Ping().event())
            types: list[str] = []
            while "pong" not in types:
                event = await asyncio.wait_for(client.read_event(), 60)
                assert event is not None
                types.append(event.type)
            return types[:-1]

    return asyncio.run(ask())
