"""What a person can set for each output. Light: no output's library is imported here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from firmware_py.errors import SettingsError
from firmware_py.reading.bounds import check_range
from firmware_py.settings.fields import (
    example,
    file_path,
    require,
    require_host,
    require_text,
    require_topic,
)

SECRET_HEADERS = "auth|key|token|secret|cookie|password"
"""In the name of a header whose value is a secret."""


@dataclass(frozen=True)
class GpioSettings:
    """A pin that answers; several may be given."""

    line: str = "GPIO27"
    """Name of the line, as `gpioinfo` shows it."""
    mode: Literal["pulse", "toggle", "hold"] = "pulse"
    """pulse: on for `pulse_seconds`; toggle: the other state at each detection; hold: on while
    the model's refractory time lasts."""
    pulse_seconds: float = 0.5
    """Length of a pulse; a detection meanwhile makes it longer."""
    active_low: bool = False
    """The pin is low when it is on."""
    labels: tuple[str, ...] = ()
    """Only for these labels; none: for all."""
    backend: Literal["gpiod", "mock"] = "gpiod"
    """mock: no hardware, the changes are logged."""

    def __post_init__(self) -> None:
        named = self.line and not self.line.isdigit()
        require(bool(named), "line", self.line, "a name such as 'GPIO27', no number")
        check_range("pulse_seconds", self.pulse_seconds, 0.001, 3600.0)


@dataclass(frozen=True)
class ChimeSettings:
    """The sound that answers through the speaker."""

    sound: str = field(default="built-in", metadata={"path": True})
    """built-in, off, or a WAV or FLAC file."""
    volume: float = 1.0
    """From 0 to 1, times the level of the sound."""
    device: str = ""
    """Part of the speaker's name as `trigger-word devices` shows it; empty: the default one."""
    mute_tail_seconds: float = 0.25
    """The microphone is muted while the chime sounds and for this long after it."""
    labels: tuple[str, ...] = ()
    """Only for these labels; none: for all."""

    def __post_init__(self) -> None:
        require(0 <= self.volume <= 1, "volume", self.volume, "from 0 to 1")
        require(
            0 <= self.mute_tail_seconds <= 5,
            "mute_tail_seconds",
            self.mute_tail_seconds,
            "from 0 to 5",
        )


@dataclass(frozen=True)
class MqttSettings:
    """Events for a smart home through an MQTT broker."""

    host: str = "localhost"
    """The broker."""
    port: int = 0
    """0: 8883 with TLS, 1883 without."""
    tls: bool = False
    """Encrypt, and check the broker's certificate."""
    ca_file: str = file_path()
    """Certificates to trust, PEM; empty: the system's."""
    certificate_file: str = file_path()
    """Our own certificate, where the broker wants one."""
    key_file: str = file_path()
    """The key of our certificate."""
    certificate_name: str = ""
    """Name in the broker's certificate, where it is knowingly another than `host`."""
    credentials_file: str = file_path()
    """TOML file with `username` and `password`; keep it readable for the service only."""
    device_id: str = ""
    """Letters, digits, - and _; empty: from the host name. The client id and part of each topic."""
    device_name: str = ""
    """What Home Assistant shows; empty: from the host name."""
    topic_prefix: str = "trigger-word"
    """Topics are PREFIX/DEVICE/event and PREFIX/DEVICE/availability."""
    discovery_prefix: str = "homeassistant"
    """Where Home Assistant looks for new devices; empty: no announcement."""
    queue_length: int = 1000
    """Events kept while the broker is away."""
    keepalive_seconds: int = 30
    """How soon the broker notices that this device is gone, about."""

    def __post_init__(self) -> None:
        require_host("host", self.host)
        require(0 <= self.port < 65536, "port", self.port, "from 0 to 65535")
        require(
            1 <= self.queue_length <= 100_000, "queue_length", self.queue_length, "from 1 to 100000"
        )
        require(
            1 <= self.keepalive_seconds <= 65535,
            "keepalive_seconds",
            self.keepalive_seconds,
            "from 1 to 65535",
        )
        require_topic("topic_prefix", self.topic_prefix)
        if self.discovery_prefix:
            require_topic("discovery_prefix", self.discovery_prefix)
        require(
            bool(re.fullmatch(r"[A-Za-z0-9_-]{0,64}", self.device_id)),
            "device_id",
            self.device_id,
            "at most 64 letters, digits, - and _",
        )
        require_text("device_name", self.device_name, 100)
        require_text("certificate_name", self.certificate_name, 253)
        require(
            bool(self.certificate_file) == bool(self.key_file),
            "key_file",
            self.key_file,
            "given exactly when certificate_file is",
        )

    @property
    def broker_port(self) -> int:
        return self.port or (8883 if self.tls else 1883)


