"""MQTT against a real mosquitto: discovery, last will, TLS, and a broker that goes away."""
# ruff: noqa: E402 (what follows importorskip)

import gc
import json
import logging
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from made_servers import served

paho = pytest.importorskip("paho.mqtt.client")
from paho.mqtt.enums import CallbackAPIVersion

from firmware_py.errors import DeviceError, SettingsError
from firmware_py.outputs import broker as module
from firmware_py.outputs import home_assistant, home_controls
from firmware_py.outputs.broker_client import BrokerClient
from firmware_py.outputs.event import Event
from firmware_py.outputs.mqtt import Mqtt
from firmware_py.settings.outputs import MqttSettings
from firmware_py.settings.secret_files import read_credentials

EVENT = Event("activate", "activate", 0.9, 12.5, "2026-01-01T00:00:00+00:00", 1.0)
EVENT_TOPIC = "trigger-word/kitchen/event"
AVAILABILITY = "trigger-word/kitchen/availability"
DISCOVERY = "homeassistant/device/kitchen/config"


def wait_until(condition: Callable[[], object], seconds: float = 60.0) -> None:
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
    monkeypatch.setattr(module, "TWIN_SECONDS", 1)


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


class PretendedHome:
    """A device that keeps what it is told."""

    def __init__(self) -> None:
        self.changed: list[Callable[[], None]] = []
        self.listening = True
        self.point = "standard"
        self.tested: list[str] = []
        self.detections = 7
        self.level_dbfs = -47.26

    def status(self) -> dict[str, Any]:
        points = [{"name": "sensitive"}, {"name": "standard"}]
        return {
            "listening": self.listening,
            "faults": [{"fault": "missing", "text": "No microphone is open"}],
            "real_time_factor": 0.0123,
            "level_dbfs": self.level_dbfs,
            "detections_today": self.detections,
            "temperature_celsius": 51.0,
            "models": [{"name": "Hey Pi", "points": points, "current": self.point}],
            "tests": ["chime", "mqtt"],
        }

    def set_sensitivity(self, model: str, point: str | None) -> None:
        if (model, point) != ("Hey Pi", "sensitive"):
            raise SettingsError(f"no operating point {point!r}")
        self.point = "sensitive"
        self.changed[0]()

    def set_listening(self, listening: bool) -> None:
        self.listening = listening
        self.changed[0]()

    def test(self, what: str) -> None:
        self.tested.append(what)


def test_what_home_assistant_may_see_and_change(broker: Broker) -> None:
    home = PretendedHome()
    base = MqttSettings(host="127.0.0.1", port=broker.port, device_id="kitchen")
    mqtt = Mqtt(base, ["activate"], "1.2.3", home)
    listener = Subscriber(broker)
    topic = "trigger-word/kitchen/status"
    wait_until(lambda: listener.on(topic) and listener.on(DISCOVERY))
    components = json.loads(listener.on(DISCOVERY)[0])["components"]
    assert {each["platform"] for each in components.values()} == {
        "event",
        "switch",
        "select",
        "button",
        "sensor",
        "binary_sensor",
    }
    assert len({each["unique_id"] for each in components.values()}) == len(components)
    assert components["sensitivity_hey_pi"]["options"] == ["sensitive", "standard"]
    told = json.loads(listener.on(topic)[-1])
    for name, each in components.items():
        if each["platform"] in ("switch", "select", "sensor", "binary_sensor"):
            assert each["state_topic"] == topic
            assert each["value_template"] == f"{{{{ value_json.{name} }}}}"
            assert name in told
    assert (told["listening"], told["problem"], told["load"]) == ("ON", "ON", 1.23)
    assert told["level"] == -47.3

    def send(name: str, payload: str) -> None:
        listener.client.publish(components[name]["command_topic"], payload, 1)

    send("listening", "OFF")
    wait_until(lambda: json.loads(listener.on(topic)[-1])["listening"] == "OFF")
    assert json.loads(listener.on(topic)[-1])["level"] is None
    send("sensitivity_hey_pi", "nonsense")
    send("sensitivity_hey_pi", "sensitive")
    wait_until(lambda: json.loads(listener.on(topic)[-1])["sensitivity_hey_pi"] == "sensitive")
    send("test_chime", components["test_chime"]["payload_press"])
    wait_until(lambda: home.tested == ["chime"])
    mqtt.close()
    assert home.changed == []


def test_what_changes_by_itself_is_told_at_once_and_what_is_measured_now_and_then(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home_controls, "LOOK_SECONDS", 0.05)
    home = PretendedHome()
    base = MqttSettings(host="127.0.0.1", port=broker.port, device_id="kitchen")
    mqtt = Mqtt(base, ["activate"], "1.2.3", home)
    listener = Subscriber(broker)
    topic = "trigger-word/kitchen/status"
    wait_until(lambda: listener.on(topic))
    told = len(listener.on(topic))
    home.level_dbfs = -20.0
    time.sleep(0.3)
    assert len(listener.on(topic)) == told
    home.detections = 8
    wait_until(lambda: json.loads(listener.on(topic)[-1])["detections_today"] == 8)
    assert json.loads(listener.on(topic)[-1])["level"] == -20.0
    mqtt.close()


