"""`trigger-word test-outputs`: pretend a detection."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from firmware_py.sound.system import SoundSystem


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "test-outputs",
        help="pretend a detection, for all outputs",
        description="Let every output of the settings answer as if a word had been heard: the chime"
        " sounds, pins pulse, programs run, URLs and the broker are told. The exit code is 1 if"
        " one failed. Stop the service first where it holds pins or the speaker.",
    )
    parser.add_argument("--settings", type=Path, metavar="FILE", help="TOML file")
    parser.add_argument("--model", metavar="M", help="artefact instead of those in the settings")
    parser.add_argument("--label", default="", help="the word that is pretended")
    parser.add_argument("--json", action="store_true", help="one JSON object an output")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print what each output did, as it comes."""
    from firmware_py.commands.run import read_site
    from firmware_py.live.checking.pretence import pretend
    from firmware_py.logs import quieten_libraries

    site = read_site(arguments)
    quieten_libraries()
    failed = False
    for result in pretend(site, _start_sound, arguments.label):
        failed = failed or result.verdict == "failed"
        line = f"{result.verdict:<8} {result.name:<12} {result.text}"
        print(json.dumps(asdict(result)) if arguments.json else line, flush=True)
    return 1 if failed else 0


def _start_sound() -> "SoundSystem":
    from firmware_py.sound.portaudio import PortAudio

    sound = PortAudio()
    sound.restart()
    return sound
