"""`trigger-word detect`: detections in recordings."""

import argparse
import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firmware_py.errors import AudioError, SettingsError
from firmware_py.reading.files import shown

if TYPE_CHECKING:
    from firmware_py.artefact import Artefact, Policy
    from firmware_py.detector import Detection
    from firmware_py.replay import Replayed

STDIN = "-"

log = logging.getLogger(__name__)


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "detect",
        help="find the word in recordings",
        description="Print when the word was heard in each recording.",
        epilog="example: trigger-word detect kitchen.wav --chime answered.wav",
    )
    parser.add_argument(
        "audio",
        nargs="+",
        metavar="AUDIO",
        help="WAV, FLAC, Ogg, MP3 or AIFF, any rate and channel count, or a pipe with one; - is"
        " standard input: one of these, or raw int16 PCM with --rate",
    )
    parser.add_argument(
        "--model",
        metavar="M",
        help="name, file, or URL#sha256=DIGEST (default: the installed one, or the built-in)",
    )
    parser.add_argument(
        "--threshold", type=float, metavar="X", help="from 0 to 1, instead of the model's own"
    )
    parser.add_argument(
        "--operating-point",
        metavar="NAME",
        help="one of the model's named policies, such as sensitive",
    )
    parser.add_argument(
        "--channel",
        type=_channel,
        default="first",
        metavar="first|mix|N",
        help="which channel is heard: the first, the mean of all, or number N (default: first)",
    )
    parser.add_argument(
        "--rate",
        type=int,
        default=None,
        metavar="HZ",
        help="sample rate of raw PCM on standard input",
    )
    parser.add_argument(
        "--channels",
        type=_count,
        default=1,
        metavar="N",
        help="interleaved channels of raw PCM on standard input (default: 1)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a detection")
    parser.add_argument(
        "--chime",
        type=Path,
        metavar="OUT.wav",
        help="write the recording with a chime at each detection",
    )
    parser.add_argument(
        "--posteriors",
        type=Path,
        metavar="OUT.npy",
        help="save the network's outputs, float32 [steps, labels]",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Detect in every recording named; return the exit code."""
    from firmware_py.artefact import DEFAULT_MODEL, choose_policy
    from firmware_py.installation.library import open_model
    from firmware_py.logs import quieten_libraries

    _refuse_contradictions(arguments)
    quieten_libraries()
    artefact = open_model(arguments.model)
    if arguments.model is None and artefact.path != DEFAULT_MODEL:
        log.info(
            "listening with the installed model %s (%s)", artefact.metadata.name, artefact.path
        )
    policy = choose_policy(artefact, arguments.operating_point, arguments.threshold)
    for audio in arguments.audio:
        _detect(artefact, policy, audio, arguments)
    return 0


def _refuse_contradictions(arguments: argparse.Namespace) -> None:
    if arguments.chime and not Path(arguments.audio[0]).is_file():
        raise SettingsError(
            f"--chime lays chimes over a recording; name a file instead of {arguments.audio[0]}"
        )
    for option in ("chime", "posteriors"):
        if getattr(arguments, option) and len(arguments.audio) > 1:
            raise SettingsError(f"--{option} writes one file; name one recording at a time")


def _detect(
    artefact: "Artefact", policy: "Policy", audio: str, arguments: argparse.Namespace
) -> None:
    import numpy as np

    from firmware_py.chime import write_with_chimes

    detections: list[Detection] = []
    posteriors = []
    for replayed in _replay(artefact, policy, audio, arguments):
        for detection in replayed.detections:
            detections.append(detection)
            _report(audio, detection, arguments.json)
        if arguments.posteriors:
            posteriors.append(replayed.steps.posteriors)
    if arguments.posteriors:
        with arguments.posteriors.open("wb") as file:
            np.save(file, np.concatenate(posteriors))
    if arguments.chime:
        write_with_chimes(Path(audio), arguments.chime, [d.time_seconds for d in detections])
    if not detections and not arguments.json:
        print(f"{shown(audio)}: nothing heard", file=sys.stderr)


def _replay(
    artefact: "Artefact", policy: "Policy", audio: str, arguments: argparse.Namespace
) -> "Iterator[Replayed]":
    from firmware_py.replay import detect_in_file, detect_in_stream

    if audio != STDIN:
        return detect_in_file(artefact, Path(audio), policy, arguments.channel)
    if sys.stdin is None:
        raise AudioError("standard input is closed; pipe a recording into it")
    rate_hz, channels = arguments.rate, arguments.channels
    return detect_in_stream(
        artefact, sys.stdin.buffer, policy, rate_hz, channels, arguments.channel
    )


def _report(audio: str, detection: "Detection", as_json: bool) -> None:
    if as_json:
        print(json.dumps({"file": audio, **asdict(detection)}), flush=True)
        return
    minutes, seconds = divmod(detection.time_seconds, 60)
    print(
        f"{shown(audio)}: {int(minutes):d}:{seconds:06.3f}  {shown(detection.label)}"
        f"  (score {detection.score:.3f})",
        flush=True,
    )


def _channel(text: str) -> int:
    """Return the number of a channel, 0 for the mean of all."""
    named = {"first": 1, "mix": 0}
    return named[text] if text in named else _count(text)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:6]) < 1025):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1024")
    return int(text)
