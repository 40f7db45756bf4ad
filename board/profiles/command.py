"""`python -m board profiles`: the boards and audio hardware that are known."""

import argparse
import json
from collections.abc import Iterable, Iterator
from typing import Any

from board.profiles.audio import AudioHardware, read_audio_hardware
from board.profiles.boards import Board, read_boards
from board.profiles.tables import named
from firmware_py.schema import to_mapping


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "profiles",
        help="list boards and audio hardware",
        description="List boards with their budgets, and audio hardware with overlays, pins and"
        " wiring. A board's file is also a budget: trigger-word bench --budget"
        " board/profiles/zero-2-w.toml",
    )
    parser.add_argument("audio", nargs="?", metavar="AUDIO", help="all about this audio hardware")
    parser.add_argument("--json", action="store_true", help="one JSON object a profile")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the profiles, or one of them."""
    hardware = read_audio_hardware()
    if arguments.audio:
        hardware = {arguments.audio: named(hardware, arguments.audio, "audio hardware")}
    boards = {} if arguments.audio else read_boards()
    if arguments.json:
        lines: Iterable[str] = _objects(boards.values(), hardware.values())
    elif arguments.audio:
        lines = _sheet(hardware[arguments.audio])
    else:
        lines = (*_board_table(boards.values()), "", *_audio_table(hardware.values()))
    print("\n".join(lines))
    return 0


def _objects(boards: Iterable[Board], hardware: Iterable[AudioHardware]) -> Iterator[str]:
    for board in boards:
        yield json.dumps({"kind": "board", **to_mapping(board)})
    for each in hardware:
        pins = {"used_pins": each.used_pins, "free_pins": each.free_pins}
        yield json.dumps({"kind": "audio", **to_mapping(each), **pins})


def _board_table(boards: Iterable[Board]) -> Iterator[str]:
    yield f"{'board':<10} {'':<26} {'cores':<14} {'clock':>9} {'memory':>8}  budget of a core"
    for board in boards:
        budget = ", ".join(f"{name} {each.core_percent:g} %" for name, each in board.budget.items())
        yield (
            f"{board.name:<10} {board.title:<26} {board.cores} x {board.cpu:<10}"
            f" {board.clock_mhz:>5} MHz {board.memory_mb:>5} MB  {budget}"
        )


def _audio_table(hardware: Iterable[AudioHardware]) -> Iterator[str]:
    yield f"{'audio':<20} {'overlay':<26} {'answers on':<11} pins in use"
    for each in hardware:
        used = ", ".join(map(str, each.used_pins)) or "none"
        overlays = ", ".join(each.overlays) or "none"
        yield f"{each.name:<20} {overlays:<26} GPIO{each.default_output_pin:<7} {used}"


def _sheet(hardware: AudioHardware) -> Iterator[str]:
    yield hardware.title
    yield from filter(None, [hardware.notes])
    yield f"answers on GPIO{hardware.default_output_pin}"
    yield f"free pins: {', '.join(map(str, hardware.free_pins))}"
    if hardware.config_lines:
        yield from ("\nconfig.txt:", *(f"  {line}" for line in hardware.config_lines))
    if hardware.pins:
        yield from (
            "\npins in use:",
            *(f"  GPIO{pin:<4} {use}" for pin, use in hardware.pins.items()),
        )
    if hardware.wiring:
        width = max(len(wire.part) for wire in hardware.wiring)
        yield "\nwiring:"
        yield from (f"  {wire.part:<{width}}  {wire.header}" for wire in hardware.wiring)
    if hardware.alsa:
        yield f"\n/etc/asound.conf:\n{hardware.alsa.rstrip()}"
