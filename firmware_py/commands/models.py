"""`trigger-word models`: the models at hand."""

import argparse
import json
from typing import Any


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "models",
        help="list the models at hand by name",
        description="List the models at hand: what they hear, how well, and where they are. They"
        " are built in, installed, in ~/.local/share/trigger-word/models, or in the checkout.",
        epilog="example: trigger-word detect kitchen.wav --model computer",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a model")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print one model a line; one that cannot be used is named in the log."""
    import logging

    from firmware_py.artefact import read_artefact
    from firmware_py.commands.figures import summary
    from firmware_py.errors import ArtefactError
    from firmware_py.installation.library import model_files, open_model
    from firmware_py.reading.files import shown

    seen = set()
    default = open_model(None).path
    for file in model_files():
        if file.stem in seen:
            continue
        try:
            metadata = read_artefact(file).metadata
        except ArtefactError as error:
            logging.getLogger(__name__).warning("%s", error)
            continue
        seen.add(file.stem)
        words = [shown(word) for word in metadata.words]
        if arguments.json:
            facts = {
                "name": file.stem,
                "file": str(file),
                "words": words,
                "is_default": file == default,
                "evaluation": dict(metadata.evaluation),
            }
            print(json.dumps(facts))
            continue
        mark = " (listens by default)" if file == default else ""
        print(f"{file.stem}{mark}\n  hears     {', '.join(words)}")
        print(f"  how well  {summary(metadata)}\n  where     {shown(file)}")
    return 0
