"""Numbers as they are read aloud in English."""

import re

_TO_NINE = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen"),
    *("fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_ONES = (*_TO_NINE, *_TEENS)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ((1_000_000, "million"), (1000, "thousand"), (100, "hundred"))
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
MOST_DIGITS = 9
"""Longer ones are read digit by digit, as are those that begin with 0."""
YEARS = range(1100, 2000)
"""Four digits that are read as two times two."""

NUMBER = re.compile(r"(\d+(?:,\d{3})*)(?:\.(\d+)|(st|nd|rd|th)\b)?", re.IGNORECASE)
"""Digits, with thousands set apart by commas, and a fraction or the ending of an ordinal."""


def read_numbers(text: str) -> str:
    """Return `text` with its numbers in words: "hal 9000" is "hal nine thousand"."""
    return NUMBER.sub(_in_words, text)


def _in_words(found: re.Match[str]) -> str:
    whole, fraction, ordinal = found.groups()
    words = whole_in_words(whole.replace(",", ""))
    if fraction:
        return f"{words} point {digits_in_words(fraction)}"
    return _ordinal(words) if ordinal else words


def whole_in_words(digits: str) -> str:
    """Return ASCII digits in words: as a number, as a year, or one by one."""
    if len(digits) > MOST_DIGITS or (len(digits) > 1 and digits.startswith("0")):
        return digits_in_words(digits)
    number = int(digits)
    if number in YEARS and number % 1000:
        hundreds, rest = divmod(number, 100)
        last = "hundred" if not rest else ("oh " if rest < 10 else "") + _cardinal(rest)
        return f"{_cardinal(hundreds)} {last}"
    return _cardinal(number)


def digits_in_words(digits: str) -> str:
    """Return ASCII digits in words, one by one."""
    return " ".join(_ONES[int(digit)] for digit in digits)


def _cardinal(number: int) -> str:
    if number < len(_ONES):
        return _ONES[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return f"{_TENS[tens]} {_ONES[ones]}" if ones else _TENS[tens]
    size, name = next(scale for scale in _SCALES if number >= scale[0])
    many, rest = divmod(number, size)
    return f"{_cardinal(many)} {name}" + (f" {_cardinal(rest)}" if rest else "")


def _ordinal(words: str) -> str:
    *first, last = words.split()
    ending = f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"
    return " ".join([*first, _ORDINALS.get(last, ending)])
