"""Options of the commands that run recordings through a model, as the device would hear them."""

import argparse
from dataclasses import replace
from pathlib import Path

from firmware_py.artefact import Artefact, choose_policy
from firmware_py.errors import SettingsError
from firmware_py.policies.trigger import TriggerPolicy
from models.evaluation import Selection, Setting
from models.evaluation.collect import trigger_policy
from models.recordings.folds import parse_folds

STEPS = ("smoothing", "patience", "refractory")
"""Parts of a policy that are counted in steps."""


def add_negatives(group: "argparse._ActionsContainer") -> None:
    """Add the options that name recordings without the word."""
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
        "--exclude",
        nargs="+",
        default=(),
        metavar="PATTERN",
        help="leave out paths below DIR that match, such as 'computer/*'",
    )
    group.add_argument(
        "--on-bad",
        choices=("skip", "refuse"),
        default="skip",
        help="name and skip bad files, or stop (default: skip)",
    )


def add_recordings(parser: argparse.ArgumentParser, positives_required: bool = True) -> None:
    group = parser.add_argument_group("recordings")
    group.add_argument(
        "--positives",
        type=Path,
        nargs="+",
        required=positives_required,
        default=(),
        metavar="DIR",
        help="folders of clips that hold the word",
    )
    add_negatives(group)
    group.add_argument(
        "--include",
        nargs="+",
        default=(),
        metavar="PATTERN",
        help="only positives whose path matches, such as 'flite_*'",
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
    group.add_argument("--seed", type=int, default=1, help="of all that is random (default: 1)")


def add_conditions(parser: argparse.ArgumentParser) -> None:
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


def add_steps(group: "argparse._ArgumentGroup") -> None:
    for name in STEPS:
        group.add_argument(f"--{name}", type=int, metavar="STEPS")


def folds(arguments: argparse.Namespace) -> frozenset[int] | None:
    """Return the tenths of the speakers that are tried; None: all."""
    return parse_folds(arguments.folds) if arguments.folds else None


def setting(arguments: argparse.Namespace) -> Setting:
    """Return which recordings are tried, and how."""
    if arguments.limit is not None and arguments.limit < 1:
        raise SettingsError(f"--limit is {arguments.limit}; the least is 1")
    selection = Selection(
        folds(arguments), arguments.include, arguments.exclude, arguments.limit, arguments.seed
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


def chosen_policy(
    artefact: Artefact, arguments: argparse.Namespace, operating_point: str | None = None
) -> TriggerPolicy:
    """Return the model's policy, or one of its named ones, with what the options change.

    Raises SettingsError for a model of command words.
    """
    given = {name: getattr(arguments, name) for name in STEPS}
    changes = {name: value for name, value in given.items() if value is not None}
    chosen = choose_policy(artefact, operating_point, arguments.threshold)
    return replace(trigger_policy(artefact, chosen), **changes)
