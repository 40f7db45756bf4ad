"""`python -m models words tune`: the policy that does best on a validation stream."""

import argparse
import json
from dataclasses import replace
from typing import Any

from firmware_py.artefact import read_artefact
from firmware_py.schema import to_mapping
from models.commands.words.options import add_runtime, add_stream
from models.replacing import replacing
from models.words.streams.hearing import TOLERANCE_MS, hear, policy_of
from models.words.streams.plan import read_truth
from models.words.streams.tuning import Wish, tune


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    wish = Wish()
    parser = subparsers.add_parser(
        "tune",
        help="choose a policy on a validation stream",
        description="Try average windows, clip strides, suppressions, minimum counts and"
        " thresholds on a recording, and print the policy that matches most words within the"
        " limits. Make the recording with: python -m models words stream --part validation",
    )
    add_stream(parser)
    parser.add_argument(
        "--wrong-percent",
        type=float,
        default=100 * wish.wrong_share,
        metavar="P",
        help="most words taken for another (default: 2)",
    )
    parser.add_argument(
        "--false-a-minute",
        type=float,
        default=wish.false_positives_per_minute,
        metavar="X",
        help="most false positives (default: 0.5)",
    )
    parser.add_argument("--tolerance-ms", type=float, default=TOLERANCE_MS, metavar="MS")
    parser.add_argument("--write", action="store_true", help="put the policy into the artefact")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    add_runtime(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the policy, and write it where asked; return the exit code."""
    artefact = read_artefact(arguments.model)
    policy_of(artefact)
    spoken = read_truth(arguments.truth or arguments.audio.with_suffix(".txt"))
    heard = hear(artefact, arguments.audio, arguments.runtime)
    wish = Wish(arguments.wrong_percent / 100, arguments.false_a_minute)
    tuned = tune(heard, spoken, wish, arguments.tolerance_ms)
    if arguments.json:
        print(json.dumps({"policy": to_mapping(tuned.policy), **tuned.tally.mapping()}))
    else:
        print(tuned.policy.describe(artefact.metadata.step_seconds))
        print(tuned.tally.text())
    if arguments.write:
        evaluation = {**artefact.metadata.evaluation, "tuning": tuned.tally.mapping()}
        metadata = replace(artefact.metadata, trigger=tuned.policy, evaluation=evaluation)
        with replacing(arguments.model) as part:
            part.write_bytes(artefact.repacked(metadata))
    return 0
