"""How words sound: their phones, and how far two sounds are apart."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Phones = tuple[str, ...]
"""Phones of American English as Festival and the CMU dictionary write them, without stress."""

GAP_COST = 0.7
"""Of a phone too many or too few, against 1 for two phones that share nothing."""
PART = 0.4
"""A word begins like a target when it shares this much of it."""
LEAST_COST = 0.15
"""Of two different phones, however near."""

_CONSONANTS = {
    # place, manner, voice
    "p": ("lips", "stop", "-"),
    "b": ("lips", "stop", "+"),
    "t": ("ridge", "stop", "-"),
    "d": ("ridge", "stop", "+"),
    "k": ("back", "stop", "-"),
    "g": ("back", "stop", "+"),
    "ch": ("palate", "stop", "-"),
    "jh": ("palate", "stop", "+"),
    "f": ("teeth", "fricative", "-"),
    "v": ("teeth", "fricative", "+"),
    "th": ("teeth", "fricative", "-"),
    "dh": ("teeth", "fricative", "+"),
    "s": ("ridge", "fricative", "-"),
    "z": ("ridge", "fricative", "+"),
    "sh": ("palate", "fricative", "-"),
    "zh": ("palate", "fricative", "+"),
    "hh": ("throat", "fricative", "-"),
    "m": ("lips", "nasal", "+"),
    "n": ("ridge", "nasal", "+"),
    "ng": ("back", "nasal", "+"),
    "l": ("ridge", "approximant", "+"),
    "r": ("palate", "approximant", "+"),
    "w": ("lips", "approximant", "+"),
    "y": ("palate", "approximant", "+"),
}
VOWELS = {
    # height, place, glide
    "iy": ("high", "front", "-"),
    "ih": ("high", "front", "-"),
    "ey": ("mid", "front", "i"),
    "eh": ("mid", "front", "-"),
    "ae": ("low", "front", "-"),
    "aa": ("low", "back", "-"),
    "ao": ("mid", "back", "-"),
    "ow": ("mid", "back", "u"),
    "uh": ("high", "back", "-"),
    "uw": ("high", "back", "-"),
    "ah": ("mid", "centre", "-"),
    "ax": ("mid", "centre", "-"),
    "er": ("mid", "centre", "r"),
    "ay": ("low", "centre", "i"),
    "aw": ("low", "centre", "u"),
    "oy": ("mid", "back", "i"),
}
PHONES = (*_CONSONANTS, *VOWELS)
_INDEX = {phone: index for index, phone in enumerate(PHONES)}


def _phone_cost(first: str, second: str) -> float:
    """Return what it costs to hear one phone for the other: 0 the same, 1 nothing in common.

    The share of articulatory features (IPA chart) that differ; LEAST_COST where none does.
    """
    if first == second:
        return 0.0
    for kind in (_CONSONANTS, VOWELS):
        if first in kind and second in kind:
            different = sum(a != b for a, b in zip(kind[first], kind[second], strict=True))
            return max(LEAST_COST, different / 3)
    return 1.0


_COSTS = np.array([[_phone_cost(first, second) for second in PHONES] for first in PHONES])


@dataclass(frozen=True)
class Distances:
    """How far words sound from a target, float64 [words] each."""

    whole: NDArray[np.float64]
    """Weighted edit distance (Wagner and Fischer, 1974)."""
    beginning: NDArray[np.float64]
    """The least edit distance per phone between a beginning of the target, at least PART of it, and
    any beginning of the word."""


def distances(target: Phones, words: Sequence[Phones]) -> Distances:
    """Return how far each of `words` sounds from `target`."""
    whole, beginning = np.empty(len(words)), np.empty(len(words))
    goal = [_INDEX[phone] for phone in target]
    part = math.ceil(PART * len(goal))
    by_length: dict[int, list[int]] = {}
    for index, word in enumerate(words):
        by_length.setdefault(len(word), []).append(index)
    for length, indexes in by_length.items():
        spelt = np.array([[_INDEX[phone] for phone in words[index]] for index in indexes], int)
        table = _distance_table(goal, spelt.reshape(len(indexes), length))
        whole[indexes] = table[-1, -1]
        lengths = np.arange(part, len(goal) + 1)[:, None, None]
        beginning[indexes] = (table[part:] / lengths).min(axis=(0, 1))
    return Distances(whole, beginning)


def _distance_table(goal: Sequence[int], words: NDArray[np.int_]) -> NDArray[np.float64]:
    """Return distances between all beginnings, float64 [len(goal) + 1, length + 1, words].

    words: phone numbers [words, length].
    """
    count, length = words.shape
    table = np.zeros((len(goal) + 1, length + 1, count))
    table[:, 0] = GAP_COST * np.arange(len(goal) + 1)[:, None]
    table[0] = GAP_COST * np.arange(length + 1)[:, None]
    for row, phone in enumerate(goal, 1):
        for column in range(1, length + 1):
            swapped = table[row - 1, column - 1] + _COSTS[phone, words[:, column - 1]]
            gap = np.minimum(table[row - 1, column], table[row, column - 1]) + GAP_COST
            table[row, column] = np.minimum(swapped, gap)
    return table


def holds(phones: Phones, target: Phones) -> bool:
    """Tell whether `target` is heard whole anywhere in `phones`."""
    starts = range(len(phones) - len(target) + 1)
    return any(phones[start : start + len(target)] == target for start in starts)
