"""When the second stage looks again, and how what it says joins the first stage's score.

A candidate begins when the first stage's score of a label reaches a low threshold. The verifier
then looks at the last second or two: at that step and after every `spacing` steps, until the score
has been too low for `looks - 1` looks. From the second look on the two stages are fused:

    log-odds = highest of the first stage's last ones + mean of the verifier's two highest

The policy judges the sigmoid of that. It is held from look to look, and is 0 without a candidate.
"""

from collections import deque
from dataclasses import dataclass
from math import exp, log

from firmware_py.reading.bounds import Ranges, check_ranges

LEAST_POSTERIOR = 1e-4
"""Posteriors are clipped to this, and to 1 less this, before their log-odds are taken: integer
networks say 0 and 1, and those in float16 hardly tell more apart."""
RANGES: Ranges = {
    "frames": (1, 1000),
    "candidate_threshold": (0.001, 0.999),
    "smoothing": (1, 1000),
    "spacing": (1, 1000),
    "looks": (2, 1000),
    "peak": (1, 1000),
}


@dataclass(frozen=True)
class LookPolicy:
    """When the verifier looks, and what counts of it."""

    frames: int = 150
    """The last frames, at which it looks."""
    candidate_threshold: float = 0.05
    """It looks while the first stage's score is at or above this."""
    smoothing: int = 1
    """The first stage's score is the mean of this many last posteriors."""
    spacing: int = 3
    """Steps from one look to the next."""
    looks: int = 3
    """The last looks, of which the two highest count."""
    peak: int = 10
    """The last steps, of which the first stage's highest score counts."""

    def __post_init__(self) -> None:
        check_ranges(self, RANGES)

    def describe(self, step_seconds: float, frame_seconds: float) -> str:
        """Return the policy in words."""
        spacing_ms, peak_ms = (1000 * count * step_seconds for count in (self.spacing, self.peak))
        return (
            f"from {self.candidate_threshold:g} on (mean of {self.smoothing}), the last"
            f" {self.frames * frame_seconds:.3g} s every {spacing_ms:.3g} ms; the best 2 of"
            f" {self.looks} looks and the first stage's best of {peak_ms:.3g} ms count"
        )


@dataclass(frozen=True)
class Counts:
    """What has become of the candidates of one label."""

    candidates: int = 0
    refused: int = 0
    """Candidates that ended without a fused score above the policy's threshold."""


class Candidates:
    """The candidates of one label, one step after the other."""

    def __init__(self, policy: LookPolicy, threshold: float) -> None:
        """threshold: of the fused score; nothing but the count of the refused depends on it."""
        self._policy = policy
        self._threshold = threshold
        self._num_candidates = 0
        self._num_refused = 0
        self.reset()

    @property
    def counts(self) -> Counts:
        """What was counted from the beginning; a reset changes nothing."""
        return Counts(self._num_candidates, self._num_refused)

    def reset(self) -> None:
        """Forget all steps."""
        self._recent = deque([0.0] * self._policy.smoothing, maxlen=self._policy.smoothing)
        self._scores = deque([0.0] * self._policy.peak, maxlen=self._policy.peak)
        self._remaining = 0  # steps until the candidate ends if the score stays low; 0: none
        self._begin()

    def _begin(self) -> None:
        self._age = -1
        self._logits: deque[float] = deque(maxlen=self._policy.looks)
        self._fused = 0.0
        self._best = 0.0

    def advance(self, posterior: float) -> bool:
        """Take the first stage's posterior of the next step; tell whether to look there."""
        policy = self._policy
        self._recent.append(posterior)
        score = sum(self._recent) / policy.smoothing
        self._scores.append(score)
        if score >= policy.candidate_threshold:
            if not self._remaining:
                self._begin()
                self._num_candidates += 1
            self._remaining = 1 + (policy.looks - 1) * policy.spacing
        elif not self._remaining:
            return False
        else:
            self._remaining -= 1
            if not self._remaining:
                self._num_refused += self._best <= self._threshold
                return False
        self._age += 1
        return self._age % policy.spacing == 0

    def look(self, posterior: float) -> None:
        """Take the verifier's posterior at the step at which `advance` wanted a look."""
        self._logits.append(logit(posterior))
        if len(self._logits) > 1:
            two = sorted(self._logits)[-2:]
            self._fused = sigmoid(logit(max(self._scores)) + sum(two) / 2.0)
            self._best = max(self._best, self._fused)

    @property
    def score(self) -> float:
        """The fused score at the last step."""
        return self._fused if self._remaining else 0.0


def logit(posterior: float) -> float:
    """Return the log-odds of a posterior, clipped with `LEAST_POSTERIOR`."""
    clipped = min(max(posterior, LEAST_POSTERIOR), 1.0 - LEAST_POSTERIOR)
    return log(clipped / (1.0 - clipped))


def sigmoid(log_odds: float) -> float:
    """Return the probability of log-odds; the inverse of `logit`."""
    return 1.0 / (1.0 + exp(-log_odds))
