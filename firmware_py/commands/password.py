"""`trigger-word password`: the password of the page."""

import argparse
import getpass
import os
import sys
from pathlib import Path
from typing import Any

from firmware_py.errors import SettingsError


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "password",
        help="set the password of the page",
        description="Ask for a password and keep its hash in a file that only you can read, for"
        " web.password_file in the settings. Not at a terminal: one line of standard input.",
        epilog="example: trigger-word password web.password",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="file to make or to replace")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the hash; the file keeps its group, so that a service may go on to read it."""
    from firmware_py.durable_file import write_durably
    from firmware_py.web.credentials import hash_password

    line = hash_password(_ask()).line()
    before = arguments.file.stat() if arguments.file.exists() else None
    write_durably(arguments.file, f"{line}\n".encode())
    if before:
        os.chown(arguments.file, before.st_uid, before.st_gid)
        arguments.file.chmod(before.st_mode & 0o640)
    return 0


def _ask() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password for the page: ")
    if getpass.getpass("Once more: ") != password:
        raise SettingsError("the two are not the same; nothing is changed")
    return password
