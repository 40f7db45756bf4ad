"""What a network of words is judged on: clips of one part, and how a clip is answered."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware_py.labels import SILENCE, UNKNOWN, is_word
from models.settings.words import WordsRecipe
from models.words.corpus import Corpus
from models.words.window_layout import one_second

LEAD_SECONDS, TAIL_SECONDS = 0.5, 0.6
"""Digital silence around a clip, so that a streaming network hears the word out."""
SILENCE_GAIN_DB = (-20.0, 0.0)
"""Of background noise as a clip of silence."""
SEED = 4711


@dataclass(frozen=True)
class PresentedWord:
    """A clip of one second and what it is."""

    name: str
    label: int
    samples: NDArray[np.int16]
    """[sample_rate_hz]"""


def presented_clips(
    corpus: Corpus, labels: Sequence[str], recipe: WordsRecipe, sample_rate_hz: int
) -> list[PresentedWord]:
    """Return every clip of the words, and unknown and silence by percentage of those.

    The choice is the same at every call. Labels without `unknown` or `silence` get none.
    """
    rng = np.random.RandomState(SEED)
    clips = []
    for label in filter(is_word, labels):
        for said in corpus.of(label, labels):
            clip = one_second(said.take.samples, sample_rate_hz)
            name = f"{said.word}/{said.take.file.name}"
            clips.append(PresentedWord(name, labels.index(label), clip))
    words = len(clips)
    if UNKNOWN in labels:
        others = corpus.of(UNKNOWN, labels)
        count = min(len(others), math.ceil(words * recipe.unknown_percent / 100))
        for index in sorted(rng.permutation(len(others))[:count]):
            said = others[index]
            clip = one_second(said.take.samples, sample_rate_hz)
            name = f"{said.word}/{said.take.file.name}"
            clips.append(PresentedWord(name, labels.index(UNKNOWN), clip))
    if SILENCE in labels and corpus.backgrounds:
        for number in range(math.ceil(words * recipe.silence_percent / 100)):
            clip = _silence(rng, corpus, sample_rate_hz)
            clips.append(PresentedWord(f"silence {number}", labels.index(SILENCE), clip))
    return clips


def _silence(rng: np.random.RandomState, corpus: Corpus, sample_rate_hz: int) -> NDArray[np.int16]:
    samples = corpus.backgrounds[rng.randint(len(corpus.backgrounds))]
    start = rng.randint(max(1, len(samples) - sample_rate_hz + 1))
    gain = 10 ** (rng.uniform(*SILENCE_GAIN_DB) / 20)
    stretch = samples[start : start + sample_rate_hz].astype(np.float64) * gain
    return np.resize(np.round(stretch), sample_rate_hz).astype(np.int16)


def surrounded(samples: NDArray[np.int16], sample_rate_hz: int) -> NDArray[np.int16]:
    """Return a clip, int16 [samples], with digital silence before and after it, as in a stream."""
    lead, tail = (round(s * sample_rate_hz) for s in (LEAD_SECONDS, TAIL_SECONDS))
    return np.pad(samples, (lead, tail))


def clip_scores(
    posteriors: NDArray[np.float32], labels: Sequence[str], average_steps: int
) -> NDArray[np.float64]:
    """Return a clip's scores, float64 [labels]; posteriors: float32 [steps, labels] of its stream.

    Posteriors are averaged over `average_steps`, as the device does. A word or the unknown counts
    with its highest mean, silence with its lowest: it is the answer only when nothing was heard
    at any time. One step alone (a window over the whole clip) is its own answer.
    """
    if len(posteriors) == 1:
        only: NDArray[np.float64] = posteriors[0].astype(np.float64)
        return only
    steps = max(1, min(average_steps, len(posteriors)))
    total = np.cumsum(np.pad(posteriors.astype(np.float64), ((1, 0), (0, 0))), axis=0)
    means = (total[steps:] - total[:-steps]) / steps
    scores: NDArray[np.float64] = means.max(axis=0)
    if SILENCE in labels:
        silence = list(labels).index(SILENCE)
        scores[silence] = means[:, silence].min()
    return scores
