"""`python -m models words judge`: accuracy on clips, confusion matrix, figures of each label."""

import argparse
import json
from pathlib import Path
from typing import Any

from firmware_py.artefact import read_artefact
from firmware_py.interpreter import installed_runtimes
from models.commands.words.options import add_data, config_of, corpus_of
from models.words.judging import ClipJudge
from models.words.presented import presented_clips


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "judge",
        help="accuracy and confusion matrix on clips",
        description="Answer every clip of a part of the data set through the shipped runtime and"
        " print accuracy (exact 95 % interval), confusion matrix, precision, recall and F1.",
        epilog="example: python -m models words judge commands.tflite"
        " --config models/trained/commands/config.toml --data ../data",
    )
    parser.add_argument("models", type=Path, nargs="+", metavar="M", help="artefacts to compare")
    parser.add_argument(
        "--config",
        type=Path,
        required=True,
        metavar="CONFIG.toml",
        help="whose data set and division are used",
    )
    add_data(parser, "testing")
    parser.add_argument(
        "--runtime",
        action="append",
        default=[],
        metavar="R",
        help="interpreter; may repeat (default: all installed)",
    )
    parser.add_argument(
        "--picture", type=Path, metavar="PNG", help="draw the first result's confusion matrix"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a model and runtime")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Judge each artefact on each interpreter; return the exit code."""
    config, words = config_of(arguments.config)
    rate_hz = config.front_end.sample_rate_hz
    corpus = corpus_of(arguments, words, rate_hz)
    first = True
    for path in arguments.models:
        artefact = read_artefact(path)
        clips = presented_clips(corpus, artefact.metadata.labels, words, rate_hz)
        for runtime in arguments.runtime or installed_runtimes():
            found = ClipJudge(artefact, runtime).judge(clips)
            facts = {
                "model": str(path),
                "mode": artefact.metadata.mode,
                "runtime": runtime,
                "part": arguments.part,
            }
            if arguments.json:
                print(json.dumps({**facts, **found.mapping()}), flush=True)
            else:
                low, high = found.interval
                print(
                    f"{path} ({facts['mode']}) on {runtime}: {100 * found.accuracy:.1f} %"
                    f" ({100 * low:.1f}-{100 * high:.1f}) of {found.total} clips",
                    flush=True,
                )
            if first and not arguments.json:
                print(f"\n{found.text()}\n\n{found.table()}\n")
            if first and arguments.picture:
                title = f"{artefact.metadata.name}: {100 * found.accuracy:.1f} % of {found.total}"
                found.picture(title).savefig(arguments.picture, dpi=120)
            first = False
    return 0
