"""Where the words of a recording are, and how long after them the outputs are called."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware_py.bench.trial import OutputCall
from firmware_py.errors import AudioError, SettingsError
from firmware_py.reading.files import read_file, refused_as, shown
from firmware_py.schema import from_mapping

MOST_BYTES = 2**24
NO_WORDS = "not a list of words with label, start_seconds and end_seconds; mend or remove it"
LATEST_SECONDS = 1.5
"""A detection later than this after a word is not of that word."""


@dataclass(frozen=True)
class WordSpan:
    """A word in a recording."""

    label: str
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True)
class WordLatency:
    """Milliseconds from the end of a word to the call of the outputs; negative: before its end."""

    median: float | None
    worst: float | None
    num_heard: int
    num_words: int


def read_words(recording: Path) -> list[WordSpan] | None:
    """Return the words in the .json file beside a recording, or None without such a file."""
    path = recording.with_suffix(".json")
    if not path.exists():
        return None
    content = read_file(path, "list of words", MOST_BYTES, AudioError)
    with refused_as(AudioError, f"{shown(path)}: {NO_WORDS}"):
        rows = json.loads(content)
        try:
            return [from_mapping(WordSpan, row, "word") for row in rows]
        except SettingsError as error:
            raise AudioError(f"{shown(path)}: {NO_WORDS}: {error}") from error


def word_latency(words: Sequence[WordSpan], calls: Sequence[OutputCall]) -> WordLatency:
    """Return how long after each word its first output call came."""
    delays = [1e3 * delay for word in words if (delay := _delay(word, calls)) is not None]
    if not delays:
        return WordLatency(None, None, 0, len(words))
    return WordLatency(statistics.median(delays), max(delays), len(delays), len(words))


def _delay(word: WordSpan, calls: Sequence[OutputCall]) -> float | None:
    for call in calls:
        same = call.label == word.label
        if same and word.start_seconds < call.time_seconds < word.end_seconds + LATEST_SECONDS:
            return call.time_seconds - word.end_seconds
    return None
