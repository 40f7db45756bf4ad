"""How a model does on a long recording: words matched, wrong, and false positives."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware_py.artefact import Artefact, Metadata
from firmware_py.audio import open_recording, read_blocks
from firmware_py.detector import Detection, Detector
from firmware_py.errors import SettingsError
from firmware_py.interpreter import Runtime
from firmware_py.labels import is_word
from firmware_py.policies.command_words import CommandPolicy
from firmware_py.streaming.frame_detector import joined
from models.evaluation.metrics import clopper_pearson, poisson_interval
from models.words.streams.plan import SpokenWord

TOLERANCE_MS = 1500.0
"""How far from a word a detection may lie to belong to it: its clip lasts a second."""
EARLY_MS = 100.0
"""A detection may come this much before the word begins, as clocks are rounded."""


@dataclass(frozen=True)
class Tally:
    """What became of the words of a stream."""

    words: int
    matched: int
    wrong: int
    """Words that were taken for another of the labels."""
    false_positives: int
    """Detections where none of the labels was said, and further ones where one was."""
    minutes: float

    @property
    def matched_share(self) -> float:
        return self.matched / self.words if self.words else float("nan")

    @property
    def wrong_share(self) -> float:
        return self.wrong / self.words if self.words else float("nan")

    @property
    def false_positives_per_minute(self) -> float:
        return self.false_positives / self.minutes

    def text(self) -> str:
        """Return the tally with exact 95 % intervals, one line."""
        matched = clopper_pearson(self.matched, self.words)
        wrong = clopper_pearson(self.wrong, self.words)
        false = poisson_interval(self.false_positives, self.minutes)
        return (
            f"{self.words} words in {self.minutes:.1f} min:"
            f" matched {100 * self.matched_share:.1f} % ({_range(matched)}),"
            f" wrong {100 * self.wrong_share:.1f} % ({_range(wrong)}),"
            f" false positives {self.false_positives_per_minute:.2f} a minute"
            f" ({false[0]:.2f}-{false[1]:.2f})"
        )

    def mapping(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {
            **asdict(self),
            "matched_share": round(self.matched_share, 4),
            "matched_ci95": _rounded(clopper_pearson(self.matched, self.words)),
            "wrong_share": round(self.wrong_share, 4),
            "wrong_ci95": _rounded(clopper_pearson(self.wrong, self.words)),
            "false_positives_per_minute": round(self.false_positives_per_minute, 3),
            "false_positives_per_minute_ci95": _rounded(
                poisson_interval(self.false_positives, self.minutes)
            ),
        }


@dataclass(frozen=True)
class RecordingScores:
    """The scores of a whole recording, as the runtime gives them to the policy."""

    metadata: Metadata
    scores: NDArray[np.float32]
    """[steps, labels]"""
    minutes: float

    def detections(self, policy: CommandPolicy) -> list[Detection]:
        """Return what the runtime would detect with `policy`."""
        metadata = self.metadata
        trigger = policy.decider(metadata.labels, metadata.step_seconds)
        return [
            Detection(metadata.labels[label], metadata.step_end_seconds(step), score)
            for step, label, score in trigger.process(self.scores.tolist())
        ]


def hear(artefact: Artefact, path: Path, runtime: Runtime | None = None) -> RecordingScores:
    """Stream a recording of any rate and length through the artefact's detector."""
    recording = open_recording(path)
    count, parts = 0, []
    detector = Detector(artefact, sample_rate_hz=recording.sample_rate_hz, runtime=runtime)
    with detector:
        for block in read_blocks(path):
            count += len(block)
            parts.append(detector.steps(block))
        parts.append(detector.last_steps())
    minutes = count / recording.sample_rate_hz / 60.0
    return RecordingScores(artefact.metadata, joined(parts).scores, minutes)


def policy_of(artefact: Artefact) -> CommandPolicy:
    """Return the artefact's policy; raises SettingsError for a model of trigger words."""
    policy = artefact.metadata.trigger
    if not isinstance(policy, CommandPolicy):
        raise SettingsError(
            f"{artefact.path}: {artefact.metadata.name} is not a model of command words; judge it"
            " with: python -m models evaluate"
        )
    return policy


def tally(
    detections: Sequence[Detection],
    spoken: Sequence[SpokenWord],
    labels: Sequence[str],
    minutes: float,
    tolerance_ms: float = TOLERANCE_MS,
) -> Tally:
    """Return how detections and words go together.

    Each detection, in order of time, is held against the nearest word within the tolerance that
    has none yet; words that are none of the labels take part in nothing, so that what is
    detected at them is false.
    """
    words = [each for each in spoken if each.word in labels and is_word(each.word)]
    free = [True] * len(words)
    matched = wrong = false = 0
    for detection in sorted(detections, key=lambda each: each.time_seconds):
        time_ms = 1000 * detection.time_seconds
        near = [
            index
            for index, word in enumerate(words)
            if free[index] and -EARLY_MS <= time_ms - word.time_ms <= tolerance_ms
        ]
        if not near:
            false += 1
            continue
        index = min(near, key=lambda number: abs(time_ms - words[number].time_ms))
        free[index] = False
        if words[index].word == detection.label:
            matched += 1
        else:
            wrong += 1
    return Tally(len(words), matched, wrong, false, minutes)


def _range(interval: tuple[float, float]) -> str:
    return f"{100 * interval[0]:.1f}-{100 * interval[1]:.1f}"


def _rounded(interval: tuple[float, float]) -> list[float]:
    return [round(value, 4) for value in interval]
