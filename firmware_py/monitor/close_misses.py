"""Close misses: scores that rose towards the threshold and did not make a detection."""

from collections.abc import Sequence
from dataclasses import dataclass

from firmware_py.ensemble import Hit, Model

QUIET_SECONDS = 0.6
"""An utterance has ended when the score was low for this long."""

Peaks = Sequence[tuple[Model, dict[str, float]]]
"""The highest score of each word of each model in a piece of sound."""


@dataclass(frozen=True)
class CloseMiss:
    """The highest score of an utterance that was not detected."""

    model: Model
    label: str
    score: float
    time_seconds: float
    """Audio time at which the piece of sound with the peak ended."""


@dataclass
class _Utterance:
    peak: float = 0.0
    peak_seconds: float = 0.0
    high_seconds: float = 0.0
    """When the score was last above the limit."""
    answered: bool = False


class CloseMissDetector:
    """Follows the scores of all words: one peak an utterance, above a share of the threshold.

    An utterance in which the model fired, or which began in the dead time after that, gives none.
    """

    def __init__(self, share: float) -> None:
        self._share = share
        self._utterances: dict[tuple[str, str], _Utterance] = {}
        self._deaf_until: dict[str, float] = {}

    def process(self, peaks: Peaks, hits: Sequence[Hit], time_seconds: float) -> list[CloseMiss]:
        """Return the peaks of the utterances that end in a piece of sound.

        time_seconds: audio time at the piece's end.
        """
        fired = {(hit.model.name, hit.detection.label) for hit in hits}
        for hit in hits:
            self._deaf_until[hit.model.name] = time_seconds + hit.model.refractory_seconds
        found = [
            self._follow(model, label, score, (model.name, label) in fired, time_seconds)
            for model, words in peaks
            for label, score in words.items()
        ]
        return [miss for miss in found if miss]

    def _follow(
        self, model: Model, label: str, score: float, fired: bool, now: float
    ) -> CloseMiss | None:
        key = (model.name, label)
        utterance = self._utterances.get(key)
        if score > self._share * model.policy.threshold or fired:
            if utterance is None:
                utterance = self._utterances[key] = _Utterance()
                utterance.answered = now <= self._deaf_until.get(model.name, -1.0)
            utterance.answered = utterance.answered or fired
            utterance.high_seconds = now
            if score > utterance.peak:
                utterance.peak, utterance.peak_seconds = score, now
        elif utterance and now - utterance.high_seconds >= QUIET_SECONDS:
            del self._utterances[key]
            if not utterance.answered:
                return CloseMiss(model, label, utterance.peak, utterance.peak_seconds)
        return None
