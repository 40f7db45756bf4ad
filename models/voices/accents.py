"""English as it sounds from voices of other languages: accents, and more throats.

Such a voice knows only its own language's sounds, so each English word is respelled, phone by
phone, in letters that its language reads as the nearest sound it has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from models.voices.engines.espeak import EspeakNg
from models.voices.engines.festival import ENCODING, Festival
from models.voices.engines.pico import LANGUAGES as PICO_LANGUAGES
from models.voices.engines.pico import Pico
from models.voices.engines.rhvoice import RhVoice, has_voice
from models.voices.engines.voice import Engine, Utterance
from models.voices.phonemes import VOWELS

OPENED = {"ae": "aa", "ax": "eh"}
"""What such learners say for the vowels of "cat" and "about"."""

Pronounced = tuple[tuple[tuple[str, ...], bool], ...]
"""Of each syllable of a word: its phones, and whether it is stressed."""

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
UKRAINIAN = {**CYRILLIC, "ae": "е", "eh": "е", "er": "ер", "ey": "ей", "iy": "і", "g": "ґ",
             "hh": "г"}  # fmt: skip
MACEDONIAN = {**CYRILLIC, "ae": "е", "ay": "ај", "eh": "е", "er": "ер", "ey": "еј", "oy": "ој",
              "jh": "џ", "y": "ј"}  # fmt: skip
ESPERANTO = {**LATIN, "ay": "aj", "ey": "ej", "oy": "oj", "ch": "ĉ", "jh": "ĝ", "sh": "ŝ",
             "zh": "ĵ"}  # fmt: skip
ALBANIAN = {**LATIN, "ch": "ç", "dh": "dh", "jh": "xh", "sh": "sh", "th": "th", "zh": "zh"}
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
    """How a language writes English sounds, and who speaks it."""

    name: str
    letters: Letters
    encoding: str
    """What Festival reads."""
    festival: tuple[str, ...] = ()
    rhvoice: tuple[str, ...] = ()
    rhvoice_not_commercial: tuple[str, ...] = ()
    """Voices whose licences forbid commercial use: they may test a network, not train one."""
    pico: str = ""
    espeak: str = ""
    """espeak-ng's name of it."""
    stress: str = ""
    """What RHVoice wants before the vowel that is stressed; empty: it knows from the spelling."""
    signs: Mapping[str, str] = field(default_factory=dict)
    """Vowel signs and the letters for them where they stand alone; empty: an alphabet."""


LANGUAGES = (
    Language("Finnish", FINNISH, "iso-8859-1", ("suo_fi_lj_diphone", "hy_fi_mv_diphone"),
             espeak="fi"),
    Language("Czech", CZECH, "iso-8859-2",
             ("czech_dita", "czech_krb", "czech_machac", "czech_ph"), espeak="cs"),
    Language("Italian", ITALIAN, "iso-8859-1", ("lp_diphone", "pc_diphone"), pico="it-IT",
             espeak="it"),
    Language("Catalan", CATALAN, "iso-8859-1", ("upc_ca_ona_hts",)),
    Language("Russian", CYRILLIC, "utf-8", ("msu_ru_nsh_clunits",),
             ("aleksandr-hq", "anna", "elena", "irina"),
             ("arina", "artemiy", "mikhail", "pavel", "tatiana", "victoria", "vitaliy", "yuriy"),
             espeak="ru", stress="+"),
    Language("Hindi", DEVANAGARI, "utf-8", ("hindi_NSK_diphone",), espeak="hi", signs=ALONE),
    Language("German", GERMAN, "utf-8", pico="de-DE", espeak="de"),
    Language("Polish", POLISH, "utf-8", rhvoice_not_commercial=("magda", "natan"), espeak="pl"),
    Language("Spanish", SPANISH, "utf-8", pico="es-ES", espeak="es"),
    Language("Turkish", TURKISH, "utf-8", espeak="tr"),
    Language("Indonesian", INDONESIAN, "utf-8", espeak="id"),
    Language("Kyrgyz", CYRILLIC, "utf-8", rhvoice=("azamat", "nazgul")),
    Language("Tatar", CYRILLIC, "utf-8", rhvoice_not_commercial=("talgat",)),
    Language("Ukrainian", UKRAINIAN, "utf-8", rhvoice=("anatol", "natalia"),
             rhvoice_not_commercial=("marianna", "volodymyr"), stress="+"),
    Language("Macedonian", MACEDONIAN, "utf-8", rhvoice=("kiko",),
             rhvoice_not_commercial=("suze",)),
    Language("Esperanto", ESPERANTO, "utf-8", rhvoice=("spomenka",)),
    Language("Albanian", ALBANIAN, "utf-8", rhvoice_not_commercial=("hana",)),
)  # fmt: skip
RHVOICE = "rhvoice-"
PICO = "pico-"
ESPEAK = "espeak-"


