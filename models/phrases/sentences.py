"""Made-up sentences of common words: running speech in which a phrase is not said."""

import random
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from firmware_py.errors import SettingsError
from models.phrases.lexicon import DICTIONARIES, WORD, common_words, pronounce, words_by_tag
from models.voices.phonemes import Phones, holds

TEMPLATES = (
    "the {jj} {nn} {vbd} the {nns} of the {nn}",
    "I think the {nn} {vbd} {rb} and then they {vbd} it",
    "did you see the {nn} that {vbd} the {jj} {nns}",
    "we will {vb} the {nn} and {vb} the {nns} tomorrow",
    "could you {vb} the {nn} in the {nn} please",
    "please {vb} the {jj} {nn}, it is too {jj}",
    "there are {cd} {jj} {nns} in the {nn}",
    "she said that {nnp} {vbd} the {nn}, but nobody {vbd}",
    "what do you think of {jj} {nns} and {nn}",
    "well, {nnp} and {nnp} were {vbg} about the {nn}",
    "no, I have not {vbn} the {nn} yet",
    "when the {nn} {vbd}, all the {nns} were {vbg}",
    "my {nn} is {rb} {jj}, and yours is {jj}",
    "how much was the {jj} {nn} of {nnp}",
    "turn the {nn} to {cd} and {vb} the {nn}",
    "they {vbd} {cd} {nns} a {nn} after the {nn}",
    "if you {vb} {nns}, the {nn} gets {rb} {jj}",
    "who {vbd} the {nn}, the {nn} or the {nns}",
    "okay, so the {nn} has {vbn} {jj} {nns} again",
    "he {rb} {vbd} his {nn} without {vbg} the {nns}",
    "to {vb} a {nn} you need a {jj} {nn}",
    "it was a {jj}, {jj} {nn} for the {nns} of {nnp}",
)
"""{tag}: a common word that newspapers use so (Penn Treebank tags)."""

TRIES = 200
"""For each sentence."""


def sentences(count: int, phrase: str, seed: int, folder: Path = DICTIONARIES) -> list[str]:
    """Return `count` different sentences in which nothing sounds like `phrase`.

    The same arguments give the same sentences. Raises MissingToolError without the dictionaries,
    SettingsError for a phrase without sounds, and for one that is heard nearly everywhere.
    """
    rng = random.Random(f"{phrase} {seed}")
    target = _sounds_of_phrase(phrase)
    found: dict[str, None] = {}
    tries = 0
    while len(found) < count:
        if (tries := tries + 1) > TRIES * count:
            raise SettingsError(f"{phrase!r} is heard in nearly every sentence; take a longer one")
        template = rng.choice(TEMPLATES)
        sentence = re.sub(r"\{(\w+)\}", lambda tag: _word(rng, tag[1], folder), template)
        if not holds(_sounds(sentence), target):
            found[sentence] = None
    return list(found)


def without(phrase: str, texts: Iterable[str]) -> list[str]:
    """Return the English texts in which nothing sounds like `phrase`.

    Raises MissingToolError, SettingsError as `sentences` does.
    """
    target = _sounds_of_phrase(phrase)
    return [text for text in texts if not holds(_sounds(text), target)]


def _word(rng: random.Random, tag: str, folder: Path) -> str:
    words, weights = _choices(tag, folder)
    return rng.choices(words, cum_weights=weights)[0]


@cache
def _choices(tag: str, folder: Path) -> tuple[list[str], list[float]]:
    """Return the words of a tag and running sums of their weights.

    The square root of how often each is used so: common words lead, rare ones are heard too.
    """
    known = common_words(folder)
    used = {word: share for word, share in words_by_tag(folder)[tag].items() if word in known}
    total, sums = 0.0, []
    for share in used.values():
        total += share**0.5
        sums.append(total)
    return list(used), sums


@cache
def _sounds_of_word(word: str) -> Phones:
    return pronounce(word)[0]


def _sounds_of_phrase(phrase: str) -> Phones:
    sounds = _sounds(phrase)
    if not sounds:
        raise SettingsError(f"{phrase!r} has no sounds; give English words, in Latin letters")
    return sounds


def _sounds(text: str) -> Phones:
    words = re.findall(WORD, text)
    return tuple(phone for word in words for phone in _sounds_of_word(word))
