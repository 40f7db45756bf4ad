"""`python -m models mine`: hard negatives from running speech."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from firmware_py.artefact import read_artefact
from firmware_py.errors import SettingsError
from models.commands import evaluation_options, executors
from models.evaluation import Selection
from models.evaluation.hard_negatives import mine
from models.recordings.manifest import MANIFEST


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "mine",
        description="Run a model over speech without its word and cut out two seconds wherever its"
        " score is high: negatives for the next training, as a source of its configuration.",
        epilog="example: python -m models mine activate.tflite --negatives podcasts --folds 2-9"
        " --out data/mined",
    )
    parser.add_argument("artefact", type=Path, metavar="ARTEFACT")
    evaluation_options.add_negatives(parser)
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="for the stretches, FLAC, with a manifest",
    )
    parser.add_argument(
        "--least-score",
        type=float,
        default=0.3,
        metavar="X",
        help="the lowest score that is cut out (default: 0.3)",
    )
    parser.add_argument("--limit", type=int, metavar="N", help="only the N highest")
    parser.add_argument("--label", help="the label to try, where the model has several")
    parser.add_argument("--json", action="store_true", help="one JSON object a stretch")
    executors.add_arguments(parser, "run recordings")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Cut out the stretches; print the path of their manifest, or what they are."""
    if not 0.0 <= arguments.least_score < 1.0:
        raise SettingsError(f"--least-score is {arguments.least_score}; it must be from 0 to 1")
    if arguments.limit is not None and arguments.limit < 1:
        raise SettingsError(f"--limit is {arguments.limit}; the least is 1")
    with executors.open_executor(arguments.workers, arguments.dask) as executor:
        found = mine(
            read_artefact(arguments.artefact),
            arguments.negatives,
            arguments.out,
            least_score=arguments.least_score,
            selection=Selection(evaluation_options.folds(arguments), exclude=arguments.exclude),
            limit=arguments.limit,
            label=arguments.label,
            on_bad=arguments.on_bad,
            executor=executor,
        )
    if arguments.json:
        for stretch in found:
            print(json.dumps(asdict(stretch)))
    else:
        print(f"{arguments.out / MANIFEST}: {len(found)} stretches")
    return 0