def test_the_last_will_when_the_device_dies(broker: Broker) -> None:
    mqtt = output(broker)
    listener = Subscriber(broker)
    wait_until(lambda: listener.on(AVAILABILITY) == ["online"])
    mqtt.broker._client.socket().shutdown(socket.SHUT_RDWR)  # as if the cable were cut
    wait_until(lambda: "offline" in listener.on(AVAILABILITY))
    wait_until(lambda: listener.on(AVAILABILITY)[-1] == "online")  # and it comes back
    mqtt.close()
    listener.close()


def test_no_event_is_lost_while_the_broker_is_away(broker: Broker) -> None:
    """The broker keeps the events for a subscriber that comes back later."""
    Subscriber(broker, "listener").close()
    mqtt = output(broker)
    mqtt.handle(replace(EVENT, time_seconds=0.0))
    wait_until(lambda: mqtt.broker.is_connected)
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


def test_a_closed_output_holds_no_socket(broker: Broker) -> None:
    """At once: what waits for the garbage collector adds up over years of reloads."""

    def descriptors_after_use() -> int:
        mqtt = output(broker)
        wait_until(lambda: mqtt.broker.is_connected)
        mqtt.close()
        return len(list(Path("/proc/self/fd").iterdir()))

    gc.disable()
    try:
        first = descriptors_after_use()
        assert [descriptors_after_use() for _ in range(4)] == [first] * 4
    finally:
        gc.enable()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broker_whose_certificate_is_not_trusted(
    secure_broker: Broker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mqtt = output(secure_broker, tls=True, credentials_file=write_credentials(tmp_path, "s3cret"))
    mqtt.handle(EVENT)
    said = "('localhost', issued by 'Test CA') is of an authority that is not trusted"
    wait_until(lambda: said in caplog.text)
    assert mqtt.waiting == 1
    mqtt.close()
    gc.collect()  # paho leaves the socket of a failed handshake open


def test_bad_files(tmp_path: Path) -> None:
    settings = MqttSettings(tls=True, ca_file=str(tmp_path / "none.pem"))
    with pytest.raises(SettingsError, match=r"none\.pem"):
        Mqtt(settings, ["x"], "1")
    path = tmp_path / "credentials.toml"
    with pytest.raises(SettingsError, match="cannot read the secret: No such file"):
        read_credentials(path)
    for content in (
        "password = 's3cret'",
        "username = 's3cret",
        "username = 1\npassword = 's3cret'",
    ):
        path.write_text(content)
        path.chmod(0o600)
        with pytest.raises(SettingsError) as error:
            read_credentials(path)
        assert "s3cret" not in str(error.value)
    path.write_text("username = 'a'\npassword = 'b'")
    for mode in (0o604, 0o602, 0o660, 0o644, 0o666):
        path.chmod(mode)
        with pytest.raises(SettingsError, match=f"mode {mode:o}.; close it: chmod g-w,o="):
            read_credentials(path)
    for mode in (0o600, 0o640, 0o400):
        path.chmod(mode)
        assert read_credentials(path).username == "a"
    key = tmp_path / "key.pem"
    key.write_text("secret")
    key.chmod(0o644)
    with pytest.raises(SettingsError, match=r"key\.pem: others can use this secret"):
        Mqtt(MqttSettings(tls=True, certificate_file=str(path), key_file=str(key)), ["x"], "1")


@contextmanager
def opened(broker_or_port: Broker | int, **settings: object) -> Iterator[Mqtt]:
    port = broker_or_port if isinstance(broker_or_port, int) else broker_or_port.port
    mqtt = Mqtt(
        MqttSettings(**{"host": "127.0.0.1", "port": port, "device_id": "kitchen", **settings}),  # type: ignore[arg-type]
        ["activate"],
        "1",
    )
    try:
        yield mqtt
    finally:
        mqtt.close()


def test_mqtt_5_is_spoken(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with opened(broker):
        wait_until(lambda: "as kitchen, MQTT 5" in caplog.text)


@pytest.mark.parametrize("refusal", [b"\x20\x02\x00\x01", b""], ids=["says so", "hangs up"])
def test_a_broker_of_the_older_version(
    broker: Broker, refusal: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """One that refuses MQTT 5 stands before the real one."""
    caplog.set_level(logging.INFO)
    with (
        served(lambda connection: older_broker(connection, broker.port, refusal)) as port,
        opened(port) as mqtt,
    ):
        mqtt.handle(EVENT)
        wait_until(lambda: mqtt.waiting == 0)
        assert "as kitchen, MQTT 3.1.1" in caplog.text


def older_broker(connection: socket.socket, port: int, refusal: bytes) -> None:
    begin = connection.recv(4096)
    if begin[begin.index(b"MQTT") + 4] == 5:
        connection.sendall(refusal)
        return
    with socket.create_connection(("127.0.0.1", port)) as behind:
        behind.sendall(begin)
        for source, target in ((connection, behind), (behind, connection)):
            threading.Thread(target=pipe, args=(source, target), daemon=True).start()
        wait_until(lambda: connection.fileno() == -1, 60.0)


def pipe(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(4096):
            target.sendall(data)
        target.shutdown(socket.SHUT_RDWR)
        source.close()


def test_refused_publishing_is_said_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "acl").write_text("topic read #\n")
    (tmp_path / "acl").chmod(0o600)
    broker = Broker(tmp_path, options=f"allow_anonymous true\nacl_file {tmp_path}/acl\n")
    broker.start()
    with opened(broker) as mqtt:
        mqtt.handle(EVENT)
        wait_until(lambda: mqtt.refused >= 1 and mqtt.waiting == 0)
        assert "refuses what we publish: Not authorized; let this user write to" in caplog.text
        assert caplog.text.count("refuses what we publish") == 1
    broker.stop()


def test_twins_are_said(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    with opened(broker), opened(broker):
        wait_until(lambda: "have the client id 'kitchen' too" in caplog.text)


def test_a_broker_that_names_the_twin(caplog: pytest.LogCaptureFixture) -> None:
    def taken_over(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"\x20\x03\x00\x00\x00" + b"\xe0\x02\x8e\x00")
        while connection.recv(4096):  # closed with something unread, it would take its words back
            pass

    with served(taken_over) as port, opened(port):
        wait_until(lambda: "another client has the client id 'kitchen' too" in caplog.text)


def test_a_packet_that_is_too_big(caplog: pytest.LogCaptureFixture) -> None:
    """The broker accepts us and announces 256 MB."""

    def big(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"\x20\x03\x00\x00\x00" + b"\x30\xff\xff\xff\x7f" + bytes(100_000))
        time.sleep(5.0)

    with served(big) as port, opened(port) as mqtt:
        wait_until(lambda: "it announces a packet of 268435455 bytes" in caplog.text)
        assert len(mqtt.broker._client._in_packet["packet"]) < 1 << 20


def test_a_broker_that_begins_and_never_ends(caplog: pytest.LogCaptureFixture) -> None:
    """The library keeps each message that is to arrive exactly once until it is ended."""

    def flood(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"\x20\x03\x00\x00\x00")
        threading.Thread(target=drain, args=(connection,), daemon=True).start()
        with suppress(OSError):
            for number in range(1, 60_000):  # topic "t", no properties, no payload
                connection.sendall(b"\x34\x06\x00\x01t" + number.to_bytes(2, "big") + b"\x00")

    with served(flood) as port, opened(port) as mqtt:
        wait_until(lambda: "it leaves more than 20 messages half done" in caplog.text, 60.0)
        assert len(mqtt.broker._client._in_messages) <= 21


def test_a_broker_that_reads_no_answers() -> None:
    """Only once the kernel's buffers are full do they gather with the library."""
    client = BrokerClient(CallbackAPIVersion.VERSION2, "kitchen")
    client._out_packet.extend([{}] * 10_001)
    with pytest.raises(ConnectionError, match="it reads none of 10000 answers"):
        client._sock_recv(1)


def drain(connection: socket.socket) -> None:
    with suppress(OSError):
        while connection.recv(4096):
            pass


@pytest.mark.parametrize("packet", [b"\x20\x02\xff\xff", b"\x30\x02\xff\xff", b"\x00" * 50])
def test_the_network_thread_survives_a_broker_of_garbage(packet: bytes) -> None:
    connections: list[int] = []

    def garbage(connection: socket.socket) -> None:
        connections.append(1)
        connection.recv(4096)
        connection.sendall(b"\x20\x03\x00\x00\x00" + packet)

    with served(garbage) as port, opened(port):
        wait_until(lambda: len(connections) >= 3)


def test_an_error_in_the_library_is_said_and_survived(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    raised: list[str] = []

    def fail_once(client: object) -> None:
        if not raised:
            raised.append("once")
            raise IndexError("a bug")

    with opened(broker) as mqtt:
        wait_until(lambda: mqtt.broker.is_connected)
        proper = mqtt.broker._connected
        monkeypatch.setattr(mqtt.broker, "_connected", lambda: (fail_once(None), proper()))
        mqtt.broker._client.socket().shutdown(socket.SHUT_RDWR)
        wait_until(lambda: "the connection failed: IndexError('a bug')" in caplog.text)
        mqtt.handle(EVENT)
        wait_until(lambda: mqtt.waiting == 0)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_why_there_is_no_connection(
    secure_broker: Broker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plain_folder = tmp_path / "plain"
    plain_folder.mkdir()
    plain = Broker(plain_folder)
    plain.start()
    ca_file = str(tmp_path / "ca.pem")
    port = secure_broker.port
    cases: list[tuple[dict[str, object], str]] = [
        ({"port": free_port()}, "nothing listens on 127.0.0.1"),
        ({"host": "no-such-host.invalid"}, "nothing is known of a host named"),
        ({"port": port}, "hangs up without an answer; is it a port for TLS?"),
        ({"port": plain.port, "tls": True}, "is it a plain port?"),
        (
            {"port": port, "tls": True, "ca_file": ca_file, "certificate_name": "elsewhere"},
            "is for 127.0.0.1, localhost (Hostname mismatch, certificate is not valid for 'else",
        ),
        ({"port": port, "tls": True, "ca_file": ca_file}, "refuses us: Not authorized; check"),
        (
            {"port": port, "tls": True, "ca_file": ca_file, "certificate_name": "localhost"},
            "refuses us: Not authorized; check",
        ),
    ]
    for settings, expected in cases:
        caplog.clear()
        with opened(port, **settings):
            wait_until(lambda expected=expected: expected in caplog.text)
    plain.stop()
    gc.collect()  # paho leaves the socket of a failed handshake open


def test_a_password_in_the_clear_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    credentials = write_credentials(tmp_path, "s3cret")
    with opened(1, host="192.0.2.1", credentials_file=credentials):
        assert "the password goes to 192.0.2.1 unencrypted" in caplog.text
    caplog.clear()
    with opened(1, credentials_file=credentials):
        assert "unencrypted" not in caplog.text


def retained(broker: Broker) -> set[str]:
    listener = Subscriber(broker)
    time.sleep(0.3)
    topics = {topic for topic, payload, keep in listener.heard if keep and payload}
    listener.close()
    return topics


def test_a_renamed_device_leaves_no_ghost(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    for settings in ({"device_id": "old"}, {"device_id": "new"}):
        with opened(broker, **settings) as mqtt:
            wait_until(lambda: mqtt.broker.is_connected and mqtt.waiting == 0)
            own = {mqtt.topics.availability, mqtt.topics.discovery}
            wait_until(lambda own=own: retained(broker) == own)
    with opened(broker, device_id="new", discovery_prefix="other") as mqtt:
        wait_until(
            lambda: retained(broker) == {mqtt.topics.availability, "other/device/new/config"}
        )
    with opened(broker, device_id="new", discovery_prefix="") as mqtt:
        wait_until(lambda: retained(broker) == {mqtt.topics.availability})


def test_other_machines_and_living_twins_are_no_ghosts(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(home_assistant, "MACHINE_ID", tmp_path / "machine-id")
    (tmp_path / "machine-id").write_text("another\n")
    with opened(broker, device_id="elsewhere") as mqtt:
        wait_until(lambda: mqtt.broker.is_connected and mqtt.waiting == 0)
    (tmp_path / "machine-id").write_text("ours\n")
    with opened(broker, device_id="one") as one, opened(broker, device_id="two") as two:
        wait_until(lambda: all(each.broker.is_connected for each in (one, two)))
        wait_until(lambda: one.waiting == two.waiting == 0)
        time.sleep(0.5)  # time to take another's announcement for a ghost
        wait_until(lambda: len(retained(broker)) == 6)


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "mqtt://127.0.0.1"},
        {"host": "127.0.0.1:1883"},
        {"host": " broker "},
        {"host": ""},
        {"host": "a" * 64},
        {"topic_prefix": ""},
        {"topic_prefix": "home/#"},
        {"topic_prefix": "/home/"},
        {"topic_prefix": "a\0b"},
        {"topic_prefix": "$SYS"},
        {"topic_prefix": "x" * 70000},
        {"discovery_prefix": "home/+"},
        {"keepalive_seconds": 100000},
        {"keepalive_seconds": 0},
        {"queue_length": 10**9},
        {"device_id": "küche"},
        {"device_id": "x" * 65},
        {"device_name": "a\nb"},
    ],
)
def test_settings_have_ranges(wrong: dict[str, object]) -> None:
    (name,) = wrong
    with pytest.raises(SettingsError, match=f"^{name} is "):
        MqttSettings(**wrong)  # type: ignore[arg-type]


def test_settings_that_are_fine() -> None:
    MqttSettings(host="::1", topic_prefix="küche/größe", discovery_prefix="")
    MqttSettings(host="my_broker.local.", queue_length=100_000, keepalive_seconds=65535)
