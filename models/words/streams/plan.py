"""Long recordings with many words over background noise, and what was said when."""

from collections.abc import Iterable, Iterator, Sequence
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
    each_once: bool = False
    """Every recording of the part once, in random order, for as long as that takes; `minutes` and
    `unknown_percent` do not count."""
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
    takes = _each_once(rng, corpus, labels) if plan.each_once else _drawn(rng, corpus, labels, plan)
    seconds = 60.0 * plan.minutes
    if plan.each_once:  # more than enough; what is too much is cut off
        seconds = (2 + len(corpus.said)) * (1 + SPREAD) * max(plan.every_seconds, 1.0)
    length = round(seconds * sample_rate_hz)
    stream = plan.background_volume * _background(rng, corpus, length, sample_rate_hz)
    spoken = []
    position = round(plan.every_seconds / 2 * sample_rate_hz)
    for said, word in takes:
        if position + 2 * sample_rate_hz >= length:
            break
        samples = said.take.samples
        stream[position : position + len(samples)] += samples
        start = position + said.take.word_start
        spoken.append(SpokenWord(word, round(1000 * start / sample_rate_hz, 1)))
        gap = plan.every_seconds * rng.uniform(1 - SPREAD, 1 + SPREAD)
        position += max(len(samples), round(gap * sample_rate_hz))
    return to_int16(stream[:position] if plan.each_once else stream), spoken


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


def _drawn(
    rng: np.random.RandomState, corpus: Corpus, labels: Sequence[str], plan: StreamPlan
) -> Iterator[tuple[WordRecording, str]]:
    """Yield recordings, drawn for ever, each with its word."""
    words = [label for label in labels if is_word(label)]
    while True:
        if rng.uniform() < plan.unknown_percent / 100:
            yield _draw(rng, corpus.of(UNKNOWN, labels)), UNKNOWN_WORD
        else:
            word = words[rng.randint(len(words))]
            yield _draw(rng, corpus.of(word, labels)), word


def _each_once(
    rng: np.random.RandomState, corpus: Corpus, labels: Sequence[str]
) -> Iterator[tuple[WordRecording, str]]:
    """Yield every recording in random order, each with its word."""
    for index in rng.permutation(len(corpus.said)):
        said = corpus.said[index]
        yield said, said.word if said.word in labels else UNKNOWN_WORD


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
