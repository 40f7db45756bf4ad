"""`python -m board package`: the Debian package for the device."""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "package",
        help="build the Debian package for the device",
        description="Build trigger-word_VERSION_arm64.deb for Debian 12 and 13 and Raspberry Pi OS,"
        " without root. The same inputs give the same file.",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("out"), metavar="DIR", help="where it goes (default: out)"
    )
    parser.add_argument("--json", action="store_true", help="print file, size and digest as JSON")
    parser.add_argument(
        "--renew-locks", action="store_true", help="pin the newest allowed versions first; needs uv"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Build it and print where it is."""
    from board.package.build import build_package

    if arguments.renew_locks:
        from board.package.lock import renew_locks

        renew_locks()
    path = build_package(arguments.out)
    if arguments.json:
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        print(json.dumps({"file": str(path), "bytes": len(content), "sha256": digest}))
    else:
        print(path)
    return 0
