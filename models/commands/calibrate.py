"""`python -m models calibrate`: thresholds for rates of false accepts, written into a model."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from firmware_py.artefact import read_artefact
from firmware_py.errors import SettingsError
from models.commands import evaluation_options, executors
from models.evaluation import Evaluation, calibrate, collect, write_operating_points
from models.evaluation.conditions import AS_RECORDED
from models.evaluation.fitness import carried_targets, refuse_deaf, refuse_uncarried
from models.evaluation.report.tables import percent_with_interval, rate_with_interval
from models.evaluation.results import DEFAULT, TARGETS


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    names = ", ".join(TARGETS)
    parser = subparsers.add_parser(
        "calibrate",
        description=f"Choose the thresholds of the policies {names} for rates of false accepts, on"
        " recordings through the runtime that ships, and write them into ARTEFACT.",
        epilog="example: python -m models calibrate activate.tflite --rates 0.1 0.5 2"
        " --negatives speech --positives words",
    )
    parser.add_argument("artefact", type=Path, metavar="ARTEFACT")
    parser.add_argument(
        "--rates",
        type=float,
        nargs="+",
        default=list(TARGETS.values()),
        metavar="R",
        help=f"false accepts an hour of {names} (default:"
        f" {' '.join(f'{rate:g}' for rate in TARGETS.values())})",
    )
    evaluation_options.add_recordings(parser, positives_required=False)
    evaluation_options.add_conditions(parser)
    group = parser.add_argument_group("policy, the model's own where not given")
    group.add_argument("--label", help="the label to try, where the model has several")
    group.add_argument(
        "--threshold", type=float, metavar="X", help="of the default policy, instead of its rate's"
    )
    evaluation_options.add_steps(group)
    parser.add_argument("--json", action="store_true", help="one JSON object a policy")
    executors.add_arguments(parser, "run recordings")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Choose and write the policies; print what each promises."""
    targets = _targets(arguments.rates)
    artefact = read_artefact(arguments.artefact)
    policy = evaluation_options.chosen_policy(artefact, arguments)
    with executors.open_executor(arguments.workers, arguments.dask) as executor:
        heard = collect(
            artefact,
            arguments.positives,
            arguments.negatives,
            evaluation_options.setting(arguments),
            executor,
        )
    hours = heard.hours_in(AS_RECORDED)
    if arguments.threshold is None:
        refuse_uncarried(hours, targets)
    targets = carried_targets(hours, targets)
    chosen = calibrate(heard, policy, targets, threshold=arguments.threshold)
    if arguments.threshold is None:
        refuse_deaf(chosen[DEFAULT])
    write_operating_points(artefact, chosen, targets)
    for name, evaluation in chosen.items():
        if arguments.json:
            named = {"policy_name": name, "target_false_accepts_per_hour": targets[name]}
            print(json.dumps({**named, **evaluation.summary()}))
        else:
            print(promise(name, evaluation))
    return 0


def promise(name: str, evaluation: Evaluation) -> str:
    """Return a policy's threshold and what was measured at it, on one line."""
    point = evaluation.point
    missed = f"missed {percent_with_interval(point)} %, " if point.positives else ""
    return (
        f"{name:<10} threshold {point.threshold:.6g}: {missed}"
        f"{point.false_accepts} false accepts in {point.hours:.2f} h,"
        f" {rate_with_interval(point)} an hour"
    )


def _targets(rates: Sequence[float]) -> dict[str, float]:
    """Return false accepts an hour by the policy's name."""
    rise = all(rate > 0 for rate in rates) and rates == sorted(rates)
    if len(rates) != len(TARGETS) or not rise:
        raise SettingsError(
            f"--rates is {rates}; give {len(TARGETS)} rates above 0 that rise: {', '.join(TARGETS)}"
        )
    return dict(zip(TARGETS, rates, strict=True))
