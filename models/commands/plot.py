"""`python -m models plot`: pictures of recordings, from wav to spectrogram."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from firmware_py.artefact import Artefact
from firmware_py.errors import SettingsError
from firmware_py.front_end import FrontEnd
from firmware_py.installation.library import open_model
from firmware_py.replay import detect_in_file
from firmware_py.streaming.frame_detector import joined
from models.evaluation.metrics import smoothed
from models.evaluation.report.scene import Excerpt, NetworkResponse, draw_excerpt
from models.evaluation.runs import step_ends_seconds
from models.evaluation.selection import EvaluationClip, clip_of, load_recording
from models.recordings.manifest import read_manifest
from models.settings.config import REFERENCE_CONFIG, read_config


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "plot",
        description="Draw recordings as a model hears them, and the score it gives them.",
        epilog="example: python -m models plot kitchen.wav --model computer",
    )
    parser.add_argument(
        "clip", type=Path, nargs="+", metavar="CLIP", help="WAV, FLAC, Ogg, MP3 or AIFF"
    )
    parser.add_argument(
        "--model",
        metavar="M",
        help="its file, name or URL (default: the installed one, else the built-in one)",
    )
    parser.add_argument(
        "--reference", action="store_true", help="no model: the spectrogram of the classic recipe"
    )
    parser.add_argument(
        "--manifest",
        type=Path,
        metavar="CSV",
        help="tells where the word is (default: manifest.csv beside CLIP)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="PNG",
        help="picture, or a folder for several (default: CLIP's name with .png, here)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write one picture a clip and print its path."""
    if arguments.reference and arguments.model:
        raise SettingsError(f"--reference draws no model; leave out --model {arguments.model}")
    artefact = None if arguments.reference else open_model(arguments.model)
    reference = read_config(REFERENCE_CONFIG).front_end
    targets = _targets(arguments.clip, arguments.out)
    for path, target in tqdm(targets, disable=None if len(targets) > 1 else True, unit="clip"):
        clip = clip_of(path, path.parent.name, read_manifest(arguments.manifest or path.parent))
        figure = draw_excerpt(scene_of(clip, artefact, reference))
        target.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(target)
        print(target)
    return 0


def scene_of(clip: EvaluationClip, artefact: Artefact | None, front_end: FrontEnd) -> Excerpt:
    """Return the scene of a recording: in `front_end`, or in a model's with its posteriors."""
    samples, rate_hz = load_recording(clip.path)
    word = None
    if clip.word_end_seconds is not None:
        word = (clip.word_start_seconds or 0.0, clip.word_end_seconds)
    said = None
    if artefact:
        said = _said(artefact, clip.path)
        front_end = artefact.metadata.front_end
    return Excerpt(clip.title, samples, rate_hz, front_end, said, word)


def _said(artefact: Artefact, path: Path) -> NetworkResponse:
    metadata = artefact.metadata
    parts = list(detect_in_file(artefact, path, metadata.trigger))
    steps = joined(part.steps for part in parts)
    times = [detection.time_seconds for part in parts for detection in part.detections]
    width = metadata.trigger.average_steps(metadata.step_seconds)
    return NetworkResponse(
        metadata.labels,
        step_ends_seconds(metadata, len(steps.scores)),
        steps.posteriors,
        np.stack([smoothed(scores, width) for scores in steps.scores.T], axis=1),
        metadata.trigger.threshold,
        tuple(times),
    )


def _targets(clips: list[Path], out: Path | None) -> list[tuple[Path, Path]]:
    """Return each clip and where its picture goes."""
    names = [f"{clip.stem}.png" for clip in clips]
    if len(set(names)) < len(names):
        raise SettingsError("two clips have the same name; plot them into different folders")
    if out is None:
        return [(clip, Path(name)) for clip, name in zip(clips, names, strict=True)]
    if out.suffix.lower() == ".png":
        if len(clips) > 1:
            raise SettingsError(f"--out {out} is one picture for {len(clips)} clips; name a folder")
        return [(clips[0], out)]
    return [(clip, out / name) for clip, name in zip(clips, names, strict=True)]
