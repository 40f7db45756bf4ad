"""Bounds of what models and settings say: each number has a least and a most, each name is plain.

What a file says is used for loops, memory and names of folders, so it is bounded before it is used.
"""

import re
from collections.abc import Mapping
from typing import Any

from firmware_py.errors import SettingsError
from firmware_py.reading.files import CONTROL_CHARACTERS

Ranges = Mapping[str, tuple[float, float]]
"""Least and most of each field."""

LONGEST_NAME = 64
LONGEST_TEXT = 100_000
MOST_NUMBER = 1e18
_NAME = re.compile(r"\w(?:[\w .'-]*[\w'])?")
_LONGEST_VALUE = 80
_LONGEST_PLACE = 100


def check_ranges(value: object, ranges: Ranges) -> None:
    """Raise SettingsError unless each named attribute of `value` is a number in its range."""
    for name, (least, most) in ranges.items():
        check_range(name, getattr(value, name), least, most)


def check_range(name: str, value: float, least: float, most: float) -> None:
    """Raise SettingsError unless `value` is from `least` to `most`; NaN is not."""
    if not value >= least:
        raise SettingsError(f"{name} is {shown_value(value)}; the least is {least:.12g}")
    if not value <= most:
        raise SettingsError(f"{name} is {shown_value(value)}; the most is {most:.12g}")


def check_name(what: str, name: str) -> None:
    """Raise SettingsError unless `name` is a short plain one: it names folders and topics too."""
    if len(name) > LONGEST_NAME or not _NAME.fullmatch(name):
        raise SettingsError(
            f"{what} is {shown_value(name)}; use letters, digits, spaces and . _ ' - in it,"
            f" {LONGEST_NAME} at most"
        )


def check_texts(value: Any, where: str, allowed: str = "") -> None:
    """Raise SettingsError for control characters in texts or keys, however deep.

    allowed: control characters that may be in a text.
    """
    if isinstance(value, str):
        found = CONTROL_CHARACTERS.search(value.translate({ord(each): None for each in allowed}))
        if found:
            raise SettingsError(f"{where} holds the control character {found.group()!a}; remove it")
        if len(value) > LONGEST_TEXT:
            raise SettingsError(f"{where} has {len(value):,} letters; at most {LONGEST_TEXT:,}")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            check_texts(str(key), f"a name in {where}")
            check_texts(item, _item(where, key), allowed)
    elif isinstance(value, list):
        for item in value:
            check_texts(item, where, allowed)


def _item(where: str, key: object) -> str:
    """Return how errors call an item of `where`, cut where it is long."""
    place = f"{where}.{key}"
    return place if len(place) <= _LONGEST_PLACE else f"{place[:_LONGEST_PLACE]}..."


def check_numbers(value: Any, where: str) -> None:
    """Raise SettingsError for numbers that nobody can print or divide, however deep."""
    if isinstance(value, int | float) and not abs(value) <= MOST_NUMBER:
        raise SettingsError(f"{where} is {shown_value(value)}; the most is {MOST_NUMBER:g}")
    if isinstance(value, Mapping):
        for key, item in value.items():
            check_numbers(item, _item(where, key))
    elif isinstance(value, list):
        for item in value:
            check_numbers(item, where)


def shown_value(value: object) -> str:
    """Return a value for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."
