"""`python -m board files`: every file that lands on a device."""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from board.bundle.releases import RELEASES
from board.device.choices import add_bundle_options, chosen_bundle


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "files",
        help="list every file that lands on a device, with origin and digest",
        description="List every file that lands on a device: its SHA-256, its path, and the wheel,"
        " the Debian package or the source file it comes from. That a file comes from a wheel is"
        " proven by its digest. Not listed: settings that a person gives, and what the programs"
        " themselves write later.",
    )
    add = parser.add_argument
    add("--release", choices=RELEASES, action="append", help="default: all")
    add_bundle_options(parser)
    add("--json", action="store_true", help="one JSON object a file")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the files."""
    from board.files.listing import device_files
    from board.files.origins import Origins, locked_wheels
    from firmware_py.schema import to_mapping

    with tempfile.TemporaryDirectory(prefix="trigger-word-wheels-") as folder:
        origins = Origins(locked_wheels(Path(folder)))
    for release in arguments.release or RELEASES:
        bundle = chosen_bundle(arguments.bundle, arguments.package, release)
        for file in device_files(bundle, origins):
            if arguments.json:
                print(json.dumps(to_mapping(file)))
            else:
                what = file.sha256 or f"{'-> ' + file.link_to:<64}"
                print(f"{what}  {file.release}  {file.path}  {file.origin}")
    return 0
