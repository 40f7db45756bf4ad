"""`python -m models words`: streams, tests and policies of command-word models."""

import argparse
from typing import Any

from models.commands.words import bars, judge, stream, test, tune

COMMANDS = (judge, bars, stream, test, tune)


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "words",
        description="Judge models of command words on clips and on long streams, and choose"
        " their policy. They are trained with: python -m models train",
    )
    group = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(group)
