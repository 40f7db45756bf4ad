"""Microphones, speakers and HATs: overlays, ALSA settings, pins and wiring."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from board.errors import BoardError
from board.profiles.tables import FOLDER, read_tables
from firmware_py.errors import SettingsError
from firmware_py.schema import from_mapping
from firmware_py.settings import Settings

HEADER_PINS = range(2, 28)
"""BCM numbers on the 40-pin header, without the two of the HAT's identification."""


@dataclass(frozen=True)
class Wire:
    """One connection: a pin of the part to a pin of the header."""

    part: str
    header: str


@dataclass(frozen=True)
class AudioHardware:
    """What a microphone, a speaker or a HAT needs to be heard, and which pins it leaves."""

    name: str
    title: str
    overlays: tuple[str, ...] = ()
    """Values of `dtoverlay=` in config.txt."""
    parameters: tuple[str, ...] = ()
    """Values of `dtparam=` in config.txt."""
    card: str = ""
    """The name ALSA gives the sound card; empty where it depends on the product."""
    alsa: str = ""
    """What /etc/asound.conf says so that the hardware is the default device."""
    mixer: tuple[tuple[str, str], ...] = ()
    """Controls of the card and their values, set whenever the card appears."""
    default_output_pin: int = 27
    """BCM number of the pin that answers unless the site says otherwise."""
    pins: Mapping[str, str] = field(default_factory=dict)
    """BCM numbers that the hardware uses, and for what."""
    wiring: tuple[Wire, ...] = ()
    notes: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Site settings that fit this hardware."""

    def __post_init__(self) -> None:
        wrong = [pin for pin in self.pins if not (pin.isdecimal() and int(pin) in HEADER_PINS)]
        if wrong:
            raise SettingsError(
                f"pins {', '.join(wrong)} are none of GPIO2 to GPIO27; correct them"
            )
        if self.default_output_pin not in self.free_pins:
            use = self.pins.get(str(self.default_output_pin), "not on the header")
            raise SettingsError(
                f"default_output_pin {self.default_output_pin} is taken ({use});"
                f" choose one of {', '.join(map(str, self.free_pins))}"
            )
        from_mapping(Settings, self.settings, "settings")

    @property
    def used_pins(self) -> tuple[int, ...]:
        return tuple(sorted(map(int, self.pins)))

    @property
    def free_pins(self) -> tuple[int, ...]:
        return tuple(pin for pin in HEADER_PINS if str(pin) not in self.pins)

    @property
    def config_lines(self) -> tuple[str, ...]:
        """Return the lines for config.txt."""
        parameters = [f"dtparam={parameter}" for parameter in self.parameters]
        return (*parameters, *(f"dtoverlay={overlay}" for overlay in self.overlays))

    @property
    def mixer_rule(self) -> str:
        """Return a udev rule that sets the mixer when the card appears; empty: not needed."""
        if not self.mixer:
            return ""
        match = f'ACTION=="add|change", SUBSYSTEM=="sound", ATTR{{id}}=="{self.card}"'
        runs = ", ".join(
            f"RUN+=\"/usr/bin/amixer -q -c {self.card} cset name='{control}' {value}\""
            for control, value in self.mixer
        )
        return f'{match}, KERNEL=="controlC*", {runs}\n'


def read_audio_hardware(folder: Path = FOLDER / "audio") -> dict[str, AudioHardware]:
    """Return the audio hardware by name, from the TOML files of `folder`."""
    return read_tables(folder, AudioHardware)


def combine(chosen: Sequence[AudioHardware]) -> AudioHardware:
    """Return several pieces of audio hardware as one.

    Raises BoardError where two need the same pin, as two HATs on the I2S bus do.
    """
    pins: dict[str, str] = {}
    for hardware in chosen:
        for pin, use in hardware.pins.items():
            if pin in pins:
                names = " and ".join(each.name for each in chosen)
                raise BoardError(
                    f"{names} both need GPIO{pin} ({pins[pin]}; {use}); choose one of them"
                )
            pins[pin] = use
    asked = [hardware.default_output_pin for hardware in chosen]
    free = [pin for pin in (*asked, *HEADER_PINS) if str(pin) not in pins]
    settings: dict[str, Any] = {}
    for hardware in chosen:
        settings.update(hardware.settings)
    return AudioHardware(
        name="+".join(hardware.name for hardware in chosen),
        title=" and ".join(hardware.title for hardware in chosen),
        overlays=tuple(each for hardware in chosen for each in hardware.overlays),
        parameters=tuple(each for hardware in chosen for each in hardware.parameters),
        card=next((hardware.card for hardware in chosen if hardware.mixer), ""),
        alsa="\n".join(hardware.alsa for hardware in chosen if hardware.alsa),
        mixer=tuple(each for hardware in chosen for each in hardware.mixer),
        default_output_pin=free[0],
        pins=pins,
        settings=settings,
    )
