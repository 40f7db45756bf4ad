"""`trigger-word devices`: microphones and speakers, with the rates that open."""

import argparse
import json
from typing import Any, Literal

KINDS: tuple[tuple[Literal["input", "output"], str], ...] = (
    ("input", "microphone"),
    ("output", "speaker"),
)


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "devices",
        help="list microphones and speakers",
        description="List microphones and speakers with the sample rates that open; the default"
        " one of each comes first.",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a device")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the devices; exit code 1 if there is no microphone."""
    found = list_devices()
    for device in found:
        print(json.dumps(device) if arguments.json else _line(device))
    if not arguments.json and not found:
        print("no microphone and no speaker")
    return 0 if any(device["kind"] == "microphone" for device in found) else 1


def list_devices() -> list[dict[str, Any]]:
    """Return what the sound system has."""
    from firmware_py.logs import quieten_libraries
    from firmware_py.sound.portaudio import PortAudio

    quieten_libraries()
    sound = PortAudio()
    sound.restart()
    found: list[dict[str, Any]] = [
        {
            "kind": what,
            "name": device.name,
            "system": device.system,
            "channels": device.channels(kind),
            "rates_hz": sound.rates_hz(kind, device),
            "default": number == 0,
        }
        for kind, what in KINDS
        for number, device in enumerate(sound.devices(kind))
    ]
    sound.stop()
    return found


def _line(device: dict[str, Any]) -> str:
    rates = ", ".join(map(str, device["rates_hz"])) or "none; in use?"
    mark = "*" if device["default"] else " "
    return (
        f"{mark} {device['kind']:<10}  {device['name']!r}, {device['channels']} channels, {rates}"
    )
