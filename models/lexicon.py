"""Words and how they are pronounced: the dictionaries of Festival's Debian packages."""

import re
from functools import cache
from pathlib import Path

from firmware_py.errors import MissingToolError
from models.phonemes import Phones
from models.voices.festival import Festival

DICTIONARIES = Path("/usr/share/festival/dicts")
PRONUNCIATIONS = "cmu/cmudict-0.4.out"
"""The CMU pronouncing dictionary, from festlex-cmu."""
COMMON_WORDS = "wsj.wp39.poslexR"
"""Words of the Wall Street Journal, from festlex-poslex: the dictionary is half surnames."""

_ENTRY = re.compile(r'^\("([a-z]+)" \S+ (\(\(.*)\)$', re.MULTILINE)
_COMMON = re.compile(r'^\("([a-z]+)" ', re.MULTILINE)


@cache
def common_words(folder: Path = DICTIONARIES) -> dict[str, Phones]:
    """Return common English words and their phones; raises MissingToolError without them."""
    try:
        entries = (folder / PRONUNCIATIONS).read_text(encoding="latin-1")
        common = set(_COMMON.findall((folder / COMMON_WORDS).read_text(encoding="latin-1")))
    except OSError as error:
        raise MissingToolError(
            f"{error.filename} is missing, where words that sound alike are looked up; install it"
            " with: sudo apt install festlex-cmu festlex-poslex"
        ) from error
    words: dict[str, Phones] = {}
    for word, syllables in _ENTRY.findall(entries):
        if word in common:
            words.setdefault(word, tuple(re.findall(r"[a-z]+", syllables)))
    return words


def pronounce(phrase: str) -> list[Phones]:
    """Return the phones of each word of a phrase; words that no dictionary has by their letters.

    Raises AudioError for what cannot be pronounced, such as digits.
    """
    words = common_words()
    festival = Festival()
    spoken = re.findall(r"[A-Za-z0-9']+", phrase)
    return [words.get(word.lower()) or festival.pronounce(word) for word in spoken]
