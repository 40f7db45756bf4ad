"""`python -m models words stream`: a long recording with words over background noise."""

import argparse
from pathlib import Path
from typing import Any

import soundfile

from firmware_py.errors import SettingsError
from models.commands.words.options import add_data, config_of, corpus_of
from models.words.streams.plan import StreamPlan, make_stream, write_truth


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    plan = StreamPlan()
    parser = subparsers.add_parser(
        "stream",
        help="write a long recording with many words",
        description="Write a WAV with a word about every three seconds over background noise, and"
        " beside it a .txt that tells what was said when (`word, milliseconds`).",
    )
    parser.add_argument("config", type=Path, metavar="CONFIG.toml")
    parser.add_argument("--out", type=Path, required=True, metavar="OUT.wav")
    add_data(parser, "testing")
    parser.add_argument("--minutes", type=float, default=plan.minutes)
    parser.add_argument(
        "--each-once",
        action="store_true",
        help="every recording of the part once, for as long as that takes; no --minutes",
    )
    parser.add_argument("--every", type=float, default=plan.every_seconds, metavar="SECONDS")
    parser.add_argument(
        "--unknown-percent",
        type=float,
        default=plan.unknown_percent,
        help="of words that are none of the labels (default: 10)",
    )
    parser.add_argument(
        "--background-volume",
        type=float,
        default=plan.background_volume,
        help="of the noise against its recording (default: 0.1)",
    )
    parser.add_argument("--seed", type=int, default=plan.seed, help="another seed, other words")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write recording and text and print their paths; return the exit code."""
    if arguments.out.suffix.lower() != ".wav":
        raise SettingsError(f"--out {arguments.out} is no .wav file; name one")
    if arguments.minutes <= 0 or arguments.every <= 0:
        raise SettingsError(
            f"--minutes {arguments.minutes:g}, --every {arguments.every:g}: both must be above 0"
        )
    config, words = config_of(arguments.config)
    rate_hz = config.front_end.sample_rate_hz
    plan = StreamPlan(
        minutes=arguments.minutes,
        each_once=arguments.each_once,
        every_seconds=arguments.every,
        unknown_percent=arguments.unknown_percent,
        background_volume=arguments.background_volume,
        seed=arguments.seed,
    )
    corpus = corpus_of(arguments, words, rate_hz)
    samples, spoken = make_stream(corpus, config.labels, plan, rate_hz)
    soundfile.write(arguments.out, samples, rate_hz, subtype="PCM_16")
    truth = arguments.out.with_suffix(".txt")
    write_truth(truth, spoken)
    print(f"{arguments.out}\n{truth}")
    return 0
