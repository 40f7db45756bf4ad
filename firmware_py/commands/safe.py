"""`trigger-word safe`: make the pins safe after a crash."""

import argparse
import logging
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "safe",
        help="switch all pins off",
        description="Switch every pin of the settings off. `run` does so itself when it ends; this"
        " is for the service manager (ExecStopPost=), should `run` be killed.",
    )
    parser.add_argument("--settings", type=Path, required=True, metavar="FILE", help="TOML file")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Switch the pins off; exit code 1 if one cannot be reached."""
    from firmware_py.errors import DeviceError
    from firmware_py.outputs.gpio import Gpio
    from firmware_py.settings import read_settings

    failed = False
    for gpio in read_settings(arguments.settings).gpio:
        try:
            Gpio(gpio).close()
        except DeviceError as error:
            log.error("%s", error)
            failed = True
    return 1 if failed else 0
