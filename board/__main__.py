"""python -m board: from a blank card to a listening device."""

import argparse
import logging
import sys
from collections.abc import Sequence

from board.bundle import command as bundle
from board.files import command as files
from board.image import command as image
from board.package import command as package
from board.prepare import command as prepare
from board.profiles import command as profiles
from board.provision import command as provision
from board.sbom import command as sbom
from board.sign import command as sign
from firmware_py.console import exit_code

COMMANDS = (profiles, prepare, provision, package, bundle, image, sign, files, sbom)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m board", description="From a blank card to a listening device."
    )
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code. Bad input is one line on standard error."""
    arguments = build_parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    return exit_code("python -m board", lambda: int(arguments.run(arguments)))


if __name__ == "__main__":
    sys.exit(main())
