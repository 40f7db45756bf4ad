"""Every output of the settings is tried, and a detection is pretended through all of them."""

import json
import socket
import warnings
from pathlib import Path
from typing import Never

import pytest
from made_servers import served

from firmware_py.artefact import read_artefact
from firmware_py.ensemble import Model
from firmware_py.errors import DeviceError, SettingsError
from firmware_py.live.checking.outputs import check_outputs
from firmware_py.live.checking.pretence import pretend
from firmware_py.live.checking.result import CheckResult
from firmware_py.live.site_models import Site
from firmware_py.settings import Settings
from firmware_py.settings.outputs import (
    ChimeSettings,
    CommandSettings,
    GpioSettings,
    MqttSettings,
    WebhookSettings,
    WyomingSettings,
)

pytest.importorskip("paho.mqtt.client")
from test_mqtt import Broker, Subscriber, broker, wait_until  # noqa: F401

BEEP = Path(__file__).parent / "data" / "beep.tflite"
SILENT = ChimeSettings(sound="off")


def checked(**settings: object) -> CheckResult:
    (result,) = check_outputs(Settings(**settings))  # type: ignore[arg-type]
    return result


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_program_is_looked_for_and_not_run(tmp_path: Path) -> None:
    program = tmp_path / "lamp"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    command = (CommandSettings(program=(str(program),)),)
    assert checked(command=command).verdict == "failed"
    assert "chmod +x" in checked(command=command).text
    program.chmod(0o755)
    assert checked(command=command).verdict == "ok"
    assert not (tmp_path / "ran").exists()
    missing = checked(command=(CommandSettings(program=("no-such-program",)),))
    assert missing == CheckResult(
        "command no-such-program", "failed", "no-such-program: no such program"
    )


def test_a_web_server_is_reached_and_told_nothing() -> None:
    received: list[bytes] = []
    with served(lambda connection: received.append(connection.recv(100))) as port:
        url = f"http://u:p@127.0.0.1:{port}/hook"
        result = checked(webhook=(WebhookSettings(url=url),))
        assert (result.name, result.verdict) == (f"webhook http://127.0.0.1:{port}/hook", "ok")
        wait_until(lambda: received == [b""])
    result = checked(webhook=(WebhookSettings(url=f"http://127.0.0.1:{free_port()}/"),))
    assert (result.verdict, result.text[:16]) == ("failed", "nothing listens ")


def mqtt(port: int) -> MqttSettings:
    return MqttSettings(host="127.0.0.1", port=port, device_id="kitchen")


def test_a_broker_takes_a_message_beside_the_service(broker: Broker) -> None:
    from firmware_py.outputs.mqtt import Mqtt

    service = Mqtt(mqtt(broker.port), ["beep"], "1")
    listener = Subscriber(broker)
    availability = "trigger-word/kitchen/availability"
    wait_until(lambda: listener.on(availability) == ["online"])
    result = checked(mqtt=mqtt(broker.port))
    assert (result.name, result.verdict) == ("mqtt", "ok"), result
    wait_until(lambda: listener.on("trigger-word/kitchen/check") == ["check"])
    assert service.broker.is_connected
    assert listener.on(availability) == ["online"]
    service.close()
    listener.close()


def test_a_broker_that_refuses(tmp_path: Path) -> None:
    (tmp_path / "acl").write_text("topic read #\n")
    (tmp_path / "acl").chmod(0o600)
    strict = Broker(tmp_path, options=f"allow_anonymous true\nacl_file {tmp_path}/acl\n")
    strict.start()
    result = checked(mqtt=mqtt(strict.port))
    strict.stop()
    assert result.verdict == "failed"
    assert "refuses what we publish: Not authorized" in result.text
    assert "nothing listens on 127.0.0.1" in checked(mqtt=mqtt(strict.port)).text


def test_the_service_can_listen() -> None:
    with warnings.catch_warnings():
        # On Python 3.11 and 3.12 the library takes Python's own audioop.
        warnings.simplefilter("ignore", DeprecationWarning)
        pytest.importorskip("wyoming.audio")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = checked(wyoming=WyomingSettings(port=port))
        assert result.verdict == "failed"
        assert f"cannot listen on 127.0.0.1:{port}" in result.text
    assert checked(wyoming=WyomingSettings(port=port)).verdict == "ok"


@pytest.fixture
def models() -> list[Model]:
    artefact = read_artefact(BEEP)
    return [Model(artefact, artefact.metadata.trigger)]


def no_sound() -> Never:
    raise DeviceError("no sound here")


def test_a_pretended_detection_reaches_every_output(
    models: list[Model],
    broker: Broker,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    posted: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        posted.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    listener = Subscriber(broker)
    with served(answer) as port:
        settings = Settings(
            gpio=(GpioSettings(line="LAMP", backend="mock", pulse_seconds=0.1),),
            command=(
                CommandSettings(program=("sh", "-c", f"env > {tmp_path}/env")),
                CommandSettings(program=("false",)),
            ),
            webhook=(WebhookSettings(url=f"http://127.0.0.1:{port}/"),),
            mqtt=mqtt(broker.port),
        )
        results = list(pretend(Site(settings, models), no_sound, ""))
    verdicts = {result.name: result.verdict for result in results}
    assert verdicts == {
        "chime": "failed",
        "gpio LAMP": "ok",
        "command sh": "ok",
        "command false": "failed",
        f"webhook http://127.0.0.1:{port}/": "ok",
        "mqtt": "ok",
    }
    assert "mock LAMP is on" in caplog.text
    assert caplog.text.rindex("mock LAMP is off") > caplog.text.rindex("mock LAMP is on")
    assert "TRIGGER_WORD_LABEL=beep" in (tmp_path / "env").read_text()
    assert json.loads(posted[0].partition(b"\r\n\r\n")[2] or b"{}").get("label", "beep") == "beep"
    wait_until(lambda: listener.on("trigger-word/kitchen/event"))
    assert json.loads(listener.on("trigger-word/kitchen/event")[0])["event_type"] == "beep"
    listener.close()


def test_labels_are_heeded(models: list[Model]) -> None:
    settings = Settings(
        chime=SILENT,
        command=(CommandSettings(program=("true",), labels=("other",)),),
    )
    (result,) = pretend(Site(settings, models), no_sound, "beep")
    assert (result.verdict, result.text) == ("skipped", "is for other only")
    with pytest.raises(SettingsError, match="no model has the label 'moo'; there is beep"):
        list(pretend(Site(settings, models), no_sound, "moo"))


def test_two_outputs_of_one_name_are_told_apart(models: list[Model]) -> None:
    twice = (CommandSettings(program=("true", "1")), CommandSettings(program=("true", "2")))
    results = pretend(Site(Settings(chime=SILENT, command=twice), models), no_sound, "")
    assert [result.name for result in results] == ["command true", "command true (2)"]
