"""English text as the symbols that Kokoro reads: espeak-ng's phones, respelt.

Kokoro learnt the symbols of the phonemiser misaki (Apache-2.0): one letter for a diphthong or an
affricate, no length marks in American English. espeak-ng writes the same sounds in plain IPA.
"""

from __future__ import annotations

from models.voices.engines.ipa import ipa

RESPELT = (
    ("ʔˌn\u0329", "tᵊn"), ("ʔn\u0329", "tᵊn"), ("ʔn", "tᵊn"), ("ʔ", "t"),
    ("a^ɪ", "I"), ("a^ʊ", "W"), ("e^ɪ", "A"), ("ɔ^ɪ", "Y"), ("o^ʊ", "O"), ("ə^ʊ", "Q"),
    ("d^ʒ", "ʤ"), ("t^ʃ", "ʧ"), ("ə^l", "ᵊl"), ("ʲ", ""), ("ɚ", "əɹ"), ("r", "ɹ"), ("ɐ", "ə"),
    ("\u0303", ""), ("ɜːɹ", "ɜɹ"), ("ɜː", "ɜɹ"), ("ɪə", "iə"), ("ː", ""), ("^", ""), ("\u0329", ""),
)  # fmt: skip
"""What espeak-ng writes and what Kokoro knows it as."""


def symbols(text: str, accent: str) -> tuple[str, ...]:
    """Return the symbols of each whitespace-separated token of a text, its punctuation last.

    accent: espeak-ng's name, such as "en-us". Raises MissingToolError without espeak-ng,
    AudioError for a text without a sound.
    """
    return tuple(map(_respelt, ipa(text, accent)))


def _respelt(phones: str) -> str:
    for theirs, ours in RESPELT:
        phones = phones.replace(theirs, ours)
    return phones
