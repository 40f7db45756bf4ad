"""`trigger-word show`: what an artefact is."""

import argparse
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from firmware_py.artefact import Artefact


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "show", help="tell what a model is", description="Print a model's metadata."
    )
    parser.add_argument(
        "model",
        nargs="?",
        metavar="M",
        help="name or file (default: the installed one, or the built-in)",
    )
    parser.add_argument("--json", action="store_true", help="the whole metadata as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from firmware_py.installation.library import open_model
    from firmware_py.reading.files import shown
    from firmware_py.schema import to_mapping

    artefact = open_model(arguments.model)
    if arguments.json:
        size = artefact.path.stat().st_size
        facts = {"file": str(artefact.path), "bytes": size, **to_mapping(artefact.metadata)}
        print(json.dumps(facts))
        return 0
    for name, value in _summary(artefact):
        print(f"{name:<13} {shown(value)}")
    return 0


def _summary(artefact: "Artefact") -> list[tuple[str, str]]:
    from firmware_py.commands.figures import rows

    metadata = artefact.metadata
    front_end, network = metadata.front_end, metadata.network
    level = "clip" if front_end.clip_level else "causal" if front_end.causal_level else "none"
    bins = f"{front_end.num_bins} {'mel' if front_end.num_mel_bins else 'linear'} bins"
    size = f"{artefact.path.stat().st_size:,} bytes"
    rate = f"{front_end.sample_rate_hz} Hz"
    windows = f"window {front_end.window_length}, hop {front_end.hop_length}"
    step = f"{1000 * metadata.step_seconds:g} ms ({network.stride} frames)"
    policies = {"trigger": metadata.trigger, **metadata.operating_points}
    second = []
    if metadata.verifier:
        looks = metadata.verifier.describe(metadata.step_seconds, front_end.frame_seconds)
        second = [("second stage", f"{looks} ({metadata.verifier.mode})")]
    return [
        ("model", metadata.name),
        ("hears", ", ".join(metadata.words)),
        ("file", f"{artefact.path} ({size}, {metadata.mode})"),
        ("sha256", metadata.sha256),
        ("front end", f"{rate}, {windows}, {bins}, level: {level}"),
        ("step", f"{step}, {network.steps_per_call} to a call"),
        *((name, policy.describe(metadata.step_seconds)) for name, policy in policies.items()),
        *second,
        *rows(metadata),
        ("more", "trigger-word show --json"),
    ]
