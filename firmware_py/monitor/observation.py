"""Looking on while a device listens: level, features and scores, as the models saw them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware_py.ensemble import Ensemble
from firmware_py.monitor.microphone_health import level_dbfs


@dataclass(frozen=True)
class WordScore:
    """How sure a model is of one of its words."""

    model: str
    label: str
    score: float
    """The smoothed posterior after the last step, from 0 to 1."""
    threshold: float


@dataclass(frozen=True)
class Observation:
    """A piece of sound, some hundredths of a second, and what was made of it."""

    time_seconds: float
    """Audio time of its last sample."""
    level_dbfs: float
    """Its mean power; 0 is full scale."""
    samples: NDArray[np.int16]
    """[samples] as the models heard them; not to be written to."""
    features: NDArray[np.float32]
    """[frames, num_bins] of the first model's front end before normalisation, as a rule
    logarithms of power; not to be written to."""
    scores: tuple[WordScore, ...]
    """Of all words of all models."""


Observer = Callable[[Observation], None]
"""Called in the thread that listens: it must return at once, and keep what it wants to show."""


def observe(ensemble: Ensemble, samples: NDArray[np.int16], time_seconds: float) -> Observation:
    """Return what there is to see after `ensemble` has processed `samples`, int16 [samples]."""
    return Observation(
        time_seconds=time_seconds,
        level_dbfs=level_dbfs(samples),
        samples=samples,
        features=ensemble.features,
        scores=tuple(
            WordScore(model.name, label, score, model.policy.threshold)
            for model, scores in ensemble.scores()
            for label, score in scores.items()
        ),
    )
