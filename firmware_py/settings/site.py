"""The settings of a site: one TOML file as frozen dataclasses."""

import base64
from dataclasses import Field, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from firmware_py.errors import SettingsError
from firmware_py.reading.bounds import check_range, check_texts
from firmware_py.reading.files import refused_as, shown
from firmware_py.reading.toml import read_toml
from firmware_py.schema import from_mapping
from firmware_py.settings.fields import example, file_path, model_file, require
from firmware_py.settings.outputs import (
    ChimeSettings,
    CommandSettings,
    GpioSettings,
    MqttSettings,
    WebhookSettings,
    WyomingSettings,
)
from firmware_py.settings.secret_files import refuse_open_file
from firmware_py.settings.web import WebSettings

T = TypeVar("T")

NAMED_SOUNDS = ("built-in", "off")
MOST_SECTIONS = 64
"""Of one kind, such as [[gpio]]."""


@dataclass(frozen=True)
class MicrophoneSettings:
    """Where the sound comes from."""

    enabled: bool = True
    """false: no microphone of its own; it only serves the sound of others, as [wyoming] says."""
    device: str = ""
    """Part of the microphone's name as `trigger-word devices` shows it; empty: the default one."""
    sample_rate_hz: int = 0
    """0: the models' rate, or the best that the microphone has. Else the first microphone that
    opens at this rate."""
    channel: int = 1
    """The channel to listen to, from 1; 0: the mean of all."""
    num_channels: int = 0
    """Channels to open; 0: as few as the channel needs and the microphone allows."""
    silence_seconds: float = 3.0
    """Without a sample for this long the microphone counts as lost and is opened again."""

    def __post_init__(self) -> None:
        check_range("sample_rate_hz", self.sample_rate_hz, 0, 384_000)
        check_range("channel", self.channel, 0, 255)
        require(
            self.num_channels in (0, *range(max(1, self.channel), 256)),
            "num_channels",
            self.num_channels,
            "0 or enough for the channel",
        )
        check_range("silence_seconds", self.silence_seconds, 0.5, 3600.0)


@dataclass(frozen=True)
class ModelSettings:
    """A model to listen with; several may be given."""

    path: str = model_file()
    """The artefact: a file, a name or a URL, as --model takes it; empty: the one of
    `trigger-word install`, or the built-in one."""
    operating_point: str = ""
    """One of the model's named policies, such as sensitive or strict; empty: its own choice."""
    threshold: float | None = field(default=None, metadata={"example": 0.9})
    """From 0 to 1, instead of the model's: lower hears more, higher errs less."""
    refractory_seconds: float | None = field(default=None, metadata={"example": 1.0})
    """Dead time after a detection, instead of the model's."""

    def __post_init__(self) -> None:
        require(
            self.threshold is None or 0 <= self.threshold <= 1,
            "threshold",
            self.threshold,
            "from 0 to 1",
        )
        check_range("refractory_seconds", self.refractory_seconds or 0.0, 0.0, 3600.0)


@dataclass(frozen=True)
class ClipSettings:
    """Keep the sound around each detection on disk, to label false ones and train on them.

    Off unless this section is there: people near the microphone should know.
    """

    folder: str = file_path("clips")
    """Where the WAV files go, one folder a label."""
    seconds_before: float = 2.0
    seconds_after: float = 1.0
    max_clips: int = 200
    """The oldest are deleted beyond this number, those that nobody has judged first."""
    max_days: float = 30.0
    """Clips older than this are deleted."""
    close_misses: bool = True
    """Keep those too whose score came near the threshold."""
    close_miss_share: float = 0.5
    """How near: above this share of the threshold."""

    def __post_init__(self) -> None:
        for name in ("seconds_before", "seconds_after"):
            value = getattr(self, name)
            require(0 <= value <= 60, name, value, "from 0 to 60")
        check_range("max_clips", self.max_clips, 1, 100_000)
        require(0 < self.max_days <= 3650, "max_days", self.max_days, "above 0, at most 3650")
        require(
            0 < self.close_miss_share < 1,
            "close_miss_share",
            self.close_miss_share,
            "between 0 and 1",
        )


