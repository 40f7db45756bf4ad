"""`trigger-word check`: try out everything that a site uses."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "check",
        help="try microphone, models and outputs",
        description="Try out everything that the settings use: the microphone's level, a pulse on"
        " each pin, the chime, the models, programs, URLs, the broker, the Wyoming service, the"
        " clock, heat and throttling. The exit code is 1 if"
        " something failed. Stop the service first: it holds the microphone and the pins.",
    )
    parser.add_argument("--settings", type=Path, metavar="FILE", help="TOML file")
    parser.add_argument("--json", action="store_true", help="one JSON object a check")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the checks and print each result as it comes."""
    from firmware_py.live.checking.site import run_checks
    from firmware_py.logs import quieten_libraries
    from firmware_py.settings import Settings, read_settings

    settings = read_settings(arguments.settings) if arguments.settings else Settings()
    quieten_libraries()
    failed = False
    for result in run_checks(settings):
        failed = failed or result.verdict == "failed"
        line = f"{result.verdict:<8} {result.name:<12} {result.text}"
        print(json.dumps(asdict(result)) if arguments.json else line, flush=True)
    return 1 if failed else 0
