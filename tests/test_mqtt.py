"""MQTT against a real mosquitto: discovery, last will, TLS, and a broker that goes away."""
# ruff: noqa: E402 (what follows importorskip)

import gc
import json
import logging
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

paho = pytest.importorskip("paho.mqtt.client")
from paho.mqtt.enums import CallbackAPIVersion

from firmware_py.errors import DeviceError, SettingsError
from firmware_py.outputs import mqtt as module
from firmware_py.outputs.event import Event
from firmware_py.outputs.mqtt import Mqtt, read_credentials
from firmware_py.settings.outputs import MqttSettings

EVENT = Event("activate", "activate", 0.9, 12.5, "2026-01-01T00:00:00+00:00", 1.0)
EVENT_TOPIC = "trigger-word/kitchen/event"
AVAILABILITY = "trigger-word/kitchen/availability"
DISCOVERY = "homeassistant/device/kitchen/config"


def wait_until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Broker:
    """A mosquitto of our own."""

    folder: Path
    port: int = field(default_factory=free_port)
    options: str = "allow_anonymous true\n"
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        config = self.folder / "mosquitto.conf"
        config.write_text(
            f"user root\npersistence true\npersistence_location {self.folder}/\n"
            f"listener {self.port} 127.0.0.1\n{self.options}"
        )
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self.process = subprocess.Popen(
            [program, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(self._answers)

    def stop(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Subscriber:
    """Another client, which keeps what it hears; the broker keeps it for one with a name."""

    def __init__(self, broker: Broker, name: str = "") -> None:
        self.heard: list[tuple[str, str, bool]] = []
        self.subscribed = False
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=name, clean_session=not name
        )
        self.client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self.client.on_subscribe = lambda *_: setattr(self, "subscribed", True)
        self.client.on_message = lambda _client, _data, message: self.heard.append(
            (message.topic, message.payload.decode(), message.retain)
        )
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()
        wait_until(lambda: self.subscribed)

    def on(self, topic: str) -> list[str]:
        return [payload for heard, payload, _ in self.heard if heard == topic]

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    if not (shutil.which("mosquitto") or Path("/usr/sbin/mosquitto").exists()):
        pytest.skip("mosquitto is not installed (apt: mosquitto)")
    broker = Broker(tmp_path)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RECONNECT_SECONDS", (1, 1))


def output(broker: Broker, **settings: object) -> Mqtt:
    base = MqttSettings(
        host="127.0.0.1", port=broker.port, device_id="kitchen", keepalive_seconds=2
    )
    return Mqtt(replace(base, **settings), ["activate", "stop"], "1.2.3")  # type: ignore[arg-type]


def test_discovery_events_and_goodbye(broker: Broker) -> None:
    mqtt = output(broker, device_name="Kitchen")
    listener = Subscriber(broker)
    wait_until(lambda: listener.on(AVAILABILITY) == ["online"])
    mqtt.handle(EVENT)
    wait_until(lambda: listener.on(EVENT_TOPIC))
    assert json.loads(listener.on(EVENT_TOPIC)[0]) == {"event_type": "activate", **EVENT.payload()}
    announced = json.loads(listener.on(DISCOVERY)[0])
    assert announced["device"]["identifiers"] == ["kitchen"]
    assert announced["device"]["name"] == "Kitchen"
    assert announced["availability_topic"] == AVAILABILITY
    (component,) = announced["components"].values()
    assert component["platform"] == "event"
    assert component["event_types"] == ["activate", "stop"]
    assert component["state_topic"] == EVENT_TOPIC
    assert component["unique_id"]
    mqtt.close()
    wait_until(lambda: listener.on(AVAILABILITY)[-1] == "offline")
    late = Subscriber(broker)
    wait_until(lambda: late.on(AVAILABILITY))
    retained = {topic: keep for topic, _, keep in late.heard}
    assert retained == {AVAILABILITY: True, DISCOVERY: True}
    listener.close()
    late.close()


def test_the_last_will_when_the_device_dies(broker: Broker) -> None:
    mqtt = output(broker)
    listener = Subscriber(broker)
    wait_until(lambda: listener.on(AVAILABILITY) == ["online"])
    mqtt._client.socket().shutdown(socket.SHUT_RDWR)  # as if the cable were cut
    wait_until(lambda: "offline" in listener.on(AVAILABILITY))
    wait_until(lambda: listener.on(AVAILABILITY)[-1] == "online")  # and it comes back
    mqtt.close()
    listener.close()


def test_no_event_is_lost_while_the_broker_is_away(broker: Broker) -> None:
    """The broker keeps the events for a subscriber that comes back later."""
    Subscriber(broker, "listener").close()
    mqtt = output(broker)
    mqtt.handle(replace(EVENT, time_seconds=0.0))
    wait_until(mqtt._client.is_connected)
    broker.stop()
    for number in range(1, 60):
        mqtt.handle(replace(EVENT, time_seconds=float(number)))
    assert mqtt.waiting >= 59
    broker.start()
    wait_until(lambda: mqtt.waiting == 0)
    listener = Subscriber(broker, "listener")
    wait_until(lambda: len(listener.on(EVENT_TOPIC)) >= 60)
    times = [json.loads(payload)["time_seconds"] for payload in listener.on(EVENT_TOPIC)]
    assert sorted(set(times)) == [float(number) for number in range(60)]
    assert listener.on(AVAILABILITY)[-1] == "online"
    mqtt.close()
    listener.close()


def test_events_from_before_the_first_connection_arrive(broker: Broker) -> None:
    Subscriber(broker, "listener").close()
    broker.stop()
    mqtt = output(broker)
    for number in range(20):
        mqtt.handle(replace(EVENT, time_seconds=float(number)))
    time.sleep(1.2)
    broker.start()
    wait_until(lambda: mqtt.waiting == 0)
    listener = Subscriber(broker, "listener")
    wait_until(lambda: len(listener.on(EVENT_TOPIC)) == 20)
    mqtt.close()
    listener.close()


def test_more_than_the_bound_is_refused(broker: Broker) -> None:
    broker.stop()
    mqtt = output(broker, queue_length=3)
    for _ in range(3):
        mqtt.handle(EVENT)
    with pytest.raises(DeviceError, match="3 events wait for it already; 'activate' is lost"):
        mqtt.handle(EVENT)
    mqtt.close()
    broker.start()


@pytest.fixture
def secure_broker(tmp_path: Path) -> Iterator[Broker]:
    """TLS with a certificate of its own authority, and one user."""
    for program in ("openssl", "mosquitto_passwd"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed (apt: openssl mosquitto)")
    make_certificates(tmp_path)
    subprocess.run(
        ["mosquitto_passwd", "-b", "-c", str(tmp_path / "users"), "pi", "s3cret"],
        check=True,
        capture_output=True,
    )
    options = (
        f"allow_anonymous false\npassword_file {tmp_path}/users\ncafile {tmp_path}/ca.pem\n"
        f"certfile {tmp_path}/server.pem\nkeyfile {tmp_path}/server.key\n"
    )
    broker = Broker(tmp_path, options=options)
    broker.start()
    yield broker
    broker.stop()


def make_certificates(folder: Path) -> None:
    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    (folder / "san").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    openssl(
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        "-subj",
        "/CN=Test CA",
        "-days",
        "2",
    )
    openssl(
        "req",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "server.key",
        "-out",
        "server.csr",
        "-subj",
        "/CN=localhost",
    )
    openssl(
        "x509",
        "-req",
        "-in",
        "server.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-out",
        "server.pem",
        "-days",
        "2",
        "-extfile",
        "san",
    )


def write_credentials(folder: Path, password: str) -> str:
    path = folder / "credentials.toml"
    path.write_text(f'username = "pi"\npassword = "{password}"\n')
    path.chmod(0o600)
    return str(path)


def test_tls_and_password(secure_broker: Broker, tmp_path: Path) -> None:
    mqtt = output(
        secure_broker,
        tls=True,
        ca_file=str(tmp_path / "ca.pem"),
        credentials_file=write_credentials(tmp_path, "s3cret"),
    )
    mqtt.handle(EVENT)
    wait_until(lambda: mqtt.waiting == 0)
    secure_broker.stop()
    mqtt.handle(EVENT)
    secure_broker.start()
    wait_until(lambda: mqtt.waiting == 0)
    mqtt.close()


def test_a_wrong_password_is_said_and_keeps_the_events(
    secure_broker: Broker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mqtt = output(
        secure_broker,
        tls=True,
        ca_file=str(tmp_path / "ca.pem"),
        credentials_file=write_credentials(tmp_path, "guess"),
    )
    mqtt.handle(EVENT)
    wait_until(lambda: "refuses us: Not authorized" in caplog.text)
    assert mqtt.waiting == 1
    assert "guess" not in caplog.text
    mqtt.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broker_whose_certificate_is_not_trusted(
    secure_broker: Broker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mqtt = output(secure_broker, tls=True, credentials_file=write_credentials(tmp_path, "s3cret"))
    mqtt.handle(EVENT)
    wait_until(lambda: "does not answer" in caplog.text)
    assert mqtt.waiting == 1
    mqtt.close()
    gc.collect()  # paho leaves the socket of a failed handshake open


def test_bad_files(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = MqttSettings(tls=True, ca_file=str(tmp_path / "none.pem"))
    with pytest.raises(SettingsError, match=r"none\.pem"):
        Mqtt(settings, ["x"], "1")
    path = tmp_path / "credentials.toml"
    with pytest.raises(SettingsError, match="cannot read the credentials: No such file"):
        read_credentials(path)
    for content in (
        "password = 's3cret'",
        "username = 's3cret",
        "username = 1\npassword = 's3cret'",
    ):
        path.write_text(content)
        with pytest.raises(SettingsError) as error:
            read_credentials(path)
        assert "s3cret" not in str(error.value)
    path.write_text("username = 'a'\npassword = 'b'")
    path.chmod(0o644)
    with caplog.at_level(logging.WARNING):
        read_credentials(path)
    assert "every user" in caplog.text
