"""Words and how they are pronounced: the dictionaries of Festival's Debian packages."""

import math
import re
from functools import cache
from pathlib import Path

from firmware_py.errors import MissingToolError
from models.voices.engines.festival import Festival
from models.voices.phonemes import Phones

DICTIONARIES = Path("/usr/share/festival/dicts")
PRONUNCIATIONS = "cmu/cmudict-0.4.out"
"""The CMU pronouncing dictionary, from festlex-cmu."""
COMMON_WORDS = "wsj.wp39.poslexR"
"""Words of the Wall Street Journal, from festlex-poslex: the dictionary is half surnames."""

Tagged = dict[str, dict[str, float]]
"""Shares of words by part of speech (Penn Treebank tags)."""

WORD = re.compile(r"'*[A-Za-z0-9][A-Za-z0-9']*")
"""One word of a text, as `pronounce` takes it."""

_ENTRY = re.compile(r'^\("([a-z]+)" \S+ (\(\(.*)\)$', re.MULTILINE)
_USES = re.compile(r'^\("([a-z]+)" \((.*)\) \(\) \)$', re.MULTILINE)
_USE = re.compile(r"\(([a-z]+) (-[\d.]+)\)")


@cache
def common_words(folder: Path = DICTIONARIES) -> dict[str, Phones]:
    """Return common English words and their phones; raises MissingToolError without them."""
    common = {word for words in words_by_tag(folder).values() for word in words}
    words: dict[str, Phones] = {}
    for word, syllables in _ENTRY.findall(_read(folder / PRONUNCIATIONS)):
        if word in common:
            words.setdefault(word, tuple(re.findall(r"[a-z]+", syllables)))
    return words


@cache
def words_by_tag(folder: Path = DICTIONARIES) -> Tagged:
    """Return how often each common word stands for its part of speech, 0 to 1."""
    tagged: Tagged = {}
    for word, uses in _USES.findall(_read(folder / COMMON_WORDS)):
        for tag, log_share in _USE.findall(uses):
            tagged.setdefault(tag, {})[word] = math.exp(float(log_share))
    return tagged


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="latin-1")
    except OSError as error:
        raise MissingToolError(
            f"{path} is missing, where words and their sounds are looked up; install it with:"
            " sudo apt install festlex-cmu festlex-poslex"
        ) from error


def pronounce(phrase: str) -> list[Phones]:
    """Return the phones of each word of a phrase; words that no dictionary has by their letters.

    Raises AudioError for what cannot be pronounced, such as digits.
    """
    words = common_words()
    spoken = re.findall(WORD, phrase)
    return [words.get(word.lower()) or _by_letters(word.replace("'", "")) for word in spoken]


@cache
def _by_letters(word: str) -> Phones:
    return _festival().pronounce(word)


@cache
def _festival() -> Festival:
    return Festival()
