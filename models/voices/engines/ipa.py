"""English text as espeak-ng's phones, which neural voices read, and how people vary them."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from firmware_py.errors import AudioError, MissingToolError

TIE = "^"
"""Joins the parts of one sound, such as those of a diphthong."""
PUNCTUATION = ",.!?;:"
ENDINGS = ".,!?"
"""How a text may end that ends with none: the tune of a voice follows it."""
BOTH_WAYS = ("əᵻ", "ɪᵻ")
"""Unstressed vowels that speakers of English exchange freely ("act-uh-vate", "act-i-vate")."""
EXCHANGED_SHARE = 0.4
"""Of them that are said the other way."""


def ipa(text: str, accent: str) -> tuple[str, ...]:
    """Return the phones of each whitespace-separated token of a text, its punctuation last.

    accent: espeak-ng's name, such as "en-us". Raises MissingToolError without espeak-ng,
    AudioError for a text without a sound.
    """
    tokens = text.split()
    together = _phones(text, accent).split()
    if len(together) != len(tokens):  # some words were run together ("of the" as one)
        together = [_phones(token, accent).replace(" ", "") for token in tokens]
    if not any(together):
        raise AudioError(f"espeak-ng finds nothing to say in {text!r}; write it in English words")
    marks = (re.sub(rf"[^{PUNCTUATION}]", "", token[-1:]) for token in tokens)
    return tuple(phones + mark for phones, mark in zip(together, marks, strict=True))


def ended(rng: np.random.Generator, spoken: Sequence[str]) -> list[str]:
    """Return tokens of which the last one ends with punctuation, drawn where it has none."""
    if spoken[-1][-1:] in PUNCTUATION:
        return list(spoken)
    return [*spoken[:-1], spoken[-1] + str(rng.choice(list(ENDINGS)))]


def exchanged(rng: np.random.Generator, symbol: str) -> str:
    """Return another way to say an unstressed vowel, now and then; the symbol otherwise."""
    for pair in BOTH_WAYS:
        if symbol in pair and rng.random() < EXCHANGED_SHARE:
            return pair[1 - pair.index(symbol)]
    return symbol


@lru_cache(maxsize=4096)
def _phones(text: str, accent: str) -> str:
    """Return espeak-ng's IPA of a text, words between single blanks."""
    if shutil.which("espeak-ng") is None:
        raise MissingToolError(
            "neural voices read what espeak-ng spells out; install it with:"
            " sudo apt install espeak-ng"
        )
    spoken = subprocess.run(
        ["espeak-ng", "-q", "--ipa", f"--tie={TIE}", "-v", accent, "--", text],
        capture_output=True,
        text=True,
        check=False,
    )
    if spoken.returncode:
        raise AudioError(f"espeak-ng cannot spell out {text!r}: {spoken.stderr.strip()}")
    return " ".join(spoken.stdout.split())
