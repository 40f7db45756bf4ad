"""The command line of the device: `trigger-word`."""

import argparse
import os
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
from firmware_py.errors import DeviceError, TriggerWordError
from firmware_py.logs import open_standard_streams, start_logging
from firmware_py.reading.files import shown

EXIT_BAD_INPUT = 2
EXIT_DEVICE_GONE = 75
EXIT_NO_READER = 141
"""As a shell says of a process that SIGPIPE ended."""

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
    try:
        return int(arguments.run(arguments))
    except DeviceError as error:
        return _fail(error, EXIT_DEVICE_GONE)
    except TriggerWordError as error:
        return _fail(error, EXIT_BAD_INPUT)
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_NO_READER
    except OSError as error:
        return _fail(error, EXIT_BAD_INPUT)
    except KeyboardInterrupt:
        return 130


def _fail(error: Exception, code: int) -> int:
    print(f"trigger-word: {shown(str(error))}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
