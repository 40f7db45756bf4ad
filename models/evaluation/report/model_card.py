"""The card of a model: what it is, how good, made of what, and where it ends. Markdown."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware_py.artefact import Artefact, read_artefact
from models.evaluation.metrics import OperatingPoint
from models.evaluation.report.folder import POINT_HEADER
from models.evaluation.report.tables import (
    percent_with_interval,
    point_row,
    rate_with_interval,
    table,
)
from models.recordings.voice_names import program
from models.settings.config import Config

MANIFEST = "MANIFEST.md"
"""Beside recordings: paragraphs that begin with "Source:", "Licence:" and "Attribution:"."""
FACTS = ("Source", "Licence", "License", "Attribution")


@dataclass(frozen=True)
class Material:
    """Recordings that a model was trained on."""

    name: str
    part: str
    """What they teach."""
    origin: str
    """Where they are from and what must be said about them."""


@dataclass(frozen=True)
class CardContent:
    """What a card is written from."""

    config: Config
    artefacts: Sequence[Path]
    """The one to use first; with the evaluation that chose their policies."""
    evaluation: Mapping[str, Any]
    """Of the first, as `models.evaluation` puts it into JSON."""
    materials: Sequence[Material]
    findings: Sequence[str]
    """Further sentences on how good it is."""
    limits: Sequence[str]
    """Sentences on what not to expect."""


def write_card(card: CardContent, path: Path) -> None:
    """Write the card to `path`."""
    artefacts = [read_artefact(artefact) for artefact in card.artefacts]
    sections = [
        *_head(card, artefacts),
        *_how_good(card),
        *_operating_points(artefacts[0]),
        "## Made of",
        table(
            ("recordings", "teach", "from"),
            [(material.name, material.part, material.origin) for material in card.materials],
        ),
        "## Limits",
        "\n".join(f"- {limit}" for limit in card.limits),
    ]
    path.write_text("\n\n".join(sections) + "\n", encoding="utf-8")


def origin(folder: Path) -> str:
    """Return what the manifest beside recordings says of their source and licence."""
    path = folder / MANIFEST
    if not path.exists():
        return f"no {MANIFEST} tells"
    paragraphs = re.split(r"\n\s*\n", path.read_text(encoding="utf-8"))
    facts = [" ".join(text.split()) for text in paragraphs if text.split(":")[0] in FACTS]
    return " ".join(facts) or f"its {MANIFEST} does not tell"


def _head(card: CardContent, artefacts: Sequence[Artefact]) -> list[str]:
    config = card.config
    network, front_end = config.streaming_network, config.front_end
    parameters = network.num_parameters(front_end.num_bins, len(config.labels))
    words = " or ".join(f'"{label}"' for label in config.labels)
    frame_ms = 1000 * front_end.frame_seconds
    files = [
        (
            artefact.path.name,
            artefact.metadata.mode,
            f"{artefact.path.stat().st_size:,}",
            artefact.metadata.sha256[:16],
        )
        for artefact in artefacts
    ]
    what = (
        f"Hears {words} in a stream of sound: a Conv1D + GRU network of {parameters:,} parameters"
        f" that looks at {front_end.num_bins} bins of sound at {front_end.sample_rate_hz} Hz each"
        f" {frame_ms:g} ms and answers each {frame_ms * network.stride:g} ms."
    )
    if verifier := artefacts[0].metadata.verifier:
        what += (
            f" A second stage looks again at the last {verifier.frames * frame_ms / 1000:.3g} s"
            f" where the first one's score reaches {verifier.candidate_threshold:g}; thresholds"
            " are of the score of both."
        )
    return [
        f"# {config.name}",
        what,
        f"    trigger-word detect kitchen.wav --model {artefacts[0].path.name}",
        table(("file", "mode", "bytes", "SHA-256 of the network"), files),
    ]


def _how_good(card: CardContent) -> list[str]:
    evaluation = card.evaluation
    rows = [point_row(str(row["condition"]), _point(row)) for row in evaluation["conditions"]]
    groups = [point_row(str(row["source"]), _point(row)) for row in evaluation["sources"]]
    engines = [point_row(program(row["engine"]), _point(row)) for row in evaluation["engines"]]
    latency = evaluation["latency"]
    findings = list(card.findings)
    if latency["detections"]:
        findings.append(
            f"From the word's end to the detection: {1000 * latency['median_seconds']:.0f} ms at"
            f" the median, {1000 * latency['p95_seconds']:.0f} ms at 95 %."
        )
    note = (
        f"Through the runtime that ships, at threshold {evaluation['threshold']:g}. In brackets:"
        " exact 95 % intervals (Clopper-Pearson; Poisson)."
    )
    return [
        "## How good it is",
        note,
        table(POINT_HEADER, [*rows, *groups, *engines]),
        "\n".join(f"- {finding}" for finding in findings),
    ]


def _operating_points(artefact: Artefact) -> list[str]:
    evaluation = artefact.metadata.evaluation
    points = {"default": evaluation, **evaluation["operating_points"]}
    rows = []
    for name, found in points.items():
        point = _point(found)
        rows.append(
            (
                name,
                f"{found['target_false_accepts_per_hour']:g}",
                f"{point.threshold:g}",
                percent_with_interval(point),
                rate_with_interval(point),
            )
        )
    note = (
        "`--operating-point NAME` takes another than the default. What was measured on the"
        " recordings above stands beside the rate that each was chosen for."
    )
    return [
        "## Operating points",
        note,
        table(
            ("name", "chosen for, an hour", "threshold", "missed (%)", "false accepts an hour"),
            rows,
        ),
    ]


def _point(found: Mapping[str, Any]) -> OperatingPoint:
    return OperatingPoint(
        found["threshold"],
        found.get("misses", 0),
        found.get("positives", 0),
        found.get("false_accepts", 0),
        found.get("hours", 0.0),
    )
