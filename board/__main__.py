"""python -m board: from a blank card to a listening device."""

import argparse
import importlib
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from firmware_py.errors import TriggerWordError

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130

PARTS = ("profiles", "prepare", "provision", "package", "bundle", "image", "sign", "files")
"""Each has a module `board.PART.command` with `add_parser(subparsers)`."""


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m board", description="From a blank card to a listening device."
    )
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for part in PARTS:
        if (Path(__file__).parent / part / "command.py").exists():
            importlib.import_module(f"board.{part}.command").add_parser(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code. Bad input is one line on standard error."""
    arguments = build_parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        return int(arguments.run(arguments))
    except (TriggerWordError, OSError) as error:
        print(f"python -m board: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
