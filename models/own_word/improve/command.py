"""`python -m models improve`: a model learns from the labelled clips of its place."""

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.commands import executors
from models.own_word.improve.known_model import find_known_model
from models.own_word.improve.request import Improvement
from models.own_word.improve.teaching import TeachingResult, teach
from models.settings.config import TRAINED

EXIT_WORSE = 1


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "improve",
        description="Fine-tune a trained model with clips that people have labelled on the page:"
        " those with the word, those without it, close misses as their label says. The recordings"
        " it learnt from are mixed in, as far as they are at hand. The newest third of the clips"
        " only judges; a model that is worse is not kept. Stopped at any moment, the same command"
        " goes on where it was.",
        epilog="example: python -m models improve computer --clips clips.zip --data data"
        " --data public",
    )
    parser.add_argument(
        "model", metavar="MODEL", help="a shipped model's name, or the folder of one of your own"
    )
    parser.add_argument(
        "--clips",
        type=Path,
        required=True,
        metavar="DIR|ZIP",
        help="what the page exports, or a folder of the same form",
    )
    parser.add_argument(
        "--data",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="folder that holds the folders of the model's sources; may repeat",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="result (default: models/trained/NAME-improved)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of all that is random (default: 1)")
    parser.add_argument("--json", action="store_true", help="the result as one JSON object")
    executors.add_arguments(parser, "make clips and evaluate", os.cpu_count() or 1)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Improve the model and print what came of it; 1 when the new one was worse."""
    model = find_known_model(arguments.model)
    improvement = Improvement(
        model,
        arguments.clips,
        tuple(arguments.data),
        arguments.out or TRAINED / f"{model.config.name}-improved",
        arguments.seed,
    )
    with executors.open_pool(arguments.workers, arguments.dask) as executor:
        result = teach(improvement, executor)
    if arguments.json:
        print(json.dumps(asdict(result)))
    else:
        print("\n".join(lines(result)))
    return EXIT_WORSE if result.reasons_against else 0


def lines(result: TeachingResult) -> Iterator[str]:
    """Yield the result for a person: before and after side by side, and what became of it."""
    before, after = result.before, result.after
    yield f"{'':<34} {'before':>20} {'after':>20}"
    for title, cell in ROWS.items():
        yield f"{title:<34} {cell.format(**before):>20} {cell.format(**after):>20}"
    if result.reasons_against:
        yield f"not kept: {'; '.join(result.reasons_against)}. In use: {result.model}"
    else:
        yield result.model


ROWS = {
    "your clips kept out, missed": "{kept_missed} of {kept_right}",
    "your clips kept out, false": "{kept_fired} of {kept_wrong}",
    "its own evaluation, words missed": "{own[misses]} of {own[positives]}",
    "its own evaluation, false accepts": "{own[false_accepts]} in {own[hours]:.2f} h",
    "threshold": "{threshold:.3f}",
}
