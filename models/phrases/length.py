"""How long a phrase is, and why some are too short or too long to be heard well."""

import re
from functools import cache

from firmware_py.errors import SettingsError
from models.phrases.lexicon import DICTIONARIES, PRONUNCIATIONS, WORD
from models.voices.phonemes import VOWELS

FEWEST_SYLLABLES, MOST_SYLLABLES = 2, 10
SYLLABLE_SECONDS = 0.25
"""Of unhurried speech, about."""
APART = ("ia", "io", "iu", "eo", "oe", "ua", "uo")
"""Neighbouring vowels that are often a syllable each, as in Mia, Leo and Zoe."""


def refuse_unfit_length(phrase: str) -> None:
    """Raise SettingsError for a phrase that is too short or too long for a trigger word.

    phrase: as `models.voices.spelling.spell` returns it.
    """
    count = syllables(phrase)
    one_letter = len(re.sub("[^A-Za-z]", "", phrase)) == 1
    if one_letter or count < FEWEST_SYLLABLES:
        what, better = ("letter", "pi") if one_letter else ("syllable", phrase.lower())
        raise SettingsError(
            f"the phrase {phrase!r} is only one {what}: sounds that short are in all speech, so it"
            " would answer when nobody called; take two to five syllables, such as"
            f" 'hey {better}', or add --anyway"
        )
    if count > MOST_SYLLABLES:
        raise SettingsError(
            f"the phrase has {count} syllables, about {count * SYLLABLE_SECONDS:.0f} s of speech:"
            " nobody says it the same way twice, and it hardly fits into a training clip; take two"
            " to five syllables, such as 'hey pi', or add --anyway"
        )


def syllables(phrase: str) -> int:
    """Return how many syllables a phrase has: by the dictionary, else by its letters."""
    return sum(_known(word.lower()) or _guessed(word.lower()) for word in re.findall(WORD, phrase))


def _known(word: str) -> int:
    """Return the syllables of a word in the pronouncing dictionary, 0 when it is not there."""
    _, _, found = _dictionary().partition(f'\n("{word}" ')
    sounds = found.partition("\n")[0].partition("((")[2]
    return sum(phone in VOWELS for phone in re.findall("[a-z]+", sounds))


@cache
def _dictionary() -> str:
    try:
        return (DICTIONARIES / PRONUNCIATIONS).read_text(encoding="latin-1")
    except OSError:
        return ""  # said with its remedy where near phrases are looked up


def _guessed(word: str) -> int:
    """Return the groups of vowels in a word; an e at its end is silent but for that of "-le"."""
    voiced = re.sub(r"(?<=[^aeiouy])(?<!l)e$", "", word)
    voiced = re.sub("|".join(APART), lambda found: "-".join(found[0]), voiced)
    return max(1, len(re.findall("[aeiouy]+", voiced)))
