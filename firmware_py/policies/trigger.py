"""From posteriors to triggers: smoothing, threshold, patience and refractory time."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from firmware_py.labels import is_word
from firmware_py.reading.bounds import Ranges, check_ranges

RANGES: Ranges = {
    "threshold": (0.0, 1.0),
    "smoothing": (1, 1000),
    "patience": (1, 1000),
    "refractory": (0, 10_000_000),
}


@dataclass(frozen=True)
class TriggerPolicy:
    """When a stream of posteriors counts as a detection. Times are counted in steps."""

    threshold: float = 0.5
    """A step counts when its score is above this."""
    smoothing: int = 1
    """The score is the mean of this many last posteriors."""
    patience: int = 1
    """Consecutive steps above the threshold that make a trigger."""
    refractory: int = 0
    """Steps ignored after a trigger: the next one is later than this many steps after it. The
    course's second chime rule counts its 75 steps from the start of a clip as well, so that it
    hears nothing in the first 75; a stream has no such start, and here it can trigger at once."""
    release: bool = True
    """After a trigger the score must first fall to the threshold: one trigger an utterance."""

    def __post_init__(self) -> None:
        check_ranges(self, RANGES)

    def decider(
        self,
        labels: Sequence[str],
        step_seconds: float,  # noqa: ARG002
    ) -> "Triggers":
        """Return what applies the policy to a stream of posteriors of `labels`."""
        return Triggers(self, labels)

    def average_steps(self, step_seconds: float) -> int:  # noqa: ARG002
        """Return how many posteriors a score is the mean of."""
        return self.smoothing

    def refractory_seconds(self, step_seconds: float) -> float:
        """Return how long nothing is detected after a trigger."""
        return self.refractory * step_seconds

    def with_refractory(self, seconds: float, step_seconds: float) -> "TriggerPolicy":
        """Return the policy with another refractory time, in whole steps."""
        return replace(self, refractory=round(seconds / step_seconds))

    def describe(self, step_seconds: float) -> str:
        """Return the policy in words."""
        steps = "step" if self.patience == 1 else "steps"
        return (
            f"above {self.threshold:g} for {self.patience} {steps} of {1000 * step_seconds:.3g} ms"
            f" (mean of {self.smoothing}), then ignores sound for"
            f" {self.refractory_seconds(step_seconds):.2g} s"
        )


class Trigger:
    """Applies a policy to the posteriors of one label, one step after the other."""

    def __init__(self, policy: TriggerPolicy) -> None:
        self.policy = policy
        self.reset()

    def reset(self) -> None:
        """Forget all steps."""
        self._recent = deque([0.0] * self.policy.smoothing, maxlen=self.policy.smoothing)
        self._above = 0
        self._dead = 0
        self._held = False
        self._peak = 0.0

    def process(self, posteriors: Iterable[float]) -> Iterator[tuple[int, float]]:
        """Yield (index into `posteriors`, score) of each trigger."""
        for index, posterior in enumerate(posteriors):
            self._recent.append(posterior)
            score = self.score
            self._peak = max(score, self._peak)
            if self._fires(score):
                yield index, score

    @property
    def score(self) -> float:
        """The mean of the last posteriors."""
        return sum(self._recent) / len(self._recent)

    def take_peak(self) -> float:
        """Return the highest score since this was last asked."""
        peak, self._peak = self._peak, 0.0
        return peak

    def _fires(self, score: float) -> bool:
        above = score > self.policy.threshold
        self._held = self._held and above
        if self._dead:
            self._dead -= 1
            return False
        self._above = self._above + 1 if above and not self._held else 0
        if self._above < self.policy.patience:
            return False
        self._above = 0
        self._dead = self.policy.refractory
        self._held = self.policy.release
        return True


class Triggers:
    """One trigger for each label that can be detected."""

    def __init__(self, policy: TriggerPolicy, labels: Sequence[str]) -> None:
        self._triggers = {
            index: Trigger(policy) for index, label in enumerate(labels) if is_word(label)
        }

    def reset(self) -> None:
        """Forget all steps."""
        for trigger in self._triggers.values():
            trigger.reset()

    def process(self, posteriors: Sequence[Sequence[float]]) -> list[tuple[int, int, float]]:
        """Return (index into `posteriors`, label's index, score) of each trigger.

        posteriors: [steps][labels].
        """
        return [
            (step, label, score)
            for label, trigger in self._triggers.items()
            for step, score in trigger.process([each[label] for each in posteriors])
        ]

    def scores(self) -> dict[int, float]:
        """Return each label's score, by its index."""
        return {label: trigger.score for label, trigger in self._triggers.items()}

    def take_peaks(self) -> dict[int, float]:
        """Return each label's highest score since this was last asked, by its index."""
        return {label: trigger.take_peak() for label, trigger in self._triggers.items()}
