"""`python -m models new`: a model for a phrase of one's own, with one command."""

import argparse
import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from firmware_py.artefact import read_artefact
from models.commands import executors
from models.own_word.presets import PRESETS
from models.own_word.request import Request, slug
from models.own_word.source_folders import refuse_unfit_folders
from models.phrases.length import refuse_unfit_length
from models.progress import sign_of_life
from models.settings.config import TRAINED
from models.voices.spelling import read_phrases, spell, tidy

log = logging.getLogger(__name__)


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "new",
        description="Let synthetic voices say a phrase, and what sounds like it; train a network"
        " to tell them apart; convert it, find its thresholds, and write its card. Stopped at any"
        " moment, the same command goes on where it was.",
        epilog="example: python -m models new 'hey pi' --preset quick --recordings my-takes"
        " --negatives podcasts --noise kitchen",
    )
    parser.add_argument("phrase", metavar="PHRASE", help="what to hear, as it is written")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="result (default: models/trained/PHRASE)"
    )
    parser.add_argument(
        "--preset",
        choices=tuple(PRESETS),
        default="full",
        help="quick: some minutes, shows the way; full: about two hours on two cores (default)",
    )
    parser.add_argument(
        "--false-accepts-per-hour",
        type=float,
        default=0.5,
        metavar="R",
        help="choose the threshold for this (default: 0.5)",
    )
    parser.add_argument(
        "--anyway", action="store_true", help="take a phrase that is too short or too long"
    )
    _add_recordings(parser)
    parser.add_argument("--seed", type=int, default=1, help="of all that is random (default: 1)")
    parser.add_argument("--json", action="store_true", help="the result as one JSON object")
    executors.add_arguments(parser, "speak, make clips and evaluate", os.cpu_count() or 1)
    parser.set_defaults(run=run)


def _add_recordings(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what you add; folders of WAV, FLAC, Ogg, MP3 or AIFF files")
    group.add_argument(
        "--recordings",
        type=Path,
        metavar="DIR",
        help="your own takes of the phrase, one a file; 3 to 10 help",
    )
    group.add_argument(
        "--negatives",
        type=Path,
        nargs="+",
        default=(),
        metavar="DIR",
        help="real speech without the phrase; without it there will be more false accepts",
    )
    group.add_argument(
        "--noise", type=Path, nargs="+", default=(), metavar="DIR", help="real noise without speech"
    )
    group.add_argument(
        "--near",
        type=Path,
        metavar="FILE",
        help="more phrases to refuse, one a line, besides those found",
    )
    group.add_argument(
        "--held-out-engine",
        metavar="NAME",
        help="a speech synthesiser that does not train, to measure how new voices fare",
    )


def run(arguments: argparse.Namespace) -> int:
    """Make the model and print where it is and how good."""
    phrase = tidy(arguments.phrase)
    if not arguments.anyway:
        refuse_unfit_length(spell(phrase))
    request = Request(
        phrase,
        arguments.out or TRAINED / slug(phrase),
        arguments.preset,
        tuple(read_phrases(arguments.near)),
        tuple(arguments.negatives),
        tuple(arguments.noise),
        arguments.recordings,
        arguments.held_out_engine,
        arguments.false_accepts_per_hour,
        arguments.seed,
    )
    refuse_unfit_folders(request)
    _announce(request)
    with sign_of_life("loading"):
        from models.own_word.speech import refuse_unspeakable  # loads SciPy and the voices

        refuse_unspeakable(request)
        from models.own_word import judgement, phases  # they load TensorFlow
        from models.own_word.card import write_model_card

    with executors.open_pool(arguments.workers, arguments.dask) as executor:
        phases.make_model(request, executor, arguments.workers)
    card = write_model_card(request)
    first = read_artefact(judgement.artefacts(request)[0])
    found = first.metadata.evaluation
    if arguments.json:
        print(json.dumps({"model": str(first.path), "card": str(card), **found}))
    else:
        print(f"{first.path}\n{card}\n{_in_short(found)}")
    return 0


def _in_short(found: Mapping[str, Any]) -> str:
    """Return how well a model hears, on one line."""
    return (
        f"missed {found['misses']} of {found['positives']} test words;"
        f" {found['false_accepts']} false accepts in {found['hours']:.2g} h without the word;"
        f" threshold {found['threshold']:.3g}, chosen for"
        f" {found['target_false_accepts_per_hour']:.3g} an hour"
    )


def _announce(request: Request) -> None:
    log.info("%r, %s preset, into %s", request.phrase, request.preset_name, request.out)
    if request.spoken.lower() != request.phrase.lower():
        log.info("voices say %r; write it otherwise if people do not", request.spoken)
    log.info("looking for voices, loading TensorFlow: this takes some seconds")
