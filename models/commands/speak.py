"""Speak a phrase in many synthetic voices and rooms, as training material."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from firmware_py.errors import SettingsError
from models.commands import executors
from models.progress import sign_of_life
from models.voices.engines.native import PREFIX, TONGUES
from models.voices.spelling import read_phrases, spell, tidy


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `speak` to the commands of `python -m models`."""
    parser = subparsers.add_parser("speak", description=__doc__)
    parser.add_argument(
        "--phrase", action="append", default=[], metavar="TEXT", help="what to say; may repeat"
    )
    parser.add_argument("--phrases", type=Path, metavar="FILE", help="more phrases, one a line")
    parser.add_argument(
        "--sentences", type=int, default=0, metavar="N", help="N more: made-up sentences"
    )
    parser.add_argument(
        "--without",
        default="",
        metavar="TEXT",
        help="what sentences and the phrases of the file must not hold: lines in which it is"
        " heard, in English, are left out",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="for the clips")
    parser.add_argument("--count", type=int, default=100, help="clips per phrase (default 100)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other clips (default 0)")
    executors.add_arguments(parser, "speak")
    parser.add_argument(
        "--engines",
        metavar="A,B",
        help="only these of espeak-ng, flite, festival, rhvoice, pico, accents, kokoro, piper"
        " (default: all); for tests, as their licences forbid commercial use: rhvoice-nc,"
        " accents-nc, mbrola; to read phrases in another language: "
        + ", ".join(PREFIX + tongue for tongue in TONGUES),
    )
    parser.add_argument(
        "--carrier",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="say half of the clips in a sentence and cut them out (default yes)",
    )
    parser.add_argument(
        "--keep-carrier",
        action="store_true",
        help="say all in a sentence and keep it whole, the manifest tells where the phrase is;"
        " voices that cannot place words say it alone",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make the clips; print the path of their manifest."""
    if arguments.count < 1 or arguments.seed < 0 or arguments.sentences < 0:
        raise SettingsError(
            f"--count {arguments.count}, --seed {arguments.seed}, --sentences"
            f" {arguments.sentences}: count starts at 1, the others at 0"
        )
    if arguments.sentences and not arguments.without:
        raise SettingsError("--sentences needs --without: what they must not hold")
    engines = None if arguments.engines is None else arguments.engines.split(",")
    _refuse_english_only(arguments, engines or ())
    read = tidy if engines and all(name.startswith(PREFIX) for name in engines) else spell
    phrases = [read(phrase) for phrase in arguments.phrase]
    listed = [read(phrase) for phrase in read_phrases(arguments.phrases)]
    from models.phrases.sentences import sentences, without  # these take a while to load
    from models.voices.bank import speak_phrases

    made_up = []
    if arguments.without:
        target = spell(arguments.without)
        made_up = sentences(arguments.sentences, target, arguments.seed)
        listed = without(target, listed)
    with (
        executors.open_executor(arguments.workers, arguments.dask) as executor,
        sign_of_life("speaking"),
    ):
        manifest = speak_phrases(
            [*phrases, *listed, *made_up],
            arguments.out,
            arguments.count,
            engines=engines,
            seed=arguments.seed,
            executor=executor,
            carrier=arguments.carrier,
            keep_carrier=arguments.keep_carrier,
        )
    sys.stdout.write(f"{manifest}\n")
    return 0


def _refuse_english_only(arguments: argparse.Namespace, engines: Sequence[str]) -> None:
    """Raise SettingsError for what knows English alone, asked of voices of other languages."""
    foreign = [engine for engine in engines if engine.startswith(PREFIX)]
    for option in ("without", "sentences", "keep_carrier"):
        if foreign and getattr(arguments, option):
            raise SettingsError(
                f"--{option.replace('_', '-')} is for English; leave it out with {foreign[0]}"
            )
