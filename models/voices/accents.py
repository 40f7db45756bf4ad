"""English as it sounds from voices of other languages: accents, and more throats.

Such a voice knows only its own language's sounds, so each English word is respelled, phone by
phone, in letters that its language reads as the nearest sound it has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from models.voices.espeak import EspeakNg
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
GERMAN = {**LATIN, "ch": "tsch", "jh": "dsch", "sh": "sch", "v": "w", "zh": "sch"}
POLISH = {**LATIN, "ay": "aj", "ey": "ej", "oy": "oj", "ch": "cz", "jh": "dż", "sh": "sz",
          "v": "w", "w": "ł", "zh": "ż"}  # fmt: skip
SPANISH = {**LATIN, "ch": "ch", "hh": "j", "ih": "i", "jh": "y", "w": "u", "y": "y", "z": "s"}
TURKISH = {**LATIN, "ay": "ay", "ey": "ey", "oy": "oy", "ch": "ç", "jh": "c", "sh": "ş", "y": "y",
           "zh": "j"}  # fmt: skip
INDONESIAN = {**LATIN, "ae": "é", "eh": "é", "jh": "j", "sh": "sy", "w": "w", "y": "y"}
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
    espeak: str = ""
    """espeak-ng's name of it."""
    signs: Mapping[str, str] = field(default_factory=dict)
    """Vowel signs and the letters for them where they stand alone; empty: an alphabet."""


LANGUAGES = (
    Language("Finnish", FINNISH, "iso-8859-1", ("suo_fi_lj_diphone", "hy_fi_mv_diphone"), "fi"),
    Language("Czech", CZECH, "iso-8859-2",
             ("czech_dita", "czech_krb", "czech_machac", "czech_ph"), "cs"),
    Language("Italian", ITALIAN, "iso-8859-1", ("lp_diphone", "pc_diphone"), "it"),
    Language("Catalan", CATALAN, "iso-8859-1", ("upc_ca_ona_hts",)),
    Language("Russian", CYRILLIC, "utf-8", ("msu_ru_nsh_clunits",), "ru"),
    Language("Hindi", DEVANAGARI, "utf-8", ("hindi_NSK_diphone",), "hi", ALONE),
    Language("German", GERMAN, "utf-8", (), "de"),
    Language("Polish", POLISH, "utf-8", (), "pl"),
    Language("Spanish", SPANISH, "utf-8", (), "es"),
    Language("Turkish", TURKISH, "utf-8", (), "tr"),
    Language("Indonesian", INDONESIAN, "utf-8", (), "id"),
)  # fmt: skip
ESPEAK = "espeak-"
ESPEAK_VARIANTS = ("", "+f3")
"""A man and a woman; few, so that Festival's recorded voices stay a good part."""


class Accents:
    """Speaks English through the voices of other languages that Festival and espeak-ng have."""

    name = "accents"

    def __init__(self) -> None:
        self._english = Festival()
        self._espeak = EspeakNg()
        self._festivals: dict[str, Festival] = {}
        """One a language: what a voice sets up in Festival troubles those of other languages."""
        self._phones: dict[str, tuple[str, ...]] = {}

    def voices(self) -> tuple[str, ...]:
        """Return the installed voices, each with both ways to say an a."""
        installed = self._english.installed()
        if not installed:  # it tells how words are pronounced
            return ()
        found = [voice for language in LANGUAGES for voice in language.voices if voice in installed]
        if self._espeak.voices():
            found += [
                f"{ESPEAK}{language.espeak}{variant}"
                for language in LANGUAGES
                if language.espeak
                for variant in ESPEAK_VARIANTS
            ]
        return tuple(name for voice in found for name in (voice, voice + OPEN_A))

    def synthesise(self, text: str, voice: str, rate: float, pitch: float) -> Utterance:
        """Speak English text; AudioError if a word cannot be pronounced or spoken."""
        own = voice.removesuffix(OPEN_A)
        language = language_of(own)
        open_a = voice.endswith(OPEN_A)
        spelled = re.sub(
            r"[A-Za-z']+", lambda word: spell(self._pronounced(word[0]), language, open_a), text
        )
        if own.startswith(ESPEAK):
            return self._espeak.synthesise(spelled, own.removeprefix(ESPEAK), rate, pitch)
        as_bytes = spelled.encode(language.encoding).decode(ENCODING)
        festival = self._festivals.setdefault(language.name, Festival())
        return festival.synthesise(as_bytes, own, rate, pitch)

    def _pronounced(self, word: str) -> tuple[str, ...]:
        if word not in self._phones:
            self._phones[word] = self._english.pronounce(word.replace("'", ""))
        return self._phones[word]


def language_of(voice: str) -> Language:
    """Return the language of a voice, without its way to say an a."""
    code = voice.removeprefix(ESPEAK).partition("+")[0] if voice.startswith(ESPEAK) else None
    return next(
        language for language in LANGUAGES if voice in language.voices or language.espeak == code
    )


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
