"""The command line of the device: `trigger-word`."""

import argparse
import sys
from collections.abc import Sequence

from firmware_py.commands import (
    bench,
    check,
    detect,
    devices,
    install,
    models,
    password,
    run,
    safe,
    show,
    test_outputs,
    watch,
)
from firmware_py.console import exit_code
from firmware_py.logs import open_standard_streams, start_logging

COMMANDS = (
    detect,
    run,
    bench,
    show,
    models,
    devices,
    check,
    test_outputs,
    install,
    safe,
    password,
    watch,
)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="trigger-word", description="Hear a trigger word, on the device itself."
    )
    parser.add_argument("--version", action=_PrintVersion, nargs=0, help="print it and stop")
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(subparsers)
    return parser


class _PrintVersion(argparse.Action):
    """Looks the version up only when asked: that takes longer than all other preparations."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(version("trigger-word"))
        parser.exit()


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code. Bad input is one line on standard error."""
    open_standard_streams()
    arguments = build_parser().parse_args(argv)
    start_logging()
    return exit_code("trigger-word", lambda: int(arguments.run(arguments)))


if __name__ == "__main__":
    sys.exit(main())
