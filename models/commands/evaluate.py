"""`python -m models evaluate`: how good a model is, with its uncertainty."""

import argparse
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from firmware_py.artefact import Artefact, choose_policy, read_artefact
from firmware_py.errors import SettingsError
from firmware_py.trigger import TriggerPolicy
from models.commands import executors
from models.evaluation import (
    Evaluation,
    Selection,
    Setting,
    assess,
    evaluate,
    with_operating_points,
)
from models.evaluation.operating_points import DEFAULT
from models.evaluation.rare_false_accepts import threshold_for
from models.evaluation.report.folder import write_report
from models.evaluation.report.tables import percent_with_interval, rate_with_interval
from models.evaluation.results import TARGETS
from models.recordings.folds import parse_folds
from models.replacing import replacing

log = logging.getLogger(__name__)

EXIT_CHECK_FAILED = 1
STRICT, SENSITIVE = "strict", "sensitive"


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "evaluate",
        description="Run recordings through the runtime that ships; print misses and false"
        " accepts with exact 95 % intervals.",
        epilog="example: python -m models evaluate activate.tflite --positives words"
        " --negatives speech noise --noise noise --snr-db 20 10 5 0 --report report",
    )
    parser.add_argument("artefact", type=Path, metavar="ARTEFACT")
    _add_recordings(parser)
    _add_conditions(parser)
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


