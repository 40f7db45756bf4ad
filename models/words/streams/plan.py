"""Long recordings with many words over background noise, and what was said when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware_py.errors import SettingsError
from firmware_py.labels import UNKNOWN, is_word
from firmware_py.level import to_int16
from models.words.corpus import UNKNOWN_WORD, Corpus, WordRecording

CROSSFADE_SECONDS = 0.5
BACKGROUND_SECONDS = (4.0, 8.0)
"""How long one stretch of background lasts."""
SPREAD = 0.4
"""The time from word to word varies by this share, either way."""


@dataclass(frozen=True)
class SpokenWord:
    """A word in a stream."""

    word: str
    time_ms: float
    """When it begins."""


@dataclass(frozen=True)
class StreamPlan:
    """What a generated stream is like."""

    minutes: float = 10.0
    every_seconds: float = 3.0
    unknown_percent: float = 10.0
    """Share of the words that are none of the labels."""
    background_volume: float = 0.1
    """Amplitude of the background against its recording; the words keep theirs."""
    seed: int = 1


def make_stream(
    corpus: Corpus, labels: Sequence[str], plan: StreamPlan, sample_rate_hz: int
) -> tuple[NDArray[np.int16], list[SpokenWord]]:
    """Return samples, int16 [n], and the words in them; other words are named `_unknown_`."""
    rng = np.random.RandomState(plan.seed)
    length = round(plan.minutes * 60 * sample_rate_hz)
    stream = plan.background_volume * _background(rng, corpus, length, sample_rate_hz)
    words = [label for label in labels if is_word(label)]
    spoken = []
    position = round(plan.every_seconds / 2 * sample_rate_hz)
    while position + 2 * sample_rate_hz < length:
        if rng.uniform() < plan.unknown_percent / 100:
            said, word = _draw(rng, corpus.of(UNKNOWN, labels)), UNKNOWN_WORD
        else:
            word = words[rng.randint(len(words))]
            said = _draw(rng, corpus.of(word, labels))
        samples = said.take.samples
        stream[position : position + len(samples)] += samples
        start = position + said.take.word_start
        spoken.append(SpokenWord(word, round(1000 * start / sample_rate_hz, 1)))
        gap = plan.every_seconds * rng.uniform(1 - SPREAD, 1 + SPREAD)
        position += max(len(samples), round(gap * sample_rate_hz))
    return to_int16(stream), spoken


def write_truth(path: Path, spoken: Iterable[SpokenWord]) -> None:
    """Write one line a word: `word, milliseconds`."""
    lines = [f"{each.word}, {each.time_ms:.1f}\n" for each in spoken]
    path.write_text("".join(lines), encoding="utf-8")


def read_truth(path: Path) -> list[SpokenWord]:
    """Return the words of a ground-truth file, in order of time; raises SettingsError."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot read what was said: {error}") from error
    spoken = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        word, _, time = line.partition(",")
        try:
            spoken.append(SpokenWord(word.strip(), float(time)))
        except ValueError as error:
            raise SettingsError(
                f"{path}:{number}: {line!r} is not `word, milliseconds`; write it so"
            ) from error
    return sorted(spoken, key=lambda each: each.time_ms)


def _draw(rng: np.random.RandomState, said: Sequence[WordRecording]) -> WordRecording:
    if not said:
        raise SettingsError("the part has no recording of one of the words; name another --part")
    return said[rng.randint(len(said))]


def _background(
    rng: np.random.RandomState, corpus: Corpus, length: int, sample_rate_hz: int
) -> NDArray[np.float64]:
    """Return stretches of background recordings, faded into each other, float64 [length]."""
    result = np.zeros(length)
    fade = round(CROSSFADE_SECONDS * sample_rate_hz)
    ramp = np.linspace(0.0, 1.0, fade)
    position = 0
    while corpus.backgrounds and position < length:
        source = corpus.backgrounds[rng.randint(len(corpus.backgrounds))]
        wanted = round(rng.uniform(*BACKGROUND_SECONDS) * sample_rate_hz)
        start = rng.randint(max(1, len(source) - wanted + 1))
        stretch = source[start : start + wanted].astype(np.float64)
        if len(stretch) > 2 * fade:
            stretch[:fade] *= ramp
            stretch[-fade:] *= ramp[::-1]
        part = stretch[: length - position]
        result[position : position + len(part)] += part
        position += max(1, len(stretch) - fade)
    return result
