"""The command line of the workstation: `python -m models`."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from soundfile import LibsndfileError

from firmware_py.errors import TriggerWordError
from firmware_py.logs import quieten_libraries

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from models.commands import (
    average,
    evaluate,
    gather,
    mine,
    people_bench,
    plot,
    select,
    speak,
    train,
    verifier,
    words,
)
from models.own_word import command as new

COMMANDS = (
    new,
    speak,
    gather,
    train,
    average,
    mine,
    evaluate,
    people_bench,
    plot,
    select,
    verifier,
    words,
)
EXIT_BAD_INPUT = 2


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m models", description="Make, train and judge trigger-word models."
    )
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code. Bad input is one line on standard error."""
    arguments = build_parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("tensorflow").setLevel(logging.WARNING)
    try:
        return int(arguments.run(arguments))
    except (TriggerWordError, OSError, LibsndfileError) as error:  # the last: no place to write
        print(f"python -m models: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    quieten_libraries()
    sys.exit(main())