def _add_recordings(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("recordings")
    group.add_argument(
        "--positives",
        type=Path,
        nargs="+",
        required=True,
        metavar="DIR",
        help="folders of clips that hold the word",
    )
    group.add_argument(
        "--negatives",
        type=Path,
        nargs="+",
        required=True,
        metavar="DIR",
        help="folders of recordings without the word",
    )
    group.add_argument(
        "--folds", metavar="F,F", help="only these tenths of the speakers, such as 0,1 or 2-9"
    )
    group.add_argument(
        "--include",
        nargs="+",
        default=(),
        metavar="PATTERN",
        help="only positives whose path matches, such as 'flite_*'",
    )
    group.add_argument(
        "--exclude",
        nargs="+",
        default=(),
        metavar="PATTERN",
        help="no paths below DIR that match, such as 'computer/*'",
    )
    group.add_argument(
        "--limit",
        type=int,
        metavar="N",
        help="try at most N positives and N negatives, drawn at random",
    )
    group.add_argument(
        "--negatives-as",
        choices=("stream", "files"),
        default="stream",
        help="stream: one after the other as in life; files: a reset before each (default: stream)",
    )
    group.add_argument(
        "--on-bad",
        choices=("skip", "refuse"),
        default="skip",
        help="name and skip bad files, or stop (default: skip)",
    )
    group.add_argument("--seed", type=int, default=1, help="of all that is random (default: 1)")


def _add_conditions(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("conditions, each tried besides the recordings as they are")
    group.add_argument(
        "--noise",
        type=Path,
        nargs="+",
        default=(),
        metavar="DIR",
        help="folders of noise to mix to the positives",
    )
    group.add_argument(
        "--snr-db",
        type=float,
        nargs="+",
        default=(),
        metavar="X",
        help="speech over noise, in dB, during the word",
    )
    group.add_argument(
        "--level-dbfs",
        type=float,
        nargs="+",
        default=(),
        metavar="L",
        help="levels that speech is brought to",
    )
    group.add_argument(
        "--rate-hz",
        type=int,
        nargs="+",
        default=(),
        metavar="R",
        help="sample rates of the microphone",
    )


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
    usual = " ".join(f"{rate:g}" for rate in TARGETS.values())
    group.add_argument(
        "--write-policies",
        type=float,
        nargs="*",
        metavar="R",
        help=f"choose thresholds for so many false accepts an hour ({usual}, where"
        f" no numbers follow) of the policies {', '.join(TARGETS)} on these"
        " recordings, or take --threshold for the second, and write them into"
        " ARTEFACT",
    )
    for name in ("smoothing", "patience", "refractory"):
        group.add_argument(f"--{name}", type=int, metavar="STEPS")


def run(arguments: argparse.Namespace) -> int:
    """Evaluate; return 1 when no threshold keeps to the target."""
    _refuse_contradictions(arguments)
    artefact = read_artefact(arguments.artefact)
    with executors.open_executor(arguments.workers, arguments.dask) as executor:
        evaluation = evaluate(
            artefact,
            arguments.positives,
            arguments.negatives,
            _setting(arguments),
            policy=_policy(artefact, arguments),
            target_false_accepts_per_hour=arguments.target_false_accepts_per_hour,
            executor=executor,
        )
    if arguments.json:
        print(json.dumps(evaluation.to_json()))
    else:
        print("\n".join(summary_lines(evaluation)))
    if arguments.report:
        write_report(evaluation, arguments.report)
    if arguments.write_policies is not None:
        targets = dict(zip(TARGETS, arguments.write_policies or TARGETS.values(), strict=True))
        _write_policies(artefact, evaluation, targets, arguments.threshold)
    return 0 if evaluation.keeps_to_target else EXIT_CHECK_FAILED


def _write_policies(
    artefact: Artefact,
    evaluation: Evaluation,
    targets: Mapping[str, float],
    threshold: float | None,
) -> None:
    """Choose thresholds for the targets and put them into the artefact, at once.

    targets: false accepts an hour by the policy's name.
    threshold: of the default policy, where a person decides it; no named one crosses it.
    """
    curve = evaluation.curve
    chosen = {name: threshold_for(curve, rate) for name, rate in targets.items()}
    if threshold is not None:
        chosen[DEFAULT] = threshold
    chosen[STRICT] = max(chosen[STRICT], chosen[DEFAULT])
    chosen[SENSITIVE] = min(chosen[SENSITIVE], chosen[DEFAULT])
    policy = replace(evaluation.policy, threshold=chosen[DEFAULT])
    judged = assess(evaluation.heard, policy)
    with replacing(artefact.path) as part:
        part.write_bytes(with_operating_points(artefact, judged, targets, chosen))
    named = ", ".join(f"{name} {value:.3f}" for name, value in chosen.items())
    log.info("%s: thresholds written: %s", artefact.path, named)


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


def _refuse_contradictions(arguments: argparse.Namespace) -> None:
    if arguments.limit is not None and arguments.limit < 1:
        raise SettingsError(f"--limit is {arguments.limit}; the least is 1")
    if arguments.threshold is not None and arguments.target_false_accepts_per_hour is not None:
        raise SettingsError("--threshold and --target-false-accepts-per-hour exclude each other")
    rates = arguments.write_policies or list(TARGETS.values())
    if len(rates) != len(TARGETS) or rates[0] <= 0 or rates != sorted(rates):
        raise SettingsError(
            f"--write-policies is {rates}; give none or {len(TARGETS)} rates above 0 that rise:"
            f" {', '.join(TARGETS)}"
        )


def _setting(arguments: argparse.Namespace) -> Setting:
    selection = Selection(
        parse_folds(arguments.folds) if arguments.folds else None,
        arguments.include,
        arguments.exclude,
        arguments.limit,
        arguments.seed,
    )
    return Setting(
        selection,
        noise=tuple(arguments.noise),
        snrs_db=tuple(arguments.snr_db),
        levels_dbfs=tuple(arguments.level_dbfs),
        rates_hz=tuple(arguments.rate_hz),
        joined=arguments.negatives_as == "stream",
        label=arguments.label,
        on_bad=arguments.on_bad,
    )


def _policy(artefact: Artefact, arguments: argparse.Namespace) -> TriggerPolicy:
    names = ("smoothing", "patience", "refractory")
    given = {name: getattr(arguments, name) for name in names}
    changes = {name: value for name, value in given.items() if value is not None}
    chosen = choose_policy(artefact, arguments.operating_point, arguments.threshold)
    if not isinstance(chosen, TriggerPolicy):
        raise SettingsError(
            f"{artefact.path}: {artefact.metadata.name} answers with one of several words; judge it"
            " with: python -m models words"
        )
    return replace(chosen, **changes)