@dataclass(frozen=True)
class SignatureSettings:
    """Install and use only models that one of these keys has signed."""

    public_keys: tuple[str, ...] = example(["ZXhhbXBsZSBvbmx5OiBwdXQgeW91ciBrZXkgaGVyZSE="])
    """ed25519, in base64; several while an old key is replaced."""
    least_version: int = 0
    """Refuse models whose signed version is lower, so that nobody puts an old one back."""

    def __post_init__(self) -> None:
        require(bool(self.public_keys), "public_keys", list(self.public_keys), "at least one")
        check_range("the number of public_keys", len(self.public_keys), 1, MOST_SECTIONS)
        for key in self.public_keys:
            require(_is_key(key), "public_keys", key, "32 bytes in base64")
        check_range("least_version", self.least_version, 0, 2**31 - 1)


@dataclass(frozen=True)
class ServiceSettings:
    """Logs and measurements."""

    log_format: Literal["text", "json"] = "text"
    """json: one object a line."""
    metrics_port: int = 0
    """Serve counters for Prometheus on this port of 127.0.0.1; 0: do not."""
    state_file: str = file_path()
    """Where choices of the page and of Home Assistant are kept; empty: beside this file, or where
    the service manager says."""

    def __post_init__(self) -> None:
        require(
            0 <= self.metrics_port < 65536, "metrics_port", self.metrics_port, "from 0 to 65535"
        )


@dataclass(frozen=True)
class Settings:
    """Everything that a site decides."""

    microphone: MicrophoneSettings = field(default_factory=MicrophoneSettings)
    model: tuple[ModelSettings, ...] = (ModelSettings(),)
    chime: ChimeSettings = field(default_factory=ChimeSettings)
    gpio: tuple[GpioSettings, ...] = ()
    command: tuple[CommandSettings, ...] = ()
    webhook: tuple[WebhookSettings, ...] = ()
    mqtt: MqttSettings | None = None
    wyoming: WyomingSettings | None = None
    clips: ClipSettings | None = None
    web: WebSettings | None = None
    signature: SignatureSettings | None = None
    service: ServiceSettings = field(default_factory=ServiceSettings)

    def __post_init__(self) -> None:
        require(bool(self.model), "model", list(self.model), "at least one [[model]]")
        for name in ("model", "gpio", "command", "webhook"):
            check_range(f"the number of [[{name}]]", len(getattr(self, name)), 0, MOST_SECTIONS)
        lines = [gpio.line for gpio in self.gpio]
        served = self.microphone.enabled or self.wyoming is not None
        require(served, "microphone.enabled", False, "true, or [wyoming] be given to serve others")
        require(len(set(lines)) == len(lines), "gpio", lines, "a different line in each [[gpio]]")


def read_settings(path: Path) -> Settings:
    """Return the settings in the TOML file `path`; raises SettingsError with the place."""
    mapping = read_toml(path, "settings", SettingsError)
    with refused_as(SettingsError, f"{shown(path)}: the settings cannot be used"):
        check_texts(mapping, shown(path), allowed="\t\n")
        settings = from_mapping(Settings, mapping, shown(path))
        if any(webhook.has_secret for webhook in settings.webhook):
            refuse_open_file(path)
        try:
            return _anchored(settings, path.resolve().parent)
        except RuntimeError as error:  # of expanduser
            raise SettingsError(
                f"{shown(path)}: ~ and a name that nobody has here; write it out"
            ) from error


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 32
    except ValueError:
        return False


def _anchored(value: T, folder: Path) -> T:
    """Return the settings with relative file names made absolute, counted from `folder`."""
    changes: dict[str, Any] = {}
    for item in fields(value):  # type: ignore[arg-type]
        current = getattr(value, item.name)
        if is_dataclass(current):
            changes[item.name] = _anchored(current, folder)
        elif isinstance(current, tuple):
            changes[item.name] = tuple(
                _anchored(each, folder) if is_dataclass(each) else each for each in current
            )
        elif item.metadata.get("path") and current and not _is_name(item, current, folder):
            changes[item.name] = str(folder / Path(current).expanduser())
    return replace(value, **changes)  # type: ignore[type-var]


def _is_name(item: Field[Any], text: str, folder: Path) -> bool:
    """Tell whether a text that may name a file names something else there."""
    is_name = item.metadata.get("is_name")
    return text in NAMED_SOUNDS or bool(is_name and is_name(text, folder))
