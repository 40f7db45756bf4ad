"""English text as the symbols that Kokoro reads: espeak-ng's phones, respelt.

Kokoro learnt the symbols of the phonemiser misaki (Apache-2.0): one letter for a diphthong or an
affricate, no length marks in American English. espeak-ng writes the same sounds in plain IPA.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import lru_cache

from firmware_py.errors import AudioError, MissingToolError

PUNCTUATION = ",.!?;:"
RESPELT = (
    ("ʔˌn\u0329", "tᵊn"), ("ʔn\u0329", "tᵊn"), ("ʔn", "tᵊn"), ("ʔ", "t"),
    ("a^ɪ", "I"), ("a^ʊ", "W"), ("e^ɪ", "A"), ("ɔ^ɪ", "Y"), ("o^ʊ", "O"), ("ə^ʊ", "Q"),
    ("d^ʒ", "ʤ"), ("t^ʃ", "ʧ"), ("ə^l", "ᵊl"), ("ʲ", ""), ("ɚ", "əɹ"), ("r", "ɹ"), ("ɐ", "ə"),
    ("\u0303", ""), ("ɜːɹ", "ɜɹ"), ("ɜː", "ɜɹ"), ("ɪə", "iə"), ("ː", ""), ("^", ""), ("\u0329", ""),
)  # fmt: skip
"""What espeak-ng writes (a tie, ^, joins the parts of one sound) and what Kokoro knows it as."""

BOTH_WAYS = ("əᵻ", "ɪᵻ")
"""Unstressed vowels that speakers of English exchange freely ("act-uh-vate", "act-i-vate")."""


def symbols(text: str, accent: str) -> tuple[str, ...]:
    """Return the symbols of each whitespace-separated token of a text, its punctuation last.

    accent: espeak-ng's name, such as "en-us". Raises MissingToolError without espeak-ng,
    AudioError for a text without a sound.
    """
    tokens = text.split()
    together = _respelt(_phones(text, accent)).split()
    if len(together) != len(tokens):  # some words were run together ("of the" as one)
        together = [_respelt(_phones(token, accent)).replace(" ", "") for token in tokens]
    if not any(together):
        raise AudioError(f"espeak-ng finds nothing to say in {text!r}; write it in English words")
    marks = (re.sub(rf"[^{PUNCTUATION}]", "", token[-1:]) for token in tokens)
    return tuple(phones + mark for phones, mark in zip(together, marks, strict=True))


def _respelt(phones: str) -> str:
    for theirs, ours in RESPELT:
        phones = phones.replace(theirs, ours)
    return phones


@lru_cache(maxsize=4096)
def _phones(text: str, accent: str) -> str:
    """Return espeak-ng's IPA of a text, words between single blanks."""
    if shutil.which("espeak-ng") is None:
        raise MissingToolError(
            "Kokoro reads what espeak-ng spells out; install it with: sudo apt install espeak-ng"
        )
    spoken = subprocess.run(
        ["espeak-ng", "-q", "--ipa", "--tie=^", "-v", accent, "--", text],
        capture_output=True,
        text=True,
        check=False,
    )
    if spoken.returncode:
        raise AudioError(f"espeak-ng cannot spell out {text!r}: {spoken.stderr.strip()}")
    return " ".join(spoken.stdout.split())
