"""The command line of the workstation: `python -m models`."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from soundfile import LibsndfileError

from firmware_py.console import exit_code
from firmware_py.errors import AudioError
from firmware_py.logs import quieten_libraries

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

COMMANDS = {
    "new": ("models.own_word.command", "make a model for a phrase of your own"),
    "improve": (
        "models.own_word.improve.command",
        "fine-tune a model with clips labelled where it listens",
    ),
    "speak": ("models.commands.speak", "synthetic recordings of a phrase"),
    "gather": ("models.commands.gather", "real speech, music and texts from Debian packages"),
    "train": ("models.commands.train", "train a network"),
    "average": ("models.commands.average", "the mean of several networks"),
    "mine": ("models.commands.mine", "cut out what a model nearly takes for its word"),
    "evaluate": ("models.commands.evaluate", "measure misses and false accepts"),
    "calibrate": (
        "models.commands.calibrate",
        "choose thresholds for rates of false accepts, and write them",
    ),
    "people-bench": (
        "models.commands.people_bench",
        "judge recipes on people that no network has heard",
    ),
    "plot": ("models.commands.plot", "draw spectrogram, labels and posteriors of recordings"),
    "select": ("models.commands.select", "a network for only some of the words of another"),
    "verifier": ("models.commands.verifier", "train a second stage for a trained network"),
    "embedding": (
        "models.speech_embedding.command",
        "fit Google's speech embedding to a front end, for second stages",
    ),
    "words": ("models.commands.words", "judge and tune models of command words"),
}
"""The module of each command, imported only where it is run, and what the command does."""


def build_parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser; of the commands only the one that `argv` names has its arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m models", description="Make, train and judge trigger-word models."
    )
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, (module, what) in COMMANDS.items():
        if argv[:1] == [name]:
            import_module(module).add_parser(subparsers)
        else:
            subparsers.add_parser(name, help=what)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code. Bad input is one line on standard error."""
    argv = list(sys.argv[1:] if argv is None else argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("tensorflow").setLevel(logging.WARNING)
    return exit_code("python -m models", lambda: _run(argv))


def _run(argv: Sequence[str]) -> int:
    try:
        arguments = build_parser(argv).parse_args(argv)
        return int(arguments.run(arguments))
    except LibsndfileError as error:  # no place to write
        raise AudioError(str(error)) from error


if __name__ == "__main__":
    quieten_libraries()
    sys.exit(main())
