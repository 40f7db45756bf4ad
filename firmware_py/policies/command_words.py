"""From the posteriors of several words to detections: one answer at a time.

For networks whose labels exclude each other (softmax) and may hold `silence` and `unknown`, which
are answers but never detections. The scheme is that of the classic command recogniser (average
window, suppression, minimum count).
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from firmware_py.errors import SettingsError
from firmware_py.labels import is_word
from firmware_py.reading.bounds import Ranges, check_ranges

RANGES: Ranges = {
    "threshold": (0.0, 1.0),
    "average_window_ms": (0.0, 10_000.0),
    "clip_stride_ms": (0.0, 10_000.0),
    "suppression_ms": (0.0, 3_600_000.0),
    "minimum_count": (1, 1000),
}


@dataclass(frozen=True)
class CommandPolicy:
    """When a stream of posteriors counts as a word. Times are milliseconds of audio."""

    threshold: float = 0.5
    """A word counts while its score, the mean over the average window, is above this."""
    average_window_ms: float = 200.0
    clip_stride_ms: float = 0.0
    """Time from one decision to the next; up to one step of the network: at each."""
    suppression_ms: float = 600.0
    """Nothing is detected for this long after a detection."""
    minimum_count: int = 1
    """Steps in the average window at which the word must be the likeliest label."""

    def __post_init__(self) -> None:
        check_ranges(self, RANGES)

    def decider(self, labels: Sequence[str], step_seconds: float) -> "CommandTrigger":
        """Return what applies the policy to a stream of posteriors of `labels`."""
        return CommandTrigger(self, labels, step_seconds)

    def average_steps(self, step_seconds: float) -> int:
        """Return how many posteriors a score is the mean of."""
        return max(1, round(self.average_window_ms / (1000.0 * step_seconds)))

    def refractory_seconds(self, step_seconds: float) -> float:
        """Return how long nothing is detected after a detection."""
        return round(self.suppression_ms / 1000.0 / step_seconds) * step_seconds

    def with_refractory(
        self,
        seconds: float,
        step_seconds: float,  # noqa: ARG002
    ) -> "CommandPolicy":
        """Return the policy with another suppression."""
        return replace(self, suppression_ms=1000.0 * seconds)

    def describe(self, step_seconds: float) -> str:
        """Return the policy in words."""
        stride_ms = max(self.clip_stride_ms, 1000.0 * step_seconds)
        steps = "step" if self.minimum_count == 1 else "steps"
        return (
            f"the likeliest word above {self.threshold:g} (mean of {self.average_window_ms:g} ms,"
            f" each {stride_ms:g} ms, likeliest at {self.minimum_count} {steps} of them), then"
            f" ignores sound for {self.suppression_ms / 1000.0:.2g} s"
        )


class CommandTrigger:
    """Applies a policy to the posteriors of all labels together, one step after the other."""

    def __init__(self, policy: CommandPolicy, labels: Sequence[str], step_seconds: float) -> None:
        step_ms = 1000.0 * step_seconds
        self._policy = policy
        self._words = [index for index, label in enumerate(labels) if is_word(label)]
        self._window = policy.average_steps(step_seconds)
        self._stride = max(1, round(policy.clip_stride_ms / step_ms))
        self._suppression = round(policy.suppression_ms / step_ms)
        if policy.minimum_count > self._window:
            raise SettingsError(
                f"minimum_count is {policy.minimum_count}, but the average window of"
                f" {policy.average_window_ms:g} ms holds {self._window} steps of {step_ms:g} ms"
            )
        self._num_labels = len(labels)
        self.reset()

    def reset(self) -> None:
        """Forget all steps."""
        blank: Sequence[float] = [0.0] * self._num_labels
        self._recent = deque([blank] * self._window, maxlen=self._window)
        self._highest = deque([0.0] * self._window, maxlen=self._window)
        self._step = 0
        self._dead = 0
        self._held = -1  # the label that was detected and has not ended

    def process(self, posteriors: Sequence[Sequence[float]]) -> Iterator[tuple[int, int, float]]:
        """Yield (index into `posteriors`, label's index, score) of each detection.

        posteriors: [steps][labels].
        """
        for index, step in enumerate(posteriors):
            self._recent.append(step)
            self._highest.append(max([step[word] for word in self._words]))
            self._step += 1
            self._dead = max(0, self._dead - 1)
            if self._step % self._stride:
                continue
            # No word's mean is above the mean of the highest: mostly silence ends here.
            if sum(self._highest) / self._window <= self._policy.threshold:
                self._held = -1
                continue
            label, score = self._likeliest_word()
            if self._fires(label, score):
                yield index, label, score

    def scores(self) -> dict[int, float]:
        """Return each word's mean over the window, by its label's index."""
        sums = [sum(column) for column in zip(*self._recent, strict=True)]
        return {word: sums[word] / self._window for word in self._words}

    def take_peaks(self) -> dict[int, float]:
        """Return each word's score as it is now: between decisions none is kept."""
        return self.scores()

    def _likeliest_word(self) -> tuple[int, float]:
        """Return the word with the highest mean over the window, and that mean."""
        sums = [sum(column) for column in zip(*self._recent, strict=True)]
        label = max(self._words, key=sums.__getitem__)
        return label, sums[label] / self._window

    def _fires(self, label: int, score: float) -> bool:
        above = score > self._policy.threshold
        if label != self._held or not above:
            self._held = -1
        if not above or self._dead or self._held == label:
            return False
        count = sum(0.0 < step[label] == max(step) for step in self._recent)
        if count < self._policy.minimum_count:
            return False
        self._held = label
        self._dead = self._suppression + 1
        return True
