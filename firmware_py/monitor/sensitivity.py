"""How sensitive a model may be set, what its evaluation promises there, and what this room says."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from firmware_py.artefact import Metadata, Policy
from firmware_py.ensemble import Model
from firmware_py.errors import SettingsError
from firmware_py.monitor.journal import JournalLine

STANDARD = "standard"
"""The point that the model itself recommends."""
SETTINGS_POINT = "settings"
"""A threshold of the settings that is none of the model's operating points."""
PROMISED = (
    "positives",
    "miss_rate",
    "miss_rate_ci95",
    "hours",
    "false_accepts_per_hour",
    "false_accepts_per_hour_ci95",
)


@dataclass(frozen=True)
class Point:
    """One setting of a model's sensitivity."""

    name: str
    threshold: float
    promise: Mapping[str, Any] = field(default_factory=dict)
    """What the model's evaluation found there, as far as it was measured; the names as it says."""


@dataclass(frozen=True)
class VerdictCounts:
    """What the verdicts of a room say of a threshold."""

    words: int
    """Entries that were the word."""
    found: int
    """Those of them that score above the threshold."""
    others: int
    """Entries that were not the word."""
    false_accepts: int
    """Those of them that score above the threshold."""


def points(metadata: Metadata) -> list[Point]:
    """Return the operating points of a model, the most sensitive first, its own among them."""
    evaluation = metadata.evaluation
    measured = evaluation.get("operating_points")
    others = measured if isinstance(measured, Mapping) else {}
    found = [Point(STANDARD, metadata.trigger.threshold, _promise(evaluation))]
    found += [
        Point(name, policy.threshold, _promise(others.get(name)))
        for name, policy in metadata.operating_points.items()
        if name != STANDARD
    ]
    return sorted(found, key=lambda point: point.threshold)


def policy_at(metadata: Metadata, name: str) -> Policy:
    """Return the policy of an operating point; raises SettingsError for an unknown one."""
    if name == STANDARD:
        return metadata.trigger
    if name not in metadata.operating_points:
        known = ", ".join(point.name for point in points(metadata))
        raise SettingsError(f"{metadata.name} has no operating point {name!r}; known: {known}")
    return metadata.operating_points[name]


def count_verdicts(lines: Iterable[JournalLine], model: str, threshold: float) -> VerdictCounts:
    """Count what the judged entries of a model would be at a threshold."""
    entries = [line.entry for line in lines if line.entry.model == model]
    right = [entry.score > threshold for entry in entries if entry.verdict == "right"]
    wrong = [entry.score > threshold for entry in entries if entry.verdict == "wrong"]
    return VerdictCounts(len(right), sum(right), len(wrong), sum(wrong))


def model_status(model: Model, chosen: str | None, lines: list[JournalLine]) -> dict[str, Any]:
    """Return a model as the settings have it, with what may be chosen and what was."""
    metadata = model.artefact.metadata
    own = model.policy.threshold
    offered = points(metadata)
    if own not in [point.threshold for point in offered]:
        offered = sorted([*offered, Point(SETTINGS_POINT, own)], key=lambda each: each.threshold)
    names = [point.name for point in offered]
    as_set = next(point.name for point in offered if point.threshold == own)
    return {
        "name": model.name,
        "words": list(metadata.words),
        "points": [
            {**asdict(each), "room": asdict(count_verdicts(lines, model.name, each.threshold))}
            for each in offered
        ],
        "current": chosen if chosen in names else as_set,
        "as_set": as_set,
        "is_chosen": chosen is not None,
    }


def _promise(evaluation: object) -> dict[str, Any]:
    if not isinstance(evaluation, Mapping):
        return {}
    return {name: evaluation[name] for name in PROMISED if name in evaluation}
