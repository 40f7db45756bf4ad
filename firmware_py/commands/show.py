"""`trigger-word show`: what an artefact is."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from firmware_py.artefact import Artefact

LONGEST_VALUE = 160


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "show", help="tell what a model is", description="Print a model's metadata."
    )
    parser.add_argument(
        "model", type=Path, nargs="?", metavar="M", help="artefact (default: the built-in one)"
    )
    parser.add_argument("--json", action="store_true", help="the whole metadata as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from firmware_py.artefact import DEFAULT_MODEL, read_artefact
    from firmware_py.schema import to_mapping

    artefact = read_artefact(arguments.model or DEFAULT_MODEL)
    if arguments.json:
        size = artefact.path.stat().st_size
        facts = {"file": str(artefact.path), "bytes": size, **to_mapping(artefact.metadata)}
        print(json.dumps(facts))
        return 0
    for name, value in _summary(artefact):
        print(f"{name:<18} {value}")
    return 0


def _summary(artefact: "Artefact") -> list[tuple[str, str]]:
    metadata = artefact.metadata
    front_end, network = metadata.front_end, metadata.network
    level = "clip" if front_end.clip_level else "causal" if front_end.causal_level else "none"
    bins = f"{front_end.num_bins} {'mel' if front_end.num_mel_bins else 'linear'} bins"
    size = f"{artefact.path.stat().st_size:,} bytes"
    rate = f"{front_end.sample_rate_hz} Hz"
    windows = f"window {front_end.window_length}, hop {front_end.hop_length}"
    step = f"{1000 * metadata.step_seconds:g} ms ({network.stride} frames)"
    rows = [
        ("model", metadata.name),
        ("file", f"{artefact.path} ({size}, {metadata.mode})"),
        ("sha256", metadata.sha256),
        ("labels", ", ".join(metadata.labels)),
        ("front end", f"{rate}, {windows}, {bins}, level: {level}"),
        ("step", f"{step}, {network.steps_per_call} to a call"),
        ("trigger", metadata.trigger.describe(metadata.step_seconds)),
    ]
    if metadata.verifier:
        frame_seconds = metadata.front_end.frame_seconds
        looks = metadata.verifier.describe(metadata.step_seconds, frame_seconds)
        rows.append(("second stage", f"{looks} ({metadata.verifier.mode})"))
    rows += [
        (name, policy.describe(metadata.step_seconds))
        for name, policy in metadata.operating_points.items()
    ]
    rows += [(f"evaluation: {key}", _value(item)) for key, item in metadata.evaluation.items()]
    rows += [(f"training: {key}", _value(item)) for key, item in metadata.training.items()]
    return rows


def _value(value: Any) -> str:
    """Return a line for people; what is longer is for --json."""
    if isinstance(value, str):
        return value
    text = json.dumps(_rounded(value))
    return text if len(text) <= LONGEST_VALUE else f"{len(value)} entries, see --json"


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return value
