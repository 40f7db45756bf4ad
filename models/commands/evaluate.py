"""`python -m models evaluate`: how good a model is, with its uncertainty."""

import argparse
import json
from pathlib import Path
from typing import Any

from firmware_py.artefact import read_artefact
from firmware_py.errors import SettingsError
from models.commands import evaluation_options, executors
from models.evaluation import Evaluation, evaluate
from models.evaluation.report.folder import write_report
from models.evaluation.report.tables import percent_with_interval, rate_with_interval

EXIT_CHECK_FAILED = 1


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "evaluate",
        description="Run recordings through the runtime that ships; print misses and false"
        " accepts with exact 95 % intervals.",
        epilog="example: python -m models evaluate activate.tflite --positives words"
        " --negatives speech noise --noise noise --snr-db 20 10 5 0 --report report",
    )
    parser.add_argument("artefact", type=Path, metavar="ARTEFACT")
    evaluation_options.add_recordings(parser)
    evaluation_options.add_conditions(parser)
    _add_policy(parser)
    parser.add_argument("--json", action="store_true", help="the result as one JSON object")
    parser.add_argument(
        "--report",
        type=Path,
        metavar="DIR",
        help="write report.md, pictures and cut-out recordings",
    )
    executors.add_arguments(parser, "run recordings")
    parser.set_defaults(run=run)


def _add_policy(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("policy, the model's own where not given")
    group.add_argument("--label", help="the label to try, where the model has several")
    group.add_argument(
        "--operating-point",
        metavar="NAME",
        help="one of the model's named policies, such as sensitive",
    )
    group.add_argument("--threshold", type=float, metavar="X")
    group.add_argument(
        "--target-false-accepts-per-hour",
        type=float,
        metavar="R",
        help="choose the lowest threshold that keeps to this",
    )
    evaluation_options.add_steps(group)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate; return 1 when no threshold keeps to the target."""
    if arguments.threshold is not None and arguments.target_false_accepts_per_hour is not None:
        raise SettingsError("--threshold and --target-false-accepts-per-hour exclude each other")
    artefact = read_artefact(arguments.artefact)
    with executors.open_executor(arguments.workers, arguments.dask) as executor:
        evaluation = evaluate(
            artefact,
            arguments.positives,
            arguments.negatives,
            evaluation_options.setting(arguments),
            policy=evaluation_options.chosen_policy(artefact, arguments, arguments.operating_point),
            target_false_accepts_per_hour=arguments.target_false_accepts_per_hour,
            executor=executor,
        )
    if arguments.json:
        print(json.dumps(evaluation.to_json()))
    else:
        print("\n".join(summary_lines(evaluation)))
    if arguments.report:
        write_report(evaluation, arguments.report)
    return 0 if evaluation.keeps_to_target else EXIT_CHECK_FAILED


def summary_lines(evaluation: Evaluation) -> list[str]:
    """Return the result in a few lines for a person."""
    lines = [
        f"{condition.name:<20} missed {point.misses} of {point.positives}:"
        f" {percent_with_interval(point)} %"
        for condition, curve in evaluation.curves.items()
        for point in [curve.at(evaluation.policy.threshold)]
    ]
    point = evaluation.point
    lines.append(
        f"{'false accepts':<20} {point.false_accepts} in {point.hours:.2f} h:"
        f" {rate_with_interval(point)} an hour"
    )
    second = evaluation.second_stage
    if second:
        lines.append(
            f"{'second stage':<20} called {second.candidates} times"
            f" ({second.candidates / second.hours:.3g} an hour), ran {second.looks}, refused"
            f" {second.refused}"
        )
    latency = evaluation.summary()["latency"]
    if latency["detections"]:
        lines.append(
            f"{'latency':<20} {1000 * latency['median_seconds']:.0f} ms at the median,"
            f" {1000 * latency['p95_seconds']:.0f} ms at 95 %"
        )
    return [*lines, f"{'threshold':<20} {evaluation.policy.threshold:g}"]
