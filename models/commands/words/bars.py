"""`python -m models words bars`: what a model makes of one file, as bars."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firmware_py.artefact import read_artefact
from models.commands.words.options import add_runtime
from models.recordings.sources import load_samples
from models.words.judging import ClipJudge
from models.words.window_layout import one_second

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BAR = 40
"""Characters of a full bar."""


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "bars",
        help="what a model makes of one file",
        description="Print a bar for each label of a clip of about a second; --out draws them.",
    )
    parser.add_argument("clip", type=Path, metavar="CLIP", help="WAV, FLAC, Ogg, MP3 or AIFF")
    parser.add_argument("--model", type=Path, required=True, metavar="M", help="artefact")
    parser.add_argument("--out", type=Path, metavar="PNG", help="draw the bars")
    add_runtime(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the scores of the labels, the answer marked; return the exit code."""
    artefact = read_artefact(arguments.model)
    labels, rate_hz = artefact.metadata.labels, artefact.metadata.front_end.sample_rate_hz
    clip = one_second(load_samples(arguments.clip, rate_hz), rate_hz)
    scores = ClipJudge(artefact, arguments.runtime).scores(clip)
    width = max(map(len, labels))
    for index, (label, score) in enumerate(zip(labels, scores, strict=True)):
        mark = " <" if index == scores.argmax() else ""
        print(f"{label:<{width}} {score:6.3f} {'#' * round(BAR * score)}{mark}")
    if arguments.out:
        bars_picture(arguments.clip.name, clip, rate_hz, labels, scores).savefig(
            arguments.out, dpi=120
        )
    return 0


def bars_picture(
    title: str,
    clip: NDArray[np.int16],
    sample_rate_hz: int,
    labels: tuple[str, ...],
    scores: NDArray[np.float64],
) -> "Figure":
    """Return the waveform and a bar for each label; clip: [samples], scores: [labels]."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 5.0), layout="constrained")
    wave, bars = figure.subplots(2, 1, height_ratios=(1, 2))
    wave.plot(np.arange(len(clip)) / sample_rate_hz, clip / 32768.0, linewidth=0.6)
    wave.set(xlabel="seconds", ylabel="of full scale", title=title, xlim=(0.0, 1.0))
    colours = ["C1" if index == scores.argmax() else "C0" for index in range(len(labels))]
    bars.bar(labels, scores, color=colours)
    bars.tick_params(axis="x", rotation=45)
    bars.set(ylabel="score", ylim=(0.0, 1.0))
    return figure
