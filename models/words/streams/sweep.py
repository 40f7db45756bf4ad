"""Many policies on one recording: what `CommandTrigger` would detect, without its every step."""

from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from firmware_py.detector import Detection
from firmware_py.labels import is_word
from firmware_py.policies.command_words import CommandPolicy
from models.words.streams.hearing import RecordingScores

Number = TypeVar("Number", np.int64, np.float64)


class CommandSweep:
    """The detections of a recording under any policy."""

    def __init__(self, heard: RecordingScores) -> None:
        self.heard = heard
        self._posteriors = heard.scores.astype(np.float64)
        self._step_ms = 1000.0 * heard.metadata.step_seconds
        highest = self._posteriors.max(axis=1, keepdims=True)
        self._is_top = (self._posteriors == highest) & (highest > 0.0)
        self._words = [i for i, label in enumerate(heard.metadata.labels) if is_word(label)]
        self._window = lru_cache(maxsize=16)(self._scored)

    def detections(self, policy: CommandPolicy) -> list[Detection]:
        """Return what `Heard.detections` does."""
        width = policy.average_steps(self.heard.metadata.step_seconds)
        stride = max(1, round(policy.clip_stride_ms / self._step_ms))
        suppression = round(policy.suppression_ms / self._step_ms)
        labels, scores, counts = self._window(width)
        decisions = np.arange(stride - 1, len(labels), stride)
        metadata = self.heard.metadata
        found = []
        held, last, dead_until = -1, -2, -1
        for number in np.flatnonzero(scores[decisions] > policy.threshold):
            step = int(decisions[number])
            label = int(labels[step])
            if number != last + 1 or label != held:
                held = -1
            last = number
            enough = counts[step] >= policy.minimum_count
            if held == label or step <= dead_until or not enough:
                continue
            held, dead_until = label, step + suppression
            time_seconds = metadata.step_end_seconds(step)
            found.append(Detection(metadata.labels[label], time_seconds, float(scores[step])))
        return found

    def _scored(
        self, width: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        """Return the likeliest word of each step, its mean and its count in the window."""
        means = _moving_sum(self._posteriors, width) / width
        words = np.asarray(self._words)
        labels = words[means[:, words].argmax(axis=1)]
        rows = np.arange(len(labels))
        counts = _moving_sum(self._is_top.astype(np.int64), width)[rows, labels]
        return labels, means[rows, labels], counts


def _moving_sum(values: NDArray[Number], width: int) -> NDArray[Number]:
    """Return sums over each row and the `width` - 1 before it, zeros before the first.

    values: [rows, columns]; so is the result.
    """
    total = np.zeros_like(values)
    for offset in range(min(width, len(values))):
        total[offset:] += values[: len(values) - offset]
    return total
