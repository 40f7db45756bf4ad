"""Phrases that sound like another: what a detector must learn to refuse."""

import re
from collections.abc import Iterator, Sequence
from itertools import chain, zip_longest

import numpy as np

from models.phrases.lexicon import WORD, common_words, pronounce
from models.voices.phonemes import Phones, distances, holds


def near_phrases(phrase: str, count: int) -> list[str]:
    """Return at most `count` phrases near in sound to `phrase`, none of which is to fire.

    Its own parts, common words that begin or end like it or resemble it as a whole, and, of
    several words, the phrase with one of them swapped for a word that resembles it; the nearest
    of each kind first. Left out: what the whole phrase is heard or written in, such as its
    compounds ("minicomputer" of "computer") and what goes on after it ("activated").
    Raises MissingToolError without the dictionaries, AudioError for what cannot be pronounced.
    """
    words = re.findall(WORD, phrase)
    sounds = pronounce(phrase)
    kinds = [_parts(words), *_like(_joined(sounds))]
    if len(words) > 1:
        kinds += [_with_another_word(words, sounds, place) for place in range(len(words))]
    target, written = _joined(sounds), _letters(phrase)
    found: dict[str, None] = {}
    for candidate in _in_turn(kinds):
        if len(found) == count:
            break
        written_in = written in _letters(candidate)
        if not written_in and not holds(_joined(pronounce(candidate)), target):
            found[candidate] = None
    return list(found)


def _letters(text: str) -> str:
    return re.sub("[^a-z]", "", text.lower())


def _joined(words: Sequence[Phones]) -> Phones:
    return tuple(chain.from_iterable(words))


def _parts(words: Sequence[str]) -> Iterator[str]:
    """Yield every run of some of the words, and all of them backwards."""
    for length in range(1, len(words)):
        for start in range(len(words) - length + 1):
            yield " ".join(words[start : start + length])
    if len(words) > 1:
        yield " ".join(reversed(words))


def _like(target: Phones) -> list[Iterator[str]]:
    """Return common words that resemble, begin like and end like the target, nearest first."""
    words = common_words()
    forward = distances(target, list(words.values()))
    backward = distances(target[::-1], [phones[::-1] for phones in words.values()])
    orders = (
        np.argsort(forward.whole, kind="stable"),
        np.lexsort((forward.whole, forward.beginning)),
        np.lexsort((forward.whole, backward.beginning)),
    )
    names = list(words)
    return [(names[index] for index in order) for order in orders]


def _with_another_word(words: Sequence[str], sounds: Sequence[Phones], place: int) -> Iterator[str]:
    for other in _like(sounds[place])[0]:
        yield " ".join([*words[:place], other, *words[place + 1 :]])


def _in_turn(kinds: Sequence[Iterator[str]]) -> Iterator[str]:
    """Yield the first of each kind, then the second of each, and so on."""
    for row in zip_longest(*kinds):
        yield from (candidate for candidate in row if candidate is not None)
