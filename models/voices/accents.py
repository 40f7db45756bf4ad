"""English as it sounds from Festival's voices of other languages: accents, and more throats.

Such a voice knows only its own language's sounds, so each English word is respelled, phone by
phone, in letters that its language reads as the nearest sound it has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from models.voices.festival import ENCODING, Festival
from models.voices.voice import Utterance

OPEN_A = "-a"
"""Ends the name of a voice that says the a of "cat" as that of "father", as many learners do."""

Letters = Mapping[str, str]
"""What stands for each phone of American English."""

LATIN: Letters = {
    "aa": "a", "ae": "e", "ah": "a", "ao": "o", "aw": "au", "ax": "i", "ay": "ai", "eh": "e",
    "er": "er", "ey": "ei", "ih": "i", "iy": "i", "ow": "o", "oy": "oi", "uh": "u", "uw": "u",
    "b": "b", "ch": "c", "d": "d", "dh": "d", "f": "f", "g": "g", "hh": "h", "jh": "dz", "k": "k",
    "l": "l", "m": "m", "n": "n", "ng": "ng", "p": "p", "r": "r", "s": "s", "sh": "s", "t": "t",
    "th": "t", "v": "v", "w": "v", "y": "j", "z": "z", "zh": "z",
}  # fmt: skip
FINNISH = {**LATIN, "ae": "ä", "ch": "ts", "jh": "ts", "z": "s", "zh": "s"}
CZECH = {**LATIN, "ay": "aj", "ey": "ej", "oy": "oj", "ch": "č", "jh": "dž", "sh": "š", "zh": "ž"}
ITALIAN = {**LATIN, "ch": "ci", "g": "gh", "jh": "gi", "sh": "sci", "w": "u", "y": "i", "z": "s"}
CATALAN = {**LATIN, "ch": "tx", "jh": "tj", "sh": "x", "w": "u", "y": "i", "zh": "j"}
CYRILLIC: Letters = {
    "aa": "а", "ae": "э", "ah": "а", "ao": "о", "aw": "ау", "ax": "и", "ay": "ай", "eh": "э",
    "er": "эр", "ey": "эй", "ih": "и", "iy": "и", "ow": "оу", "oy": "ой", "uh": "у", "uw": "у",
    "b": "б", "ch": "ч", "d": "д", "dh": "з", "f": "ф", "g": "г", "hh": "х", "jh": "дж", "k": "к",
    "l": "л", "m": "м", "n": "н", "ng": "нг", "p": "п", "r": "р", "s": "с", "sh": "ш", "t": "т",
    "th": "с", "v": "в", "w": "в", "y": "й", "z": "з", "zh": "ж",
}  # fmt: skip
DEVANAGARI: Letters = {
    "aa": "ा", "ae": "ै", "ah": "ा", "ao": "ॉ", "aw": "ाउ", "ax": "ि", "ay": "ाइ", "eh": "े",
    "er": "र", "ey": "े", "ih": "ि", "iy": "ी", "ow": "ो", "oy": "ॉय", "uh": "ु", "uw": "ू",
    "b": "ब", "ch": "च", "d": "ड", "dh": "द", "f": "फ", "g": "ग", "hh": "ह", "jh": "ज", "k": "क",
    "l": "ल", "m": "म", "n": "न", "ng": "ङ", "p": "प", "r": "र", "s": "स", "sh": "श", "t": "ट",
    "th": "थ", "v": "व", "w": "व", "y": "य", "z": "ज", "zh": "झ",
}  # fmt: skip
"""Vowels as the signs that follow a consonant."""
ALONE = dict(zip("ाैॉिेीोुू", "आऐऑइएईओउऊ", strict=True))
"""The same vowels where no consonant comes before."""
VIRAMA = "्"
"""Says that a consonant has no vowel."""


@dataclass(frozen=True)
class Language:
    """How a language writes English sounds."""

    name: str
    letters: Letters
    encoding: str
    voices: tuple[str, ...]
    """Festival's voices that speak it."""
    signs: Mapping[str, str] = field(default_factory=dict)
    """Vowel signs and the letters for them where they stand alone; empty: an alphabet."""


LANGUAGES = (
    Language("Finnish", FINNISH, "iso-8859-1", ("suo_fi_lj_diphone", "hy_fi_mv_diphone")),
    Language("Czech", CZECH, "iso-8859-2", ("czech_dita", "czech_krb", "czech_machac", "czech_ph")),
    Language("Italian", ITALIAN, "iso-8859-1", ("lp_diphone", "pc_diphone")),
    Language("Catalan", CATALAN, "iso-8859-1", ("upc_ca_ona_hts",)),
    Language("Russian", CYRILLIC, "utf-8", ("msu_ru_nsh_clunits",)),
    Language("Hindi", DEVANAGARI, "utf-8", ("hindi_NSK_diphone",), ALONE),
)


class Accents:
    """Speaks English through Festival's voices of other languages."""

    name = "accents"

    def __init__(self) -> None:
        self._english = Festival()
        self._speakers: dict[str, Festival] = {}
        """One a language: what a voice sets up in Festival troubles those of other languages."""
        self._phones: dict[str, tuple[str, ...]] = {}

    def voices(self) -> tuple[str, ...]:
        """Return the installed voices, each with both ways to say an a."""
        known = {voice for language in LANGUAGES for voice in language.voices}
        found = [voice for voice in self._english.installed() if voice in known]
        return tuple(name for voice in found for name in (voice, voice + OPEN_A))

    def synthesise(self, text: str, voice: str, rate: float, pitch: float) -> Utterance:
        """Speak English text; AudioError if a word cannot be pronounced or spoken."""
        own = voice.removesuffix(OPEN_A)
        language = next(language for language in LANGUAGES if own in language.voices)
        open_a = voice.endswith(OPEN_A)
        spelled = re.sub(
            r"[A-Za-z']+", lambda word: spell(self._pronounced(word[0]), language, open_a), text
        )
        as_bytes = spelled.encode(language.encoding).decode(ENCODING)
        speaker = self._speakers.setdefault(language.name, Festival())
        return speaker.synthesise(as_bytes, own, rate, pitch)

    def _pronounced(self, word: str) -> tuple[str, ...]:
        if word not in self._phones:
            self._phones[word] = self._english.pronounce(word.replace("'", ""))
        return self._phones[word]


def spell(phones: tuple[str, ...], language: Language, open_a: bool) -> str:
    """Return the letters that make a voice of `language` say `phones`."""
    if open_a:
        phones = tuple({"ae": "aa", "ax": "eh"}.get(phone, phone) for phone in phones)
    letters = [language.letters.get(phone, "") for phone in phones]
    return _syllables(letters, language.signs) if language.signs else "".join(letters)


def _syllables(letters: list[str], signs: Mapping[str, str]) -> str:
    """Return consonants with their vowel signs, or marked as having none (Devanagari)."""
    spelled = ""
    after_consonant = False
    for letter in letters:
        vowel = letter[:1] in signs
        if vowel:
            spelled += letter if after_consonant else signs[letter[0]] + letter[1:]
        else:
            spelled += (VIRAMA if after_consonant else "") + letter
        after_consonant = not vowel
    return spelled + (VIRAMA if after_consonant else "")
