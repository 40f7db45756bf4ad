"""What an evaluation found: tables ready for JSON and for a report."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware_py.policies.trigger import TriggerPolicy
from firmware_py.schema import to_mapping
from models.evaluation.collect import CollectedPosteriors
from models.evaluation.conditions import AS_RECORDED, Condition
from models.evaluation.metrics import Curve, OperatingPoint
from models.evaluation.runs import ClipRun
from models.evaluation.selection import EvaluationClip

STRICT, DEFAULT, SENSITIVE = "strict", "default", "sensitive"
TARGETS = {STRICT: 0.1, DEFAULT: 0.5, SENSITIVE: 2.0}
"""False accepts an hour of the policies by name."""


@dataclass(frozen=True)
class ClipResult:
    """What became of one clip of the word."""

    run: ClipRun
    best_score: float
    triggers: int
    latency_seconds: float | None
    """From the end of the word to the detection; None: missed."""

    @property
    def clip(self) -> EvaluationClip:
        return self.run.clip

    @property
    def found(self) -> bool:
        return self.latency_seconds is not None


@dataclass(frozen=True)
class Peak:
    """A place without the word where the score is high."""

    clip: EvaluationClip
    """The recording that was playing."""
    time_seconds: float
    """In that recording."""
    score: float
    accepted: bool
    """It counted as a detection: a false accept."""
    stream: int
    """The stream of recordings it lies in."""
    stream_seconds: float


@dataclass(frozen=True)
class Group:
    """Counts of one source of recordings, or one voice."""

    name: str
    point: OperatingPoint


@dataclass(frozen=True)
class SecondStageUse:
    """How often the second stage was called where the word was not said, as recorded."""

    candidates: int
    refused: int
    looks: int
    hours: float

    def to_json(self) -> dict[str, Any]:
        """Return counts and rates, JSON-ready."""
        return {
            **asdict(self),
            "candidates_per_hour": self.candidates / self.hours,
            "looks_per_hour": self.looks / self.hours,
        }


@dataclass(frozen=True)
class FrameAccuracy:
    """The share of steps on the right side of the threshold: no measure of a detector."""

    network: float
    always_no: float
    """What a network that never fires would score."""


@dataclass(frozen=True)
class Evaluation:
    """The result of trying a model at one policy."""

    heard: CollectedPosteriors
    policy: TriggerPolicy
    """With the threshold that was chosen, or the model's own."""
    curves: Mapping[Condition, Curve]
    """As recorded first."""
    clips: Sequence[ClipResult]
    """As recorded."""
    peaks: Sequence[Peak]
    """The highest first."""
    sources: Sequence[Group]
    engines: Sequence[Group]
    """Synthetic positives by what spoke them."""
    voices: Sequence[Group]
    frame_accuracy: FrameAccuracy
    target_false_accepts_per_hour: float | None = None
    """The rate that the threshold was chosen for."""

    @property
    def curve(self) -> Curve:
        """Return the curve as recorded."""
        return next(iter(self.curves.values()))

    @property
    def point(self) -> OperatingPoint:
        """Return the operating point as recorded."""
        return self.curve.at(self.policy.threshold)

    @property
    def latencies_seconds(self) -> NDArray[np.float64]:
        """Return the latency of every clip found, float64 [clips]."""
        return np.array([c.latency_seconds for c in self.clips if c.latency_seconds is not None])

    @property
    def repeated_triggers(self) -> int:
        """Return the triggers beyond the first in clips that hold the word once."""
        return sum(max(0, clip.triggers - 1) for clip in self.clips)

    @property
    def second_stage(self) -> SecondStageUse | None:
        """Return how often the second stage was called; None: the model has none."""
        if not self.heard.artefact.metadata.verifier:
            return None
        streams, point = self.heard.streams_in(AS_RECORDED), self.point
        candidates = sum(run.candidates for run in streams)
        refused = candidates - point.false_accepts
        return SecondStageUse(candidates, refused, sum(run.looks for run in streams), point.hours)

    @property
    def keeps_to_target(self) -> bool:
        """Tell whether the false accepts observed are within the target, where there is one."""
        target = self.target_false_accepts_per_hour
        return target is None or self.point.false_accepts_per_hour <= target

    def by_target(self) -> dict[str, OperatingPoint | None]:
        """Return the point that each of TARGETS would choose; None where it is out of reach."""
        return {name: self.curve.choose(rate) for name, rate in TARGETS.items()}

    def summary(self) -> dict[str, Any]:
        """Return the numbers that belong into an artefact's metadata, JSON-ready."""
        second = self.second_stage
        return {
            **point_mapping(self.point),
            "threshold": self.policy.threshold,
            "policy": to_mapping(self.policy),
            "latency": latency_mapping(self.latencies_seconds),
            **({"second_stage": second.to_json()} if second else {}),
        }

    def to_json(self) -> dict[str, Any]:
        """Return everything but the audio, JSON-ready."""
        metadata = self.heard.artefact.metadata
        return {
            **self.summary(),
            "model": {"name": metadata.name, "mode": metadata.mode, "sha256": metadata.sha256},
            "label": self.heard.label,
            "target_false_accepts_per_hour": self.target_false_accepts_per_hour,
            "by_target": {
                name: {
                    "target_false_accepts_per_hour": TARGETS[name],
                    **(point_mapping(point) if point else {"threshold": None}),
                }
                for name, point in self.by_target().items()
            },
            "repeated_triggers": self.repeated_triggers,
            "frame_accuracy": asdict(self.frame_accuracy),
            "conditions": [
                {
                    "condition": condition.name,
                    **to_mapping(condition),
                    **point_mapping(curve.at(self.policy.threshold)),
                }
                for condition, curve in self.curves.items()
            ],
            "sources": [{"source": g.name, **point_mapping(g.point)} for g in self.sources],
            "engines": [{"engine": g.name, **point_mapping(g.point)} for g in self.engines],
            "voices": [{"voice": g.name, **point_mapping(g.point)} for g in self.voices],
            "missed_clips": [
                {"file": str(clip.clip.path), "score": clip.best_score} for clip in self.missed()
            ],
            "peaks": [
                {"file": str(peak.clip.path), **_picked(peak, "time_seconds", "score", "accepted")}
                for peak in self.peaks
            ],
            "skipped": [
                {"file": str(bad.path), "reason": bad.reason} for bad in self.heard.skipped
            ],
            "roc": [
                _picked(point, "threshold", "miss_rate", "false_accepts_per_hour")
                for point in self.curve.points()
            ],
        }

    def missed(self) -> list[ClipResult]:
        """Return the clips not found, the lowest score first."""
        return sorted((c for c in self.clips if not c.found), key=lambda clip: clip.best_score)


