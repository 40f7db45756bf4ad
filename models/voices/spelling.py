"""Phrases as people type them, and as English voices read them."""

import re
import unicodedata
from pathlib import Path

from firmware_py.errors import SettingsError
from models.voices.numbers import read_numbers

APOSTROPHES = "\u2019\u2018\u201b\u02bc\u02b9\u02bb\u02c8\u2032\uff07\ua78c\u00b4`"
QUOTES = '"\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033'
HYPHENS = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d"
SIGNS = {"&": " and ", "+": " plus ", "%": " percent ", "@": " at ", "_": " "}
"""What is read as a word, or as a space."""
UNDECOMPOSED = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "ı": "i"}
"""Latin letters that are not an English letter with a mark, and what stands for them."""

_PLAIN = str.maketrans(
    dict.fromkeys(APOSTROPHES, "'") | dict.fromkeys(QUOTES, "") | dict.fromkeys(HYPHENS, "-")
)
_LATIN = str.maketrans(
    {"ẞ": "SS"}
    | UNDECOMPOSED
    | {
        letter.upper(): other.capitalize()
        for letter, other in UNDECOMPOSED.items()
        if letter != "ß"
    }
)
_MIXED = re.compile(r"(?=\S*\d)(?=\S*[^\W\d])\S+")
"""A run of letters and digits, such as R2-D2."""
_ENGLISH = re.compile(r"[A-Za-z' ,.?!-]")
EXAMPLE = "such as 'hey pi'"


def tidy(phrase: str) -> str:
    """Return a phrase with plain apostrophes, hyphens and single spaces, without quotes.

    Compatibility forms become what they stand for (Unicode NFKC); invisible characters go.
    """
    text = unicodedata.normalize("NFKC", phrase.translate(_PLAIN)).translate(_PLAIN)
    text = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    text = " ".join(text.split())
    quoted = re.fullmatch(r"'(.*)'", text)
    return quoted[1].strip() if quoted else text


def spell(phrase: str) -> str:
    """Return a phrase in the letters and marks that every English voice reads alike.

    Digits become words, letters lose their accents, signs such as & become words.
    Raises SettingsError for a phrase without letters, and for other alphabets and signs.
    """
    text = without_accents(tidy(phrase))
    for sign, word in SIGNS.items():
        text = text.replace(sign, word)
    text = read_numbers(_MIXED.sub(_parted, text))
    text = " ".join(text.split())
    for letter in text:
        if not _ENGLISH.match(letter):
            raise SettingsError(_unreadable(phrase, letter))
    if not re.search("[A-Za-z]", text):
        raise SettingsError(
            f"the phrase is {phrase!r}, which has no letters; give words, {EXAMPLE}"
        )
    return text


def read_phrases(path: Path | None) -> list[str]:
    """Return the lines of a file that are not blank, without the spaces around them."""
    if path is None:
        return []
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read phrases from {path}: {error}; give a text file") from None
    return [line.strip() for line in lines if line.strip()]


def without_accents(text: str) -> str:
    """Return text with English letters for Latin ones: "café" is "cafe"."""
    parts = unicodedata.normalize("NFD", text.translate(_LATIN))
    plain = re.sub(r"([A-Za-z])[\u0300-\u036f]+", r"\1", parts)
    return unicodedata.normalize("NFC", plain)


def _parted(found: re.Match[str]) -> str:
    """Return "R2-D2" as "R 2 D 2" and "hal9000" as "hal 9000"; ordinals stay as they are."""
    if re.fullmatch(r"\d+(?:st|nd|rd|th)[,.?!]*", found[0], re.IGNORECASE):
        return found[0]
    parts = re.findall(r"[^\W\d_][^\W\d_']*|\d[\d,.]*|[^\w-]", found[0])
    return " ".join(_spaced(part) for part in parts)


def _spaced(letters: str) -> str:
    """Return letters that do not make a word one by one: "PO" is "P O", "mp" is "m p"."""
    read_singly = (len(letters) < 4 and letters.isupper()) or not re.search(
        "[aeiouy]", letters, re.IGNORECASE
    )
    return " ".join(letters) if letters.isalpha() and read_singly else letters


def _unreadable(phrase: str, letter: str) -> str:
    if unicodedata.category(letter).startswith(("L", "M")):
        return (
            f"the phrase is {phrase!r}; {letter!r} is not an English letter, and the voices read"
            f" English: write it in English letters as it sounds, {EXAMPLE}"
        )
    return f"the phrase is {phrase!r}; {letter!r} is not read aloud: make it a word or leave it out"