class Accents:
    """Speaks English through the voices of other languages that the other engines have."""

    name = "accents"

    def __init__(self) -> None:
        self._english = Festival()
        self._others: dict[str, Engine] = {ESPEAK: EspeakNg(), RHVOICE: RhVoice(), PICO: Pico()}
        self._festivals: dict[str, Festival] = {}
        """One a language: what a voice sets up in Festival troubles those of other languages."""
        self._pronounced: dict[str, Pronounced] = {}

    def voices(self) -> tuple[str, ...]:
        """Return the installed voices, each with both ways to say an a."""
        if not self._english.installed():  # it tells how words are pronounced
            return ()
        found = [voice for language in LANGUAGES for voice in self._speakers(language)]
        return tuple(name for voice in found for name in (voice, voice + OPEN_A))

    def _speakers(self, language: Language) -> list[str]:
        found = [voice for voice in language.festival if voice in self._english.installed()]
        found += [RHVOICE + voice for voice in language.rhvoice if has_voice(voice)]
        if language.pico in PICO_LANGUAGES and self._others[PICO].voices():
            found.append(PICO + language.pico)
        if language.espeak and self._others[ESPEAK].voices():
            found.append(ESPEAK + language.espeak)
        return found

    def synthesise(self, text: str, voice: str, rate: float, pitch: float) -> Utterance:
        """Speak English text; AudioError if a word cannot be pronounced or spoken."""
        own = voice.removesuffix(OPEN_A)
        language = language_of(own)
        open_a = voice.endswith(OPEN_A)
        mark = language.stress if own.startswith(RHVOICE) else ""
        spelled = re.sub(
            r"[A-Za-z']+",
            lambda word: spell_in(self._pronounce(word[0]), language, open_a, mark),
            text,
        )
        for prefix, engine in self._others.items():
            if own.startswith(prefix):
                return engine.synthesise(spelled, own.removeprefix(prefix), rate, pitch)
        as_bytes = spelled.encode(language.encoding).decode(ENCODING)
        festival = self._festivals.setdefault(language.name, Festival())
        return festival.synthesise(as_bytes, own, rate, pitch)

    def _pronounce(self, word: str) -> Pronounced:
        if word not in self._pronounced:
            self._pronounced[word] = self._english.syllables(word.replace("'", ""))
        return self._pronounced[word]


class AccentsNotCommercial(Accents):
    """The voices that are for tests only."""

    name = "accents-nc"

    def _speakers(self, language: Language) -> list[str]:
        return [RHVOICE + voice for voice in language.rhvoice_not_commercial if has_voice(voice)]


def language_of(voice: str) -> Language:
    """Return the language of a voice, without its way to say an a."""
    return next(language for language in LANGUAGES if voice_speaks(voice, language))


def voice_speaks(voice: str, language: Language) -> bool:
    """Tell whether a voice, by its name here, is one of the language."""
    if voice.startswith(ESPEAK):
        return voice.removeprefix(ESPEAK) == language.espeak
    if voice.startswith(PICO):
        return voice.removeprefix(PICO) == language.pico
    if voice.startswith(RHVOICE):
        own = voice.removeprefix(RHVOICE)
        return own in language.rhvoice or own in language.rhvoice_not_commercial
    return voice in language.festival


def spell_in(pronounced: Pronounced, language: Language, open_a: bool, mark: str = "") -> str:
    """Return the letters that make a voice of `language` say a word.

    `mark` goes before the vowel of the first stressed syllable.
    """
    letters = []
    for phones, stressed in pronounced:
        for phone in phones:
            letter = language.letters[OPENED.get(phone, phone) if open_a else phone]
            if mark and stressed and phone in VOWELS:
                letter, mark = mark + letter, ""
            letters.append(letter)
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