def _picked(found: object, *names: str) -> dict[str, Any]:
    return {name: getattr(found, name) for name in names}


def point_mapping(point: OperatingPoint) -> dict[str, Any]:
    """Return counts, rates and intervals; a rate over nothing is None."""
    mapping: dict[str, Any] = {"threshold": point.threshold}
    if point.positives:
        mapping |= {
            "positives": point.positives,
            "misses": point.misses,
            "miss_rate": point.miss_rate,
            "miss_rate_ci95": list(point.miss_rate_ci95),
        }
    if point.hours:
        mapping |= {
            "hours": point.hours,
            "false_accepts": point.false_accepts,
            "false_accepts_per_hour": point.false_accepts_per_hour,
            "false_accepts_per_hour_ci95": list(point.false_accepts_per_hour_ci95),
        }
    return mapping


def latency_mapping(latencies_seconds: NDArray[np.float64]) -> dict[str, Any]:
    """Return median and 95th percentile of [detections]; None where nothing was found."""
    if not len(latencies_seconds):
        return {"detections": 0, "median_seconds": None, "p95_seconds": None}
    median, p95 = np.percentile(latencies_seconds, (50, 95))
    return {
        "detections": len(latencies_seconds),
        "median_seconds": float(median),
        "p95_seconds": float(p95),
    }
