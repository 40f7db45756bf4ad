"""`python -m models words test`: words matched, wrong and false positives in a long recording."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firmware_py.artefact import read_artefact
from firmware_py.schema import to_mapping
from models.commands.words.options import add_runtime, add_stream
from models.words.streams.hearing import TOLERANCE_MS, Tally, hear, policy_of, tally
from models.words.streams.plan import read_truth
from models.words.streams.tuning import curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "test",
        help="matched, wrong and false words in a long recording",
        description="Stream a recording through the shipped runtime and hold its detections"
        " against what was said: at the model's policy, and at every threshold.",
    )
    add_stream(parser)
    parser.add_argument("--threshold", type=float, metavar="X", help="instead of the model's own")
    parser.add_argument(
        "--tolerance-ms",
        type=float,
        default=TOLERANCE_MS,
        metavar="MS",
        help="after a word's beginning (default: 1500)",
    )
    parser.add_argument("--picture", type=Path, metavar="PNG", help="draw the trade-off")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    add_runtime(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the tally and the trade-off; return the exit code."""
    artefact = read_artefact(arguments.model)
    policy = policy_of(artefact)
    if arguments.threshold is not None:
        policy = replace(policy, threshold=arguments.threshold)
    spoken = read_truth(arguments.truth or arguments.audio.with_suffix(".txt"))
    heard = hear(artefact, arguments.audio, arguments.runtime)
    found = tally(
        heard.detections(policy),
        spoken,
        artefact.metadata.labels,
        heard.minutes,
        arguments.tolerance_ms,
    )
    points = curve(heard, spoken, policy, tolerance_ms=arguments.tolerance_ms)
    if arguments.json:
        trade_off = [{"threshold": threshold, **point.mapping()} for threshold, point in points]
        facts = {
            "model": str(arguments.model),
            "policy": to_mapping(policy),
            "tolerance_ms": arguments.tolerance_ms,
            **found.mapping(),
        }
        print(json.dumps({**facts, "curve": trade_off}))
    else:
        print(found.text())
        print(f"\n{'threshold':>9}{'matched %':>11}{'wrong %':>9}{'false a minute':>16}")
        for threshold, point in points:
            print(
                f"{threshold:>9.2f}{100 * point.matched_share:>11.1f}"
                f"{100 * point.wrong_share:>9.1f}"
                f"{point.false_positives_per_minute:>16.2f}"
            )
    if arguments.picture:
        trade_off_picture(artefact.metadata.name, points, found).savefig(arguments.picture, dpi=120)
    return 0


def trade_off_picture(title: str, points: Sequence[tuple[float, Tally]], chosen: Tally) -> "Figure":
    """Return matched and wrong words against false positives, the policy's own point marked."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 4.5), layout="constrained")
    axes = figure.add_subplot()
    false = [point.false_positives_per_minute for _, point in points]
    axes.plot(false, [100 * point.matched_share for _, point in points], "o-", label="matched")
    axes.plot(false, [100 * point.wrong_share for _, point in points], "s-", label="wrong")
    axes.plot(
        chosen.false_positives_per_minute,
        100 * chosen.matched_share,
        "k*",
        markersize=12,
        label="the model's policy",
    )
    axes.set(
        xlabel="false positives a minute",
        ylabel="% of the words",
        title=title,
        ylim=(0.0, 100.0),
        xlim=(0.0, None),
    )
    axes.grid(alpha=0.3)
    axes.legend()
    return figure
