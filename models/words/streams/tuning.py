"""The trade-off of a policy's threshold, and the choice of a policy on validation words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from firmware_py.policies.command_words import CommandPolicy
from models.words.streams.hearing import TOLERANCE_MS, RecordingScores, Tally, tally
from models.words.streams.plan import SpokenWord
from models.words.streams.sweep import CommandSweep

AVERAGE_WINDOWS_MS = (80.0, 120.0, 160.0, 240.0, 320.0)
SUPPRESSIONS_MS = (400.0, 800.0)
MINIMUM_COUNTS = (1, 2, 3)
CLIP_STRIDES = (1, 2)
"""Steps of the network from one decision to the next."""
THRESHOLDS = tuple(float(value) for value in np.round(np.arange(0.2, 0.96, 0.05), 2))
CURVE_THRESHOLDS = tuple(float(value) for value in np.round(np.arange(0.05, 1.0, 0.05), 2))


@dataclass(frozen=True)
class Wish:
    """What a policy should keep on the tuning stream; stricter than what must hold in use."""

    wrong_share: float = 0.02
    false_positives_per_minute: float = 0.5


@dataclass(frozen=True)
class Tuned:
    """A policy and how it did."""

    policy: CommandPolicy
    tally: Tally


def curve(
    heard: RecordingScores,
    spoken: Sequence[SpokenWord],
    policy: CommandPolicy,
    thresholds: Sequence[float] = CURVE_THRESHOLDS,
    tolerance_ms: float = TOLERANCE_MS,
) -> list[tuple[float, Tally]]:
    """Return the tally at each threshold: what more matches cost in false ones."""
    sweep, labels = CommandSweep(heard), heard.metadata.labels
    return [
        (
            threshold,
            tally(
                sweep.detections(replace(policy, threshold=threshold)),
                spoken,
                labels,
                heard.minutes,
                tolerance_ms,
            ),
        )
        for threshold in thresholds
    ]


def candidates(step_ms: float) -> Iterator[CommandPolicy]:
    """Yield every policy of the grid that a network with such steps can have."""
    for window_ms, suppression_ms, count, stride, threshold in product(
        AVERAGE_WINDOWS_MS, SUPPRESSIONS_MS, MINIMUM_COUNTS, CLIP_STRIDES, THRESHOLDS
    ):
        if count <= max(1, round(window_ms / step_ms)):
            yield CommandPolicy(threshold, window_ms, stride * step_ms, suppression_ms, count)


def tune(
    heard: RecordingScores,
    spoken: Sequence[SpokenWord],
    wish: Wish = Wish(),
    tolerance_ms: float = TOLERANCE_MS,
) -> Tuned:
    """Return the policy that matches most words within the wish.

    Where none is within, the one with the fewest wrong and false for its matches. Ties: the
    middle one of the tied policies in the grid's order, whose neighbours do as well.
    """
    step_ms = 1000 * heard.metadata.step_seconds
    labels = heard.metadata.labels
    sweep = CommandSweep(heard)
    tried = [
        Tuned(policy, tally(sweep.detections(policy), spoken, labels, heard.minutes, tolerance_ms))
        for policy in candidates(step_ms)
    ]
    within = [each for each in tried if _is_within(each.tally, wish)]
    best = max(map(_merit, within or tried))
    equals = [each for each in within or tried if _merit(each) == best]
    return equals[len(equals) // 2]


def _is_within(found: Tally, wish: Wish) -> bool:
    return (
        found.wrong_share <= wish.wrong_share
        and found.false_positives_per_minute <= wish.false_positives_per_minute
    )


def _merit(tuned: Tuned) -> int:
    found = tuned.tally
    return found.matched - found.wrong - found.false_positives
