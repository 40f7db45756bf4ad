"""`python -m board bundle`: what a device installs, in a folder."""

import argparse
import json
from pathlib import Path
from typing import Any

from board.bundle.releases import RELEASES
from firmware_py.schema import to_mapping


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "bundle",
        help="collect everything that a device installs",
        description="Put the trigger-word package and the Debian packages that it needs into a"
        " folder for each release, so that a device installs them without a network.",
    )
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="DIR", help="DIR/RELEASE is rebuilt")
    add("--release", choices=RELEASES, action="append", help="default: all")
    add("--package", type=Path, metavar="DEB", help="default: built from this source")
    add("--json", action="store_true", help="one JSON object a file")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Build the bundles and list their files."""
    from board.bundle.building import build_bundle
    from board.bundle.own_package import own_package

    package = own_package(arguments.package)
    for release in arguments.release or RELEASES:
        bundle = build_bundle(package, release, arguments.out / release)
        for each in bundle.manifest.files:
            if arguments.json:
                print(json.dumps({"release": release, **to_mapping(each)}))
            else:
                print(f"{release}  {each.package:<24} {each.version:<28} {each.origin}")
    return 0