@dataclass(frozen=True)
class WyomingSettings:
    """Serve as the wake-word engine of Home Assistant, for audio that it sends."""

    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 opens the service to the network."""
    port: int = 10400
    """0: any free port."""
    zeroconf: bool = False
    """Announce the service on the local network."""
    name: str = ""
    """Name in the announcement; empty: the host name."""
    max_clients: int = 4
    """Further connections are refused."""

    def __post_init__(self) -> None:
        require_host("host", self.host)
        require(0 <= self.port < 65536, "port", self.port, "from 0 to 65535")
        require(1 <= self.max_clients <= 64, "max_clients", self.max_clients, "from 1 to 64")
        require_text("name", self.name, 63)


@dataclass(frozen=True)
class CommandSettings:
    """A program to run; several may be given."""

    program: tuple[str, ...] = example(["/usr/local/bin/lamp", "on"])
    """Program and arguments; no shell. The event is in its environment: TRIGGER_WORD_LABEL,
    _MODEL, _SCORE, _TIME_SECONDS and _TIMESTAMP."""
    timeout_seconds: float = 10.0
    """It is killed after this time."""
    labels: tuple[str, ...] = ()
    """Only for these labels; none: for all."""

    def __post_init__(self) -> None:
        require(bool(self.program), "program", list(self.program), "a program and its arguments")
        check_range("timeout_seconds", self.timeout_seconds, 0.001, 3600.0)


@dataclass(frozen=True)
class WebhookSettings:
    """A URL that gets the event as JSON by POST; several may be given."""

    url: str = example("http://localhost:8123/api/webhook/trigger-word")
    """http or https; redirects are not followed."""
    timeout_seconds: float = 5.0
    """For each attempt, from its beginning to the answer."""
    retries: int = 3
    """Further attempts after one that failed, 1, 2, 4 ... seconds apart."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further headers, such as Authorization."""
    labels: tuple[str, ...] = ()
    """Only for these labels; none: for all."""

    def __post_init__(self) -> None:
        require(_is_web_address(self.url), "url", self.address, "an http or https address")
        check_range("timeout_seconds", self.timeout_seconds, 0.001, 3600.0)
        check_range("retries", self.retries, 0, 20)
        for name, value in self.headers.items():
            require(
                bool(re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", name, re.ASCII))
                and bool(re.fullmatch(r"[ -~\xa0-\xff]*", value)),
                "headers",
                name,
                "the name of a header, with a value of one line in Latin letters",
            )

    @property
    def address(self) -> str:
        """The URL without what may be secret: user, password and query."""
        scheme, _, rest = self.url.partition("://")
        place, slash, path = rest.partition("/")
        return f"{scheme}://{place.rpartition('@')[2]}{slash}{path}".partition("?")[0]

    @property
    def has_secret(self) -> bool:
        """Whether the settings hold something that others must not read."""
        names = " ".join(self.headers)
        return "@" in self.url.partition("://")[2].partition("/")[0] or bool(
            re.search(SECRET_HEADERS, names, re.IGNORECASE)
        )


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        require_host("url", host or "")
    except (ValueError, SettingsError):
        return False
    return parts.scheme in ("http", "https") and port != 0 and url.isprintable()
